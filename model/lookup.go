package model

import (
	"context"
	"encoding/binary"
	"slices"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/memory"
)

// Work counts what a sequence's look-ups cost.
type Work struct {
	Steps      int `json:"steps"`       // chunks and tokens
	LookedUp   int `json:"looked_up"`   // blocks that layers chose
	RoundTrips int `json:"round_trips"` // times that a step waited for the device before it could go on
}

// Look is what a layer looked up in a step: blocks, and those of them that were not on the device.
type Look struct{ Blocks, Fetched []int }

// Trace makes a sequence keep what its steps look up, or stop to. It then waits for every step.
func (seq *Sequence) Trace(on bool) { seq.traced = on }

// Looks are what the layers looked up in the last step, empty where they did not.
func (seq *Sequence) Looks() []Look { return seq.looks }

// look notes what layer i looked up, where that is traced.
func (seq *Sequence) look(i int, picks []uint32, fetched []int) {
	if !seq.traced {
		return
	}
	for len(seq.looks) <= i {
		seq.looks = append(seq.looks, Look{})
	}
	seq.looks[i] = Look{Fetched: fetched}
	for _, b := range picks {
		seq.looks[i].Blocks = append(seq.looks[i].Blocks, int(b))
	}
}

// lookups are the tensors for looking up blocks (see memory.InfLLM); all none where the policy has none.
type lookups struct {
	policy  memory.InfLLM
	choices []backend.View // of each layer, or the first of all
	cached  bool           // the choices say where blocks are in pairs
	fresh   backend.Tensor // u32 [3][most]: the blocks that need representatives
	report  backend.Tensor // u32 [1 + layers][topk]: the first layer that missed a block, and one more; each layer's picks
	read    backend.Readback
}

func newLookups(c *scratch, layers int, p memory.Policy, chunk int) *lookups {
	policy, ok := p.(memory.InfLLM)
	if !ok {
		return &lookups{}
	}
	l := &lookups{policy: policy, choices: make([]backend.View, layers)}
	l.fresh = c.tensor(3, memory.MostNew(p, chunk))
	l.report = c.tensor(1+layers, policy.TopK)
	if c.err == nil {
		l.read, c.err = c.b.NewReadback(4 * (1 + layers) * policy.TopK)
	}
	if c.err == nil {
		c.release = append(c.release, l.read.Release)
	}
	return l
}

// tables are the views, for releasing.
func (l *lookups) tables() []*backend.View {
	var all []*backend.View
	for i := range l.choices {
		all = append(all, &l.choices[i])
	}
	return all
}

// missed is the word that says which layer missed a block.
func (l *lookups) missed() backend.Tensor { return cut(l.report.Slice(0, 1), 1) }

// picks are what layer i chose.
func (l *lookups) picks(i, k int) backend.Tensor { return cut(l.report.Slice(1+i, 1), k) }

// choose prepares what each layer chooses from.
func (l *lookups) choose(s *scratch, seq *Sequence) error {
	for i := range l.choices {
		if seq.Mass(i).IsNone() {
			continue
		}
		v := &l.choices[i]
		l.cached = seq.Choice(v, i)
		if err := s.room(v); err != nil {
			return err
		}
	}
	return nil
}

// begin sends which blocks need representatives, and clears the report.
func (l *lookups) begin(o backend.Ops, s *scratch, st *step) {
	if l.report.IsNone() {
		return
	}
	s.words = append(s.words[:0], 0)
	o.Write(l.missed(), s.words)
	s.words, st.fresh = st.seq.New(s.words[:0])
	if st.fresh > 0 {
		o.Write(cut(l.fresh, st.fresh), s.words)
	}
}

// looks reports whether layer i looks up blocks, as soon as there are some.
func (in *step) looks(i int) bool { return !in.seq.Mass(i).IsNone() }

// lookUp makes the representatives of new blocks of layer i, and chooses the blocks that the queries are to see.
func (in *step) lookUp(o backend.Ops, s *scratch, i int, q backend.Tensor, heads int) {
	l, kv, reps := s.lookups, in.pool.Layer(i), in.pool.Representatives(i)
	if in.fresh > 0 {
		o.Represent(reps, kv, in.seq.Mass(i), backend.Represent{TopK: l.policy.ReprTopK, Blocks: cut(l.fresh, in.fresh)})
	}
	k := in.seq.Lookup()
	if k == 0 {
		return
	}
	view := in.texts[0].views[sight{}]
	o.Lookup(q, reps, kv, l.choices[i], backend.Lookup{
		Heads: heads, Picks: l.picks(i, k), Cached: l.cached, Missed: l.missed(), Mark: uint32(i + 1), View: *view, Segment: chosen(view, k),
	})
}

// chosen is the number of the segment whose pages are looked up.
func chosen(v *backend.View, k int) int {
	return slices.IndexFunc(v.Segments, func(g backend.Segment) bool { return g.Query == 1 && !g.Causal && len(g.Pages) == k })
}

// run takes a step through the network: at once where no layer can miss a block, or is not likely to; else layer by layer,
// so that blocks can come to the device as they are chosen.
func (m *Model) run(ctx context.Context, st *step) error {
	m.start(st)
	for t := range st.texts {
		m.count(st.texts[t].Seq)
	}
	seq, in := st.seq, &st.texts[0].Input
	k := seq.Lookup()
	surely := k == 0 || seq.Resident()
	report := !surely || k > 0 && seq.traced
	if surely || st.n == 1 && len(in.IDs) > 0 && !in.Once {
		if report {
			st.missed = m.scratch.lookups.missed()
		}
		err := m.b.Do(m.whole)
		if err != nil || !report {
			return err
		}
		missed, err := m.noteUse(ctx, seq, k)
		if err != nil || missed == 0 {
			return err
		}
		m.start(st)
		st.weighed = missed - 1
	}
	return m.byLayer(ctx, st, k)
}

// count notes a step of a sequence.
func (m *Model) count(seq *Sequence) {
	seq.work.Steps++
	seq.work.LookedUp += seq.Lookup() * m.lookingLayers(seq)
	seq.looks = seq.looks[:0]
	for i := range m.net.layers {
		seq.look(i, nil, nil)
	}
}

// lookingLayers is how many layers look up blocks.
func (m *Model) lookingLayers(seq *Sequence) int {
	n := 0
	for i := range m.net.layers {
		if !seq.Mass(i).IsNone() {
			n++
		}
	}
	return n
}

// atOnce is the whole step. What layers missed is reported where there is a place for it.
func (m *Model) atOnce(o backend.Ops) {
	st := &m.scratch.step
	m.begin(o, st)
	for i := range m.net.layers {
		m.net.ask(o, m.scratch, st, i)
		m.net.answer(o, m.scratch, st, i)
	}
	if !st.missed.IsNone() {
		o.Fetch(m.scratch.lookups.read, m.scratch.lookups.report)
	}
	m.finish(o, st)
}

// noteUse waits for the report of a step, and returns the number of the first layer that missed a block, and one more, or 0.
func (m *Model) noteUse(ctx context.Context, seq *Sequence, k int) (missed int, err error) {
	words, err := m.report(ctx)
	if err != nil {
		return 0, err
	}
	if words[0] != 0 {
		return int(words[0]), nil
	}
	for i := range m.net.layers {
		if !seq.Mass(i).IsNone() {
			picks := words[(1+i)*m.scratch.lookups.report.Cols:][:k]
			seq.Used(i, picks)
			seq.look(i, picks, nil)
		}
	}
	return 0, nil
}

// report is the lookups' on the host.
func (m *Model) report(ctx context.Context) ([]uint32, error) {
	data, err := m.scratch.lookups.read.Wait(ctx)
	if err != nil {
		return nil, err
	}
	words := make([]uint32, len(data)/4)
	for i := range words {
		words[i] = binary.LittleEndian.Uint32(data[4*i:])
	}
	return words, nil
}

// byLayer is a step that waits, in each layer that looks up, for what it chose.
func (m *Model) byLayer(ctx context.Context, st *step, k int) error {
	var loads []memory.Load
	last := len(m.net.layers) - 1
	for at := -1; at <= last; { // layer at has asked
		next := at
		err := m.b.Do(func(o backend.Ops) {
			for _, l := range loads {
				o.WritePage(m.pool.Layer(at), l.Page, l.Data)
			}
			next = m.stretch(o, st, at)
		})
		if err != nil || next > last {
			return err
		}
		if loads, err = m.bring(ctx, st.seq, next, k, loads[:0]); err != nil {
			return err
		}
		at = next
	}
	return nil
}

// stretch goes on from layer at, which has asked, until another one that looks up has, and returns its number, or after the
// last layer to the end.
func (m *Model) stretch(o backend.Ops, st *step, at int) int {
	s := m.scratch
	if at < 0 {
		m.begin(o, st)
	} else {
		m.net.answer(o, s, st, at)
	}
	for i := at + 1; i < len(m.net.layers); i++ {
		m.net.ask(o, s, st, i)
		if st.looks(i) {
			o.Fetch(s.lookups.read, s.lookups.report)
			return i
		}
		m.net.answer(o, s, st, i)
	}
	m.finish(o, st)
	return len(m.net.layers)
}

// bring waits for what layer i chose, and says what of it must be written to the device.
func (m *Model) bring(ctx context.Context, seq *Sequence, i, k int, loads []memory.Load) ([]memory.Load, error) {
	seq.work.RoundTrips++
	words, err := m.report(ctx)
	if err != nil {
		return nil, err
	}
	s := m.scratch
	picks := words[(1+i)*s.lookups.report.Cols:][:k]
	loads, err = seq.Bring(loads, i, picks)
	if err != nil {
		return nil, err
	}
	var fetched []int
	for _, l := range loads {
		fetched = append(fetched, l.Block)
	}
	seq.look(i, picks, fetched)
	return loads, s.room(s.views[0][sight{}])
}

// departure is a block on its way to the host: its page, and where its keys and values of each layer go.
type departure struct {
	page  uint32
	reads []backend.Readback
}

// leave prepares the departure of blocks with the next step.
func (m *Model) leave(seq *Sequence) error {
	for _, page := range seq.Departing() {
		d := departure{page: page}
		for range m.pool.Caches() {
			r, err := m.readback()
			if err != nil {
				return err
			}
			d.reads = append(d.reads, r)
		}
		seq.departing = append(seq.departing, d)
	}
	return nil
}

// depart copies the blocks that leave the device.
func (m *Model) depart(o backend.Ops, seq *Sequence) {
	for _, d := range seq.departing {
		n := 0
		for i := range m.net.layers {
			if kv := m.pool.Layer(i); kv != nil {
				o.FetchPage(d.reads[n], kv, d.page)
				n++
			}
		}
	}
}

// readback is one for a page of any layer.
func (m *Model) readback() (backend.Readback, error) {
	if n := len(m.spare); n > 0 {
		r := m.spare[n-1]
		m.spare = m.spare[:n-1]
		return r, nil
	}
	most := 0
	for i := range m.net.layers {
		if kv := m.pool.Layer(i); kv != nil {
			most = max(most, kv.WholePageBytes())
		}
	}
	return m.b.NewReadback(most)
}

// settle stores the blocks that have come to the host.
func (m *Model) settle(ctx context.Context, seq *Sequence) error {
	for n, d := range seq.departing {
		layers := make([][]byte, len(d.reads))
		for i, r := range d.reads {
			var err error
			if layers[i], err = r.Wait(ctx); err != nil {
				seq.departing = seq.departing[n:]
				seq.cancel()
				return err
			}
		}
		if err := seq.Stored(layers); err != nil {
			seq.departing = seq.departing[n:]
			seq.cancel()
			return err
		}
		m.spare = append(m.spare, d.reads...)
	}
	seq.departing = seq.departing[:0]
	return nil
}

// take takes back all tokens but the first n.
func (seq *Sequence) take(n int) {
	if seq.surprise != nil && n < seq.Len() {
		seq.surprise.valid = false
	}
	seq.Truncate(n)
}

// cancel takes back that blocks are on their way.
func (seq *Sequence) cancel() {
	for _, d := range seq.departing {
		for _, r := range d.reads {
			r.Release()
		}
	}
	seq.departing = seq.departing[:0]
	seq.Stay()
}

// copyPages gives the sequence pages of its own where it shared them.
func (m *Model) copyPages(o backend.Ops, seq *Sequence) {
	for _, c := range seq.Copies() {
		seq.turned = true
		for i := range m.net.layers {
			kv := m.pool.Layer(i)
			if c.Reps {
				kv = m.pool.Representatives(i)
			}
			if kv != nil {
				m.copyPage(o, kv, c)
			}
		}
	}
}

// copyPage copies the first tokens of a page.
func (m *Model) copyPage(o backend.Ops, kv *backend.KV, c memory.Copy) {
	s := m.scratch
	for first := 0; first < c.Tokens; first += m.chunk {
		n := min(m.chunk, c.Tokens-first)
		slots := func(t backend.Tensor, page uint32) backend.Tensor {
			s.words = s.words[:0]
			for i := range n {
				s.words = append(s.words, page*uint32(kv.Page)+uint32(first+i))
			}
			o.Write(cut(t, n), s.words)
			return cut(t, n)
		}
		o.Rotate(kv, backend.Rotate{From: slots(s.slots, c.From), To: slots(s.rawSlots, c.To)})
	}
}

// Stats says where a sequence's tokens are, and what their look-ups have cost.
func (m *Model) Stats(seq *Sequence) (memory.Stats, Work) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return seq.Stats(), seq.work
}

// Fork is another sequence of the same tokens, which shares pages with the first as long as neither changes them.
func (m *Model) Fork(ctx context.Context, seq *Sequence) (*Sequence, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, errClosed
	}
	if err := m.settle(ctx, seq); err != nil {
		return nil, err
	}
	forked, err := seq.Sequence.Fork()
	if err != nil {
		return nil, err
	}
	f := &Sequence{Sequence: forked, stepEnd: seq.stepEnd, stages: slices.Clone(seq.stages)}
	for i := range m.net.layers {
		if from := seq.Mass(i); err == nil && !from.IsNone() {
			err = m.copyTensor(ctx, f.Mass(i), from)
		}
	}
	if err == nil {
		f.surprise, err = m.forkSurprise(ctx, seq.surprise)
	}
	if err != nil {
		f.Sequence.Release()
		return nil, err
	}
	return f, nil
}

// copyTensor copies a tensor by way of the host.
func (m *Model) copyTensor(ctx context.Context, to, from backend.Tensor) error {
	words, err := m.fetch(ctx, from)
	if err != nil {
		return err
	}
	return m.b.Do(func(o backend.Ops) { o.Write(to, words) })
}

// fetch is a tensor on the host.
func (m *Model) fetch(ctx context.Context, t backend.Tensor) ([]uint32, error) {
	r, err := m.b.NewReadback(4 * t.Rows * t.Cols)
	if err != nil {
		return nil, err
	}
	defer r.Release()
	if err := m.b.Do(func(o backend.Ops) { o.Fetch(r, t) }); err != nil {
		return nil, err
	}
	data, err := r.Wait(ctx)
	if err != nil {
		return nil, err
	}
	words := make([]uint32, len(data)/4)
	for i := range words {
		words[i] = binary.LittleEndian.Uint32(data[4*i:])
	}
	return words, nil
}
