package main

import (
	"sync/atomic"

	bolt "go.etcd.io/bbolt"
)

// table is what the floor asks of a table.
type table interface {
	look(c *contact) error    // what is known of the contact
	claim(c *contact) error   // one write
	point(c *contact) error   // one write
	outcome(c *contact) error // one write
	count() int64             // writes so far
	close() error
}

// file is the table as the embedded store keeps it: the same library, the same
// settings, the same number of writes of the same size, made ready beforehand.
type file struct {
	db     *bolt.DB
	writes atomic.Int64
}

var (
	bucketStates   = []byte("states")
	bucketPointers = []byte("pointers")
	bucketByStatus = []byte("by_status")
)

func openFile(path string) (*file, error) {
	db, err := bolt.Open(path, 0o600, &bolt.Options{NoSync: true, NoFreelistSync: true, FreelistType: bolt.FreelistMapType})
	if err != nil {
		return nil, err
	}
	err = db.Update(func(tx *bolt.Tx) error {
		for _, name := range [][]byte{bucketStates, bucketPointers, bucketByStatus} {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		return nil
	})
	return &file{db: db}, err
}

func (t *file) close() error { return t.db.Close() }

func (t *file) count() int64 { return t.writes.Load() }

func (t *file) claim(c *contact) error { return t.put(bucketStates, c.key, c.claimed) }

func (t *file) point(c *contact) error { return t.put(bucketPointers, c.number, c.key) }

// look reads what is known of the contact.
func (t *file) look(c *contact) error {
	return t.db.View(func(tx *bolt.Tx) error {
		_ = tx.Bucket(bucketStates).Get(c.key)
		if c.isNew {
			_ = tx.Bucket(bucketPointers).Get(c.number)
		}
		return nil
	})
}

func (t *file) put(bucket, key, value []byte) error {
	t.writes.Add(1)
	return t.db.Update(func(tx *bolt.Tx) error { return tx.Bucket(bucket).Put(key, value) })
}

// outcome stores the outcome with its row in the index.
func (t *file) outcome(c *contact) error {
	t.writes.Add(1)
	return t.db.Update(func(tx *bolt.Tx) error {
		if err := tx.Bucket(bucketByStatus).Put(c.index, c.key); err != nil {
			return err
		}
		return tx.Bucket(bucketStates).Put(c.key, c.outcome)
	})
}
