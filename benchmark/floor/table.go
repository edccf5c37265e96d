package main

import (
	"bytes"
	"fmt"
	"sync/atomic"

	bolt "go.etcd.io/bbolt"

	"contactsync/shared/status/embedded"
)

// table is what the floor asks of a table.
type table interface {
	prepare(work []contact) error // what is done before the clock starts
	look(c *contact) error        // what is known of the contact
	claim(c *contact) error       // one write
	point(c *contact) error       // one write
	outcome(c *contact) error     // one write
	count() int64                 // writes so far
	close() error
}

// file is the table in a file like the embedded store's: the same library, the same
// settings and buckets, the same number of writes of items of the same size, made
// ready beforehand.
type file struct {
	db     *bolt.DB
	writes atomic.Int64
}

var (
	bucketRoot     = []byte("floor")
	bucketStates   = []byte("states")
	bucketPointers = []byte("pointers")
	bucketByStatus = []byte("by_status")
)

// openFile opens a file that a job has seeded, or a new one.
func openFile(path string, seeded bool) (*file, error) {
	if seeded {
		bucketRoot = []byte("default")
	}
	store, err := embedded.Open(embedded.Config{Connection: string(bucketRoot), Path: path, NoSync: true})
	if err != nil {
		return nil, err
	}
	if err := store.Close(); err != nil {
		return nil, err
	}
	db, err := bolt.Open(path, 0o600, &bolt.Options{NoSync: true, NoFreelistSync: true, FreelistType: bolt.FreelistMapType})
	return &file{db: db}, err
}

// prepare reads the items that are there, so that writing them again changes as much
// as an outcome does.
func (t *file) prepare(work []contact) error {
	return t.db.View(func(tx *bolt.Tx) error {
		root := tx.Bucket(bucketRoot)
		known := map[string][]byte{}
		err := root.Bucket(bucketByStatus).ForEach(func(row, key []byte) error {
			known[string(key)] = bytes.Clone(row)
			return nil
		})
		for i := range work {
			c := &work[i]
			c.indexed = known[string(c.key)]
			if value := root.Bucket(bucketStates).Get(c.key); value != nil {
				c.claimed, c.outcome = bytes.Clone(value), bytes.Clone(value)
			} else if !c.isNew {
				return fmt.Errorf("contact %s is not in the file", c.number)
			}
		}
		return err
	})
}

func (t *file) close() error { return t.db.Close() }

func (t *file) count() int64 { return t.writes.Load() }

func (t *file) look(c *contact) error {
	return t.db.View(func(tx *bolt.Tx) error {
		root := tx.Bucket(bucketRoot)
		_ = root.Bucket(bucketStates).Get(c.key)
		if c.isNew {
			_ = root.Bucket(bucketPointers).Get(c.number)
		}
		return nil
	})
}

func (t *file) claim(c *contact) error { return t.put(bucketStates, c.key, c.claimed) }

func (t *file) point(c *contact) error { return t.put(bucketPointers, c.number, c.key) }

func (t *file) put(bucket, key, value []byte) error {
	t.writes.Add(1)
	return t.db.Update(func(tx *bolt.Tx) error { return tx.Bucket(bucketRoot).Bucket(bucket).Put(key, value) })
}

// outcome stores the outcome and moves its row in the index.
func (t *file) outcome(c *contact) error {
	t.writes.Add(1)
	return t.db.Update(func(tx *bolt.Tx) error {
		root := tx.Bucket(bucketRoot)
		index := root.Bucket(bucketByStatus)
		if c.indexed != nil {
			if err := index.Delete(c.indexed); err != nil {
				return err
			}
		}
		if err := index.Put(c.index, c.key); err != nil {
			return err
		}
		return root.Bucket(bucketStates).Put(c.key, c.outcome)
	})
}
