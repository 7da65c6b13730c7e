package weights

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
)

// Checkpoint is a set of named tensors from one file or several. It can be read from any goroutine. Close must wait for
// the readers: the bytes go with it.
type Checkpoint struct {
	tensors  map[string]*Tensor
	names    []string // sorted
	files    []string
	metadata map[string]string
	bytes    int64
	invent   *inventor // nil: only the files' tensors are there

	quantised string    // how, "" where the weights are not
	hidden    []*Tensor // that packed ones are read from

	closing sync.Mutex
	unmap   []func() error // nil once closed
}

// OpenFile maps one safetensors file. The errors are those of a file; see ErrTruncated and those after it.
func OpenFile(path string) (*Checkpoint, error) {
	c := newCheckpoint()
	data, unmap, err := mapFile(path)
	if err != nil {
		return nil, err
	}
	if err := c.add(path, data, unmap); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c.sorted(), nil
}

// Parse reads a safetensors file from memory, such as an embedded one. It keeps data and copies nothing; name stands for
// the file in tensors and errors. The errors are those of a file; see ErrTruncated and those after it.
func Parse(name string, data []byte) (*Checkpoint, error) {
	c := newCheckpoint()
	if err := c.add(name, data, nil); err != nil {
		return nil, err
	}
	return c.sorted(), nil
}

func newCheckpoint() *Checkpoint {
	return &Checkpoint{tensors: map[string]*Tensor{}, metadata: map[string]string{}}
}

// add takes over data and unmap, which may be nil, also when it fails.
func (c *Checkpoint) add(file string, data []byte, unmap func() error) error {
	if unmap != nil {
		c.unmap = append(c.unmap, unmap)
	}
	tensors, metadata, err := parse(file, data)
	if err != nil {
		return err
	}
	for _, t := range tensors {
		if other, ok := c.tensors[t.Name]; ok {
			return fmt.Errorf("%s: tensor %s: %w: %s has it too", file, quote(t.Name), ErrDuplicate, other.File)
		}
		t.mapped = unmap != nil
		c.tensors[t.Name] = t
		c.bytes += int64(len(t.Data))
	}
	for key, value := range metadata {
		if _, ok := c.metadata[key]; !ok {
			c.metadata[key] = value
		}
	}
	c.files = append(c.files, file)
	return nil
}

// sorted makes names, once everything is added.
func (c *Checkpoint) sorted() *Checkpoint {
	c.names = slices.Sorted(maps.Keys(c.tensors))
	return c
}

// Tensor finds a tensor by its name in the checkpoint. After Close there is none.
func (c *Checkpoint) Tensor(name string) (*Tensor, bool) {
	t, ok := c.tensors[name]
	return t, ok
}

// Names are the names of all tensors, sorted. The slice is the caller's.
func (c *Checkpoint) Names() []string { return slices.Clone(c.names) }

// Files are the paths of the files, in the order of their names: one, or all shards.
func (c *Checkpoint) Files() []string { return slices.Clone(c.files) }

// Bytes is the size of all tensors as stored, in bytes, without headers.
func (c *Checkpoint) Bytes() int64 { return c.bytes }

// Metadata is the `__metadata__` of the files, such as {"format": "pt"}; of several shards, the first one's value of each
// key. The map is the caller's.
func (c *Checkpoint) Metadata() map[string]string { return maps.Clone(c.metadata) }

// Close unmaps the files and empties Data of every tensor; slices of Data taken before must not be touched any more. Only
// the first call does anything.
func (c *Checkpoint) Close() error {
	c.closing.Lock()
	defer c.closing.Unlock()
	for _, t := range c.tensors {
		t.Data, t.code, t.parts, t.bytes = nil, nil, nil, 0
	}
	for _, t := range c.hidden {
		t.Data = nil
	}
	c.hidden = nil
	clear(c.tensors)
	c.names = nil
	var err error
	for _, unmap := range c.unmap {
		err = errors.Join(err, unmap())
	}
	c.unmap = nil
	return err
}
