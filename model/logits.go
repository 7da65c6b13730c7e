package model

import "github.com/lrun/lrun/backend"

// wants is how many rows of logits are wanted of a text: its last ones.
func (t *text) wants() int {
	switch t.Rows {
	case LastRow:
		return 1
	case AllRows:
		return t.n
	}
	return 0
}

// finish gives the logits that are wanted to their sinks.
func (m *Model) finish(o backend.Ops, st *step) {
	s := m.scratch
	h := s.stream(st, st.normed)
	st.seq.surprise.rest(o, m, st, st.texts[0].IDs, h)
	h = s.wantedRows(o, st, h)
	for k, row := 0, 0; k < len(st.texts); {
		end, rows := k+1, st.texts[k].wants()
		for end < len(st.texts) && rows+st.texts[end].wants() <= s.logits.Rows {
			rows += st.texts[end].wants()
			end++
		}
		m.give(o, st.texts[k:end], h.Slice(row, rows))
		k, row = end, row+rows
	}
	for k := range st.texts {
		m.depart(o, st.texts[k].Seq)
	}
}

// wantedRows are the rows of the network's output h whose logits are wanted, one behind the other.
func (c *scratch) wantedRows(o backend.Ops, st *step, h backend.Tensor) backend.Tensor {
	c.words = c.words[:0]
	for k := range st.texts {
		t := &st.texts[k]
		for i := t.n - t.wants(); i < t.n; i++ {
			c.words = append(c.words, uint32(t.first+i))
		}
	}
	n := len(c.words)
	if n == 0 {
		return h.Slice(0, 0)
	}
	if first := int(c.words[0]); int(c.words[n-1])-first == n-1 { // they are so already
		return h.Slice(first, n)
	}
	rows, dst := cut(c.wanted, n), c.h2.Slice(0, n)
	o.Write(rows, c.words)
	o.Gather(dst, h, rows)
	return dst
}

// give makes the logits of the wanted rows h of texts: together they fit a block, or there is one text.
func (m *Model) give(o backend.Ops, texts []text, h backend.Tensor) {
	block := m.scratch.logits
	for first := 0; first < h.Rows; first += block.Rows {
		logits := block.Slice(0, min(block.Rows, h.Rows-first))
		m.net.logits(o, m.scratch, logits, h.Slice(first, logits.Rows))
		at := 0
		for k := range texts {
			t := &texts[k]
			if n := min(t.wants()-first, logits.Rows-at); n > 0 {
				t.Sink.Logits(o, t.n-t.wants()+first, logits.Slice(at, n))
				at += n
			}
		}
	}
}
