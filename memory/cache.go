package memory

import (
	"errors"
	"fmt"
	"slices"
)

// ErrLost is what an error wraps where a block cannot be read back from host memory's file. The text it was made of must be
// read again.
var ErrLost = errors.New("a block of the text is lost")

// cache is where the blocks of a sequence are that left the last tokens: all in a store in host memory, and of each layer
// some in pages of the device, the same pages in all layers. A block's own page, which holds it for all layers, is given up
// once it is stored.
type cache struct {
	InfLLM
	pool    *Pool
	store   *Store
	owners  *int        // caches that share the store
	stored  int         // the blocks before this one are in the store
	sent    int         // the blocks before this one are there or on their way
	ids     []int       // of records: one a block and layer; free where the layer has no cache
	pages   []uint32    // at most MaxCachedBlock
	in      [][]int     // layer, page: the block that is in it; free where there is none
	value   [][]float64 // layer, page: when it was used last, or how much
	clock   float64
	list    [][]uint32 // layer: scratch of pairs
	apart   bool       // some blocks are in the store alone
	data    [][]byte   // of the blocks on their way to the device
	fetched int        // times that a block of a layer came from the store
}

const free = -1

func newCache(p *Pool, l InfLLM) *cache {
	c := &cache{InfLLM: l, pool: p, in: make([][]int, len(p.shapes)), value: make([][]float64, len(p.shapes)), list: make([][]uint32, len(p.shapes))}
	c.store, c.owners = NewStore(c.record(), l.HostLimit, l.SpillDir), new(int)
	*c.owners = 1
	return c
}

// record is the size of a block of a layer: keys and values.
func (c *cache) record() int {
	most := 0
	for _, kv := range c.pool.layers {
		if kv != nil {
			most = max(most, kv.WholePageBytes())
		}
	}
	return most
}

// share makes the cache hold what another has stored; on the device it begins empty.
func (c *cache) share(o *cache) {
	c.release()
	c.store, c.owners = o.store, o.owners
	*c.owners++
	c.stored, c.sent, c.ids = o.stored, o.stored, slices.Clone(o.ids[:o.stored*len(c.in)])
	for _, id := range c.records() {
		c.store.Keep(id)
	}
	c.apart = c.stored > 0
}

// add notes the record of the next block of the next layer that has a cache.
func (c *cache) add(id int) {
	for c.pool.layers[len(c.ids)%len(c.in)] == nil {
		c.ids = append(c.ids, free)
	}
	c.ids = append(c.ids, id)
	for at := len(c.ids) % len(c.in); at > 0 && at < len(c.in) && c.pool.layers[at] == nil; at++ {
		c.ids = append(c.ids, free)
	}
}

// records are all that there are.
func (c *cache) records() []int {
	var all []int
	for _, id := range c.ids {
		if id != free {
			all = append(all, id)
		}
	}
	return all
}

// clear forgets all blocks.
func (c *cache) clear() {
	for _, id := range c.records() {
		c.store.Free(id)
	}
	c.pool.give(c.pages...)
	c.stored, c.sent, c.ids, c.pages, c.apart = 0, 0, c.ids[:0], c.pages[:0], false
	for i := range c.in {
		c.in[i], c.value[i] = c.in[i][:0], c.value[i][:0]
	}
}

func (c *cache) release() {
	c.clear()
	if *c.owners--; *c.owners == 0 {
		c.store.Close() // what of the file cannot be removed is the system's
	}
}

// pairs are block and page of those on the device, of layer i; raw are the pages of all blocks that are not stored yet.
func (c *cache) pairs(i int, raw []uint32) []uint32 {
	list := c.list[i][:0]
	for b := c.stored; b < len(raw); b++ {
		list = append(list, uint32(b), raw[b])
	}
	for n, block := range c.in[i] {
		if block != free {
			list = append(list, uint32(block), c.pages[n])
		}
	}
	c.list[i] = list
	return list
}

// Departing are the pages of the blocks that are to be copied to the host in the next step, for Stored: those that are far
// enough behind that they will not be taken back.
func (s *Sequence) Departing() []uint32 {
	if s.blocks == nil || s.blocks.cache == nil {
		return nil
	}
	c := s.blocks.cache
	at := c.pool.pagesOf(c.NInit)
	from, until := c.sent, max(c.sent, min(s.blocks.represented, s.blocks.Blocks(s.len-slack)))
	c.sent = until
	return s.raw[at+from : at+until]
}

// Stay takes back what Departing said: the copies did not come.
func (s *Sequence) Stay() {
	if s.blocks != nil && s.blocks.cache != nil {
		s.blocks.cache.sent = s.blocks.cache.stored
	}
}

// Stored puts the oldest departing block into the store, its keys and values of each layer that has a cache, and gives its
// page up.
func (s *Sequence) Stored(layers [][]byte) error {
	c := s.blocks.cache
	for _, data := range layers {
		id, err := c.store.Put(c.padded(data))
		if err != nil {
			return fmt.Errorf("block %d: %w", c.stored, err)
		}
		c.add(id)
	}
	at := c.pool.pagesOf(c.NInit) + c.stored
	page := s.raw[at]
	s.raw[at] = gone
	if len(c.pages) < c.MaxCachedBlock && c.pool.refs[page] == 1 {
		c.pages = append(c.pages, page)
		c.clock++
		for i := range c.in {
			c.in[i] = append(c.in[i], c.stored)
			c.value[i] = append(c.value[i], c.clock)
		}
	} else {
		c.pool.give(page)
		c.apart = true
	}
	c.stored++
	return nil
}

// Load is a block that must come to a page of the device, of one layer.
type Load struct {
	Block int
	Page  uint32
	Data  []byte // keys, then values
}

// Resident reports whether all blocks are on the device, so that no look-up can miss one.
func (s *Sequence) Resident() bool {
	b := s.blocks
	return b == nil || b.cache == nil || !b.cache.apart
}

// Bring makes the blocks that layer i chose those of the next attention, and appends to loads what must be written to the
// device before. Loads are good until the next call.
func (s *Sequence) Bring(loads []Load, i int, picks []uint32) ([]Load, error) {
	c, raw := s.blocks.cache, s.raw[s.pool.pagesOf(s.blocks.NInit):]
	if err := c.room(c.MaxCachedBlock); err != nil && len(c.pages) < len(picks) {
		return loads, err
	}
	for len(c.in[i]) < len(c.pages) {
		c.in[i], c.value[i] = append(c.in[i], free), append(c.value[i], 0)
	}
	for n, block := range picks {
		if int(block) >= c.stored {
			s.blocks.chosen[n] = raw[block]
			continue
		}
		at := slices.Index(c.in[i], int(block))
		if at < 0 {
			at = c.victim(i, picks)
			c.warm(i, c.in[i][at])
			data, err := c.fetch(len(loads), i, int(block))
			if err != nil {
				return loads, err
			}
			loads = append(loads, Load{int(block), c.pages[at], data})
			c.in[i][at], c.value[i][at] = int(block), 0
		}
		s.blocks.chosen[n] = c.pages[at]
	}
	s.Used(i, picks)
	return loads, nil
}

// room makes at least so many pages for blocks.
func (c *cache) room(n int) error {
	for len(c.pages) < n {
		if err := c.pool.take(&c.pages); err != nil {
			return err
		}
	}
	return nil
}

// warm keeps a block of layer i that leaves the device in host memory, or brings it there from the file meanwhile: a third of
// what a layer fetches it had used a short time before.
func (c *cache) warm(i, block int) {
	if block != free {
		c.store.Prefetch(c.id(i, block))
	}
}

// victim is the page of layer i whose block is worth least, and is not among the picks.
func (c *cache) victim(i int, picks []uint32) int {
	least := -1
	for n, block := range c.in[i] {
		if block == free {
			return n
		}
		if !slices.Contains(picks, uint32(block)) && (least < 0 || c.value[i][n] < c.value[i][least]) {
			least = n
		}
	}
	return least
}

// id is the record of a block of layer i.
func (c *cache) id(i, block int) int { return c.ids[block*len(c.in)+i] }

// fetch brings a block of layer i from the store.
func (c *cache) fetch(n, i, block int) ([]byte, error) {
	for len(c.data) <= n {
		c.data = append(c.data, make([]byte, c.record()))
	}
	c.fetched++
	err := c.store.Get(c.id(i, block), c.data[n])
	if err != nil {
		err = fmt.Errorf("%w: number %d of layer %d: %w", ErrLost, block, i, err)
	}
	return c.data[n][:c.pool.layers[i].WholePageBytes()], err
}

// padded is a block as long as the largest layer's.
func (c *cache) padded(data []byte) []byte {
	if n := c.record() - len(data); n > 0 {
		return append(slices.Clip(data), make([]byte, n)...)
	}
	return data
}

// Used notes that layer i used its picks.
func (s *Sequence) Used(i int, picks []uint32) {
	if s.blocks == nil || s.blocks.cache == nil {
		return
	}
	c := s.blocks.cache
	c.clock++
	for n, block := range c.in[i] {
		used := block != free && slices.Contains(picks, uint32(block))
		switch {
		case c.CacheStrategy == "lru-s":
			c.value[i][n] *= c.ScoreDecay
			if used {
				c.value[i][n]++
			}
		case used:
			c.value[i][n] = c.clock
		}
	}
}
