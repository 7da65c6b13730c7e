package memory

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/lrun/lrun/backend"
)

// Lambda is LM-Infinite's Λ-shaped mask (arXiv 2308.16137): a query sees the first tokens of the text and the last ones,
// itself included, and no distance appears as larger than the ceiling. Cost and memory a token do not grow with the text.
type Lambda struct {
	plain
	Start int // n_starting: the first tokens that always stay
	Local int // n_local: the last tokens that a query sees, itself included
	Limit int // the ceiling on distances, at least Local: what the model was trained for

	// The optional look-up in the middle: a token that is read alone sees, in layers from Layer on, the TopK keys between
	// the first and the last tokens that match it best, each KV head its own, at half the ceiling's distance. It needs a
	// raw copy of every key, so that memory grows with the text.
	TopK  int
	Layer int
}

// lambdaForm is how a Lambda is written.
const lambdaForm = "the form is lambda:10,2048 or lambda:10,2048,4096 (first tokens, last tokens, largest distance), " +
	"and with a look-up of 5 keys from layer 4 on lambda:10,2048,4096,5,4"

// ParseLambda reads "START,LOCAL", "START,LOCAL,LIMIT" or "START,LOCAL,LIMIT,TOPK,LAYER". Without a limit it is the trained
// context, or Local where that is larger; "" is ten first tokens and the last ones of a trained context.
func ParseLambda(text string, trained int) (Lambda, error) {
	var l Lambda
	if text == "" {
		return Lambda{Start: 10, Local: trained, Limit: trained}, nil
	}
	parts := strings.Split(text, ",")
	if len(parts) != 2 && len(parts) != 3 && len(parts) != 5 {
		return l, fmt.Errorf("lambda:%s: %d numbers; %s", text, len(parts), lambdaForm)
	}
	for i, into := range []*int{&l.Start, &l.Local, &l.Limit, &l.TopK, &l.Layer}[:len(parts)] {
		n, err := strconv.Atoi(strings.TrimSpace(parts[i]))
		if err != nil || n < 0 || n > 1<<30 {
			return l, fmt.Errorf("lambda:%s: %q is not a number of tokens; %s", text, parts[i], lambdaForm)
		}
		*into = n
	}
	if len(parts) == 2 {
		l.Limit = max(l.Local, trained)
	}
	return l, l.Check()
}

// Check implements Policy.
func (l Lambda) Check() error {
	switch {
	case l.TopK > mostRecalled:
		return fmt.Errorf("lambda: a look-up of %d keys, at most %d are supported", l.TopK, mostRecalled)
	case l.Start < 0 || l.TopK < 0 || l.Layer < 0:
		return fmt.Errorf("lambda: %d first tokens and a look-up of %d keys from layer %d on: want at least 0", l.Start, l.TopK, l.Layer)
	case l.Local < 1:
		return fmt.Errorf("lambda: a query must see at least one token, itself")
	case l.Limit < l.Local:
		return fmt.Errorf("lambda: the largest distance, %d, is below the %d last tokens", l.Limit, l.Local)
	}
	return nil
}

// String implements Policy.
func (l Lambda) String() string {
	text := fmt.Sprintf("lambda: the first %d and the last %d tokens, at distances up to %d", l.Start, l.Local, l.Limit)
	if l.TopK > 0 {
		text += fmt.Sprintf("; the best %d of those between from layer %d on", l.TopK, l.Layer)
	}
	return text
}

// Seen implements Policy.
func (l Lambda) Seen(n int) int { return min(n, l.Start+l.Local) }

// Span implements Policy.
func (l Lambda) Span(n int) int { return min(n, l.Limit) }

// Sets implements Policy.
func (l Lambda) Sets(n int) int {
	if (l.Start > 0 || l.TopK > 0) && n > l.Limit {
		return 2
	}
	return 1
}

// Turn implements Policy: raw keys appear at the ceiling, and those that are looked up at half of it.
func (l Lambda) Turn(set, p int) int {
	if set == 2 {
		return l.Recall(p + 1).Distance
	}
	return l.Limit
}

// Alone implements Policy.
func (l Lambda) Alone() bool { return l.TopK > 0 }

// Held implements Policy.
func (l Lambda) Held(n int) int { return min(n, l.Start+l.Local) + min(n, l.raws()) }

// Recall implements Policy.
func (l Lambda) Recall(n int) Recall {
	r := Recall{K: l.TopK, Layer: l.Layer, First: l.Start, Count: n - l.Local - l.Start, Distance: min(l.Limit, n-1) / 2}
	if r.Count < r.K {
		return Recall{}
	}
	return r
}

func (l Lambda) starting() int { return l.Start }

func (l Lambda) raws() int {
	if l.TopK > 0 {
		return math.MaxInt
	}
	return l.Start
}

func (l Lambda) reach(window int) int { return least(l.Local, window) }

// view is the last tokens, and the first ones as far as they are not among them: with their rotated keys while they are
// nearer than the ceiling, and from there on with raw keys, to which a query turns by the ceiling itself. That is the
// paper's rule, min(distance, ceiling); its code puts the first tokens at the ceiling as soon as they leave the last ones,
// which is another thing only where the ceiling is above Local.
func (l Lambda) view(v *backend.View, s *Sequence, n, window int) {
	start := backend.Segment{Count: min(l.Start, s.len), Causal: true}
	most := s.len - 1 // the largest distance in sight
	if window > 0 {
		most = min(most, window-1)
	}
	if start.Count == 0 {
		most = 0
	}
	if near := start; most >= l.Local && l.Local < l.Limit && v.Pos-(start.Count-1) < l.Limit {
		near.Pages, near.Least, near.Window = s.pages[:s.pool.pagesOf(near.Count)], l.Local, least(l.Limit, window)
		v.Segments = append(v.Segments, near)
	}
	if far := start; most >= l.Limit {
		far.Pages, far.Least, far.Window = s.raw[:s.pool.pagesOf(far.Count)], l.Limit, window
		far.Query, far.Distance = 1, l.Limit
		v.Segments = append(v.Segments, far)
	}
	v.Segments = append(v.Segments, s.last(n, l.reach(window)))
}
