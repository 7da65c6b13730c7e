package eval

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/lrun/lrun"
)

// Perplexity says how the perplexity of a text is measured.
type Perplexity struct {
	Buckets []int // ends of the ranges of positions that are told apart, rising
	// Windows is how many pieces of the text, each as long as the last bucket's end, are read from their start on, spread
	// evenly; 0 means four, or as many as there are without overlap.
	Windows int
	// Stride, above 0, reads the whole text in overlapping windows of Window tokens instead, and counts the last Stride
	// tokens of each (all of the first): every token has nearly a window before it. Positions are then the text's.
	Stride, Window int
}

// Loss is what Perplexity.Run measures.
type Loss struct {
	Tokens     int      `json:"tokens"`     // that were predicted
	Perplexity float64  `json:"perplexity"` // e^(mean loss) over all
	Buckets    []Bucket `json:"buckets"`
	Windows    int      `json:"windows"`

	ByPosition []float64 `json:"-"` // mean loss at each position, NaN where none was measured
}

// Bucket is the loss at positions From to To−1.
type Bucket struct {
	From        int      `json:"from"`
	To          int      `json:"to"`
	Tokens      int      `json:"tokens"`
	NLL         *float64 `json:"nll"` // mean of −ln p; nil where the text does not reach so far
	Perplexity  *float64 `json:"perplexity"`
	Speed       *float64 `json:"tokens_per_second"` // that are read
	DeviceBytes int64    `json:"device_bytes"`      // held when the last window left the bucket
}

// errShort is a text that predicts nothing.
var errShort = errors.New("the text is shorter than two tokens")

// Run measures a text. progress, unless nil, hears of tokens done and in all.
func (p Perplexity) Run(ctx context.Context, m *lrun.Model, text string, progress func(done, total int)) (*Loss, error) {
	ids, err := m.Encode(text, false)
	if err != nil {
		return nil, err
	}
	windows, err := p.cut(m, ids)
	if err != nil {
		return nil, err
	}
	l := newLosses(p.Buckets)
	total, done := 0, 0
	var texts [][]int32
	for _, w := range windows {
		total += len(w.ids) - 1
		texts = append(texts, w.ids)
	}
	l.at = time.Now()
	for s, err := range m.ScoreAll(ctx, texts) {
		if err != nil {
			return nil, err
		}
		if w := &windows[s.Text]; s.Token > 0 {
			l.add(m, w.pos+s.Token-1, -s.LogProb, s.Token >= w.from)
			done++
		}
		if progress != nil && done%256 == 0 {
			progress(done, total)
		}
	}
	return l.result(len(windows)), nil
}

// window is a piece of a text: its tokens from number from on are counted, and the first predicted one is at position pos.
type window struct {
	ids       []int32
	pos, from int
}

// cut makes the windows of a text.
func (p Perplexity) cut(m *lrun.Model, ids []int32) ([]window, error) {
	if len(ids) < 2 {
		return nil, errShort
	}
	if p.Stride > 0 {
		return p.slide(ids)
	}
	begin, err := beginning(m)
	if err != nil {
		return nil, err
	}
	size := max(1, min(p.Buckets[len(p.Buckets)-1]+1-len(begin), len(ids))) // one more than is read
	n := p.Windows
	if n == 0 {
		n = max(1, min(4, len(ids)/size))
	}
	step := (len(ids) - size) / max(1, n-1)
	var all []window
	for i := range n {
		piece := ids[i*step : i*step+size]
		all = append(all, window{slices.Concat(begin, piece), 0, max(1, len(begin))})
	}
	return all, nil
}

// beginning is what the tokenizer puts in front of a text.
func beginning(m *lrun.Model) ([]int32, error) {
	const text = "a"
	plain, err := m.Encode(text, false)
	if err != nil {
		return nil, err
	}
	whole, err := m.Encode(text, true)
	for i := range whole {
		if i+len(plain) <= len(whole) && slices.Equal(whole[i:i+len(plain)], plain) {
			return whole[:i], err
		}
	}
	return nil, err
}

// slide makes overlapping windows of the whole text.
func (p Perplexity) slide(ids []int32) ([]window, error) {
	if p.Stride > p.Window-1 {
		return nil, fmt.Errorf("a stride of %d tokens in windows of %d: want at most %d", p.Stride, p.Window, p.Window-1)
	}
	var all []window
	counted := 1 // the first token is never predicted
	for begin := 0; counted < len(ids); begin += p.Stride {
		end := min(begin+p.Window, len(ids))
		all = append(all, window{ids[begin:end], begin, counted - begin})
		counted = end
	}
	return all, nil
}

// losses sums losses up as they come.
type losses struct {
	buckets []Bucket
	ends    []int
	sum     []float64 // by bucket
	read    []int     // tokens, counted or not
	seconds []float64
	byPos   []float64 // by position
	counts  []int
	at      time.Time // of the last token
}

func newLosses(ends []int) *losses {
	n := len(ends)
	l := &losses{ends: ends, sum: make([]float64, n), read: make([]int, n), seconds: make([]float64, n)}
	from := 0
	for _, end := range ends {
		l.buckets = append(l.buckets, Bucket{From: from, To: end})
		from = end
	}
	return l
}

// add is the loss of predicting at a position. Tokens come in blocks, so that the first of a block has the time of all.
func (l *losses) add(m *lrun.Model, pos int, nll float64, counted bool) {
	i, found := slices.BinarySearch(l.ends, pos)
	if found {
		i++
	}
	if i == len(l.buckets) {
		return
	}
	now := time.Now()
	l.read[i]++
	l.seconds[i] += now.Sub(l.at).Seconds()
	l.at = now
	if !counted {
		return
	}
	for len(l.byPos) <= pos {
		l.byPos, l.counts = append(l.byPos, 0), append(l.counts, 0)
	}
	l.byPos[pos] += nll
	l.counts[pos]++
	l.sum[i] += nll
	l.buckets[i].Tokens++
	l.buckets[i].DeviceBytes = m.Info().DeviceBytes
}

// result is what the sums amount to.
func (l *losses) result(windows int) *Loss {
	r := &Loss{Buckets: l.buckets, Windows: windows, ByPosition: l.byPos}
	all := 0.0
	for i := range r.Buckets {
		b := &r.Buckets[i]
		if b.Tokens == 0 {
			continue
		}
		mean := l.sum[i] / float64(b.Tokens)
		perplexity, speed := math.Exp(mean), float64(l.read[i])/l.seconds[i]
		b.NLL, b.Perplexity, b.Speed = &mean, &perplexity, &speed
		r.Tokens += b.Tokens
		all += l.sum[i]
	}
	r.Perplexity = math.Exp(all / float64(max(1, r.Tokens)))
	for pos, n := range l.counts {
		r.ByPosition[pos] /= float64(n) // NaN where n is 0
	}
	return r
}
