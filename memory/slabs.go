package memory

// slabBytes is how much host memory is taken at once, unless a record is larger.
const slabBytes = 4 << 20

// slabs is host memory in slots of one size, taken and given back a slab at a time.
type slabs struct {
	size  int // bytes a slot
	per   int32
	all   []slab
	open  int    // no slab before it has a free slot: filling the first ones first leaves the last ones to be given back
	spare []byte // of the slab that was empty last, so that a record that comes and goes does not take a slab each time
	held  int    // slabs with memory, the spare one counted
}

// slab is a piece of memory for as many slots as go into slabBytes.
type slab struct {
	data  []byte // [per][size]; nil while no slot is used
	used  int32
	fresh int32 // slots from here on were not used yet
	free  []int32
}

// newSlabs is memory in slots of size bytes, of which most are used as a rule; 0: any number.
func newSlabs(size, most int) slabs {
	per := max(1, slabBytes/size)
	if most > 0 {
		per = min(per, most)
	}
	return slabs{size: size, per: int32(per)}
}

// take hands out a slot, whose bytes are not cleared.
func (m *slabs) take() int32 {
	for m.open < len(m.all) && m.all[m.open].used == m.per {
		m.open++
	}
	if m.open == len(m.all) {
		m.all = append(m.all, slab{})
	}
	b := &m.all[m.open]
	if b.data == nil {
		b.data = m.memory()
	}
	b.used++
	n := b.fresh
	if last := len(b.free) - 1; last >= 0 {
		n, b.free = b.free[last], b.free[:last]
	} else {
		b.fresh++
	}
	return int32(m.open)*m.per + n
}

// memory is that of one slab: the spare one, if there is one.
func (m *slabs) memory() []byte {
	data := m.spare
	m.spare = nil
	if data == nil {
		data = make([]byte, int(m.per)*m.size)
		m.held++
	}
	return data
}

// give takes a slot back, and gives back the memory of a slab without slots in use if there is a spare one already.
func (m *slabs) give(slot int32) {
	i := int(slot / m.per)
	b := &m.all[i]
	b.used--
	m.open = min(m.open, i)
	if b.used > 0 {
		b.free = append(b.free, slot%m.per)
		return
	}
	if m.spare != nil {
		m.held--
	}
	m.spare = b.data
	*b = slab{}
}

// at is the bytes of a slot.
func (m *slabs) at(slot int32) []byte {
	from := int(slot%m.per) * m.size
	return m.all[slot/m.per].data[from : from+m.size : from+m.size]
}

// bytes is how much memory is taken.
func (m *slabs) bytes() int64 { return int64(m.held) * int64(m.per) * int64(m.size) }
