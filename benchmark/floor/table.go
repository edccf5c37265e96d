package main

import (
	"sync/atomic"

	bolt "go.etcd.io/bbolt"
)

// table is the table as the embedded store keeps it: the same library, the same
// settings, the same number of writes of the same size, made ready beforehand.
type table struct {
	db     *bolt.DB
	writes atomic.Int64
}

var (
	bucketStates   = []byte("states")
	bucketPointers = []byte("pointers")
	bucketByStatus = []byte("by_status")
)

func openTable(path string) (*table, error) {
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
	return &table{db: db}, err
}

func (t *table) close() error { return t.db.Close() }

// look reads what is known of the contact.
func (t *table) look(c *contact) error {
	return t.db.View(func(tx *bolt.Tx) error {
		_ = tx.Bucket(bucketStates).Get(c.key)
		if c.isNew {
			_ = tx.Bucket(bucketPointers).Get(c.number)
		}
		return nil
	})
}

func (t *table) put(bucket, key, value []byte) error {
	t.writes.Add(1)
	return t.db.Update(func(tx *bolt.Tx) error { return tx.Bucket(bucket).Put(key, value) })
}

// outcome stores the outcome with its row in the index.
func (t *table) outcome(c *contact) error {
	t.writes.Add(1)
	return t.db.Update(func(tx *bolt.Tx) error {
		if err := tx.Bucket(bucketByStatus).Put(c.index, c.key); err != nil {
			return err
		}
		return tx.Bucket(bucketStates).Put(c.key, c.outcome)
	})
}
