//go:build cgo && !nogpu && ((linux && amd64) || (darwin && (amd64 || arm64)) || (windows && amd64))

package webgpu

import (
	"errors"
	"fmt"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/wgsl"
)

// choice is one of the things that are chosen.
type choice struct {
	name       string
	fused      bool                       // of fused kernels alone
	shared     bool                       // of tiles that threads share alone
	candidates func(t Tuning) []candidate // the first with what t has
	load       func(t *tuner) (workload, error)
	take       func(tuned *Tuning, from Tuning) // has tuned take the choice over
}

// candidate is a value and the tuning with it.
type candidate struct {
	value  string
	tuning Tuning
}

// workload records the i-th of equal pieces of work.
type workload func(s *step, i int)

// between chooses a field of the tuning, measured with or without fused kernels.
func between[T comparable](name string, fused bool, field func(*Tuning) *T, load func(t *tuner) (workload, error), values ...T) choice {
	return choice{
		name:  name,
		fused: fused,
		candidates: func(t Tuning) []candidate {
			own := *field(&t)
			t.Fuse = fused
			*field(&t) = own
			all := []candidate{{fmt.Sprint(own), t}}
			for _, v := range values {
				if v != own {
					*field(&t) = v
					all = append(all, candidate{fmt.Sprint(v), t})
				}
			}
			return all
		},
		load: load,
		take: func(tuned *Tuning, from Tuning) { *field(tuned) = *field(&from) },
	}
}

// choices are all there is to choose, in the order in which one matters to the next.
func choices() []choice {
	all := []choice{between("fused kernels", false, func(t *Tuning) *bool { return &t.Fuse }, fusible, false, true)}
	for _, d := range []backend.DType{backend.F16, backend.Q8, backend.Q4} {
		for i, words := range []int{shortRow, 4 * shortRow, longRow} {
			rows := fmt.Sprintf("%s, %s rows", d, []string{"short", "medium", "long"}[i])
			vec := func(t *Tuning) *int { return t.Vec.at(d, words) }
			one := func(t *Tuning) *int { return t.One.at(d, words) }
			all = append(all,
				between("threads a row, "+rows, false, vec, rowsOf(d, words, 1, 4), wgsl.VecLanes...),
				between("threads a row, fused, "+rows, true, one, rowsOf(d, words, 1), wgsl.OneLanes...))
		}
	}
	tiles := between("tiles that are enough", false, func(t *Tuning) *int { return &t.Tiles }, manyTokens, 1, 32, 64, 128, 256, 512)
	tiles.shared = true
	return append(all,
		between("most tokens row by row", false, func(t *Tuning) *int { return &t.RowTokens }, fewTokens, 4, 8, 16, 32, 64),
		tiles,
		between("most tokens that attend one at a time", false, func(t *Tuning) *int { return &t.AttendTokens }, attentionOf(1024, 2, 4, 8, 16), 1, 2, 4, 8, 16),
		between("loops of attention written out", false, func(t *Tuning) *bool { return &t.Unroll }, attentionOf(1024, 128), false, true),
		between("least keys of a split", false, func(t *Tuning) *int { return &t.SplitKeys }, attentionOf(4<<10, 1), 64, 128, 256, 512),
		between("most splits of keys", false, func(t *Tuning) *int { return &t.Splits }, attentionOf(maxTuneKeys, 1), 16, 32, 64, 128))
}

// columnsIn are the elements of a type in so many words of 16 bytes.
func columnsIn(d backend.DType, words int) int {
	const some = 1024 // a multiple of what shares scales
	return words * 16 * some / d.CodeBytes(some)
}

// rowsOf multiplies matrices with rows of so many words with each of some numbers of tokens.
func rowsOf(d backend.DType, words int, tokens ...int) func(t *tuner) (workload, error) {
	return func(t *tuner) (workload, error) {
		rows := min(8192, t.room()/8/(16*words))
		return t.products(d, rows, columnsIn(d, words), 1, tokens...)
	}
}

// fewTokens reads 48 tokens in sixes, in twelves, … and so lies between the numbers that there are to choose from.
func fewTokens(t *tuner) (workload, error) {
	return t.products(backend.Q8, 4096, 2048, 48, 6, 12, 24, 48)
}

// manyTokens reads 512 tokens in chunks. The fewer columns, the less a slow adapter has to do for as many tiles.
func manyTokens(t *tuner) (workload, error) {
	return t.products(backend.Q8, 4096, 512, 512, 64, 128, 256, 512)
}

// products multiplies one matrix after the other with as many tokens in chunks of each size, of all or of the chunk itself
// where that is more.
func (t *tuner) products(d backend.DType, rows, cols, all int, chunks ...int) (workload, error) {
	most := chunks[len(chunks)-1]
	x, err := t.tensor(most, cols)
	if err != nil {
		return nil, err
	}
	dst, err := t.tensor(most, rows)
	if err != nil {
		return nil, err
	}
	matrices, err := t.matrices(d, rows, cols)
	return func(s *step, i int) {
		for _, n := range chunks {
			for range max(1, all/n) {
				s.Linear(dst.Slice(0, n), x.Slice(0, n), matrices[i%len(matrices)], backend.Linear{})
			}
		}
	}, err
}

// fusible is what a layer of 2,048 channels does beside attention, for one token.
func fusible(t *tuner) (workload, error) {
	const dim, hidden = 2048, 4096
	var rows [3]backend.Tensor // what goes through the layer, what attention would be given, the hidden row
	for i, cols := range []int{dim, dim, hidden} {
		var err error
		if rows[i], err = t.tensor(1, cols); err != nil {
			return nil, err
		}
	}
	x, q, y := rows[0], rows[1], rows[2]
	out, err := t.matrices(backend.Q8, dim, dim)
	if err != nil {
		return nil, err
	}
	up, err := t.matrices(backend.Q8, 2*hidden, dim)
	if err != nil {
		return nil, err
	}
	down, err := t.matrices(backend.Q8, dim, hidden)
	norm := &backend.Norm{RMS: true, Eps: 1e-5}
	return func(s *step, i int) {
		s.Linear(q, x, out[i%len(out)], backend.Linear{Norm: norm})
		s.GateUp(y, x, up[i%len(up)], backend.GateUp{Norm: norm, Act: backend.SiLU})
		s.Linear(x, y, down[i%len(down)], backend.Linear{Add: true})
	}, err
}

// maxTuneKeys is the longest text that attention is measured at.
const maxTuneKeys = 32 << 10

// attentionOf has some tokens attend at the end of a text, in chunks of each size, 32 heads of 128 over 8 of keys in f16. The
// texts lie one behind the other in a cache of maxTuneKeys.
func attentionOf(keys int, chunks ...int) func(t *tuner) (workload, error) {
	const heads, kvHeads, dim, page = 32, 8, 128, 64
	return func(t *tuner) (workload, error) {
		most := chunks[len(chunks)-1]
		q, err := t.tensor(most, heads*dim)
		if err != nil {
			return nil, err
		}
		dst, err := t.tensor(most, heads*dim)
		if err != nil {
			return nil, err
		}
		kv, err := t.d.NewKV(backend.F16, maxTuneKeys/page, page, kvHeads, dim)
		if err != nil {
			return nil, err
		}
		t.held = append(t.held, kv)
		views, err := t.views(keys, page)
		return func(s *step, i int) {
			v := views[i%len(views)]
			for _, n := range chunks {
				for range most / n {
					v.Pos = keys - n
					s.Attend(dst.Slice(0, n), q.Slice(0, n), kv, v, backend.Attend{Heads: heads, Scale: 0.1})
				}
			}
		}, err
	}
}

// views are of the texts of so many keys in a cache.
func (t *tuner) views(keys, page int) ([]backend.View, error) {
	var all []backend.View
	for first := 0; first < maxTuneKeys; first += keys {
		list := make([]uint32, keys/page)
		for i := range list {
			list[i] = uint32(first/page + i)
		}
		v := backend.View{Segments: []backend.Segment{{Pages: list, Count: keys, Causal: true}}}
		var err error
		if v.Table, err = t.tensor(1, v.Words()); err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

// tensor is an operand of zeros: contents do not matter to speed.
func (t *tuner) tensor(rows, cols int) (backend.Tensor, error) {
	x, err := t.d.NewTensor(rows, cols)
	if err == nil {
		t.held = append(t.held, x.Buf)
	}
	return x, err
}

// room is the bytes of the matrices that go round.
func (t *tuner) room() int {
	if t.d.IsSoftware() {
		return 64 << 20
	}
	return 256 << 20
}

// matrices are alike, and together more than caches hold where there is room for that.
func (t *tuner) matrices(d backend.DType, rows, cols int) ([]*backend.Matrix, error) {
	var all []*backend.Matrix
	for n := max(1, t.room()/(rows*d.RowBytes(cols))); n > 0; n-- {
		m, err := t.d.NewMatrix(d, rows, cols, 2)
		if errors.Is(err, errOutOfMemory) && len(all) > 0 {
			break
		}
		if err != nil {
			return nil, err
		}
		t.held = append(t.held, m)
		all = append(all, m)
	}
	return all, nil
}
