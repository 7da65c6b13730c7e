package memory

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/lrun/lrun/backend"
)

// sighted is a key in sight: its position, and the distance at which it appears.
type sighted struct{ pos, distance int }

// sights are the keys that the query at position q sees, by the definitions of a view and of raw keys.
func sights(v *backend.View, q int) []sighted {
	var all []sighted
	for _, s := range v.Segments {
		for i := range s.Count {
			pos := s.Pos + i
			if s.Causal && pos > q-s.Least || s.Window > 0 && pos <= q-s.Window {
				continue
			}
			distance := q - pos
			if s.Query == 1 {
				distance = s.Distance
			}
			all = append(all, sighted{pos, distance})
		}
	}
	slices.SortFunc(all, func(a, b sighted) int { return a.pos - b.pos })
	return all
}

// Ensure that each query sees the first and the last tokens, once each and never farther than the ceiling, however the
// text is cut into steps, and that no page in sight has been given back.
func TestLambdaSights(t *testing.T) {
	for _, l := range []Lambda{{Start: 2, Local: 4, Limit: 4}, {Start: 2, Local: 4, Limit: 9}, {Local: 5, Limit: 5}, {Start: 40, Local: 30, Limit: 70},
		{Start: 1, Local: 1, Limit: 1}} {
		for _, window := range []int{0, 3, 50} {
			for _, step := range []int{1, 7, 64} {
				p, _ := newPool(t, 16, l)
				s := p.sequence(t)
				var v backend.View
				for s.Len() < 400 {
					if err := s.Extend(step); err != nil {
						t.Fatal(err)
					}
					s.View(&v, step, window)
					for q := s.Len() - step; q < s.Len(); q++ {
						if got, want := sights(&v, q), lambdaSights(l, q, window); !slices.Equal(got, want) {
							t.Fatalf("%+v, window %d, steps of %d: query %d sees %v, want %v", l, window, step, q, got, want)
						}
					}
					for _, g := range v.Segments {
						if slices.Contains(g.Pages, gone) || len(g.Pages) > p.pagesOf(g.First+g.Count) {
							t.Fatalf("%+v: a page in sight is gone", l)
						}
					}
				}
				if most := p.pagesOf(l.Start)*2 + p.pagesOf(l.Local+step+slack) + 2; p.pages-len(p.free) > most {
					t.Errorf("%+v, steps of %d: %d pages are held, want %d at most", l, step, p.pages-len(p.free), most)
				}
				s.Truncate(0)
				if len(p.free) != p.pages {
					t.Errorf("%+v: %d of %d pages came back", l, len(p.free), p.pages)
				}
			}
		}
	}
}

// lambdaSights is the definition of LM-Infinite, in a layer with a window of its own.
func lambdaSights(l Lambda, q, window int) []sighted {
	var all []sighted
	for j := range q + 1 {
		if (j < l.Start || q-j < l.Local) && (window == 0 || q-j < window) {
			all = append(all, sighted{j, min(q-j, l.Limit)})
		}
	}
	return all
}

// Ensure that the numbers of the method's definition come out: 81 pairs of query and key for 16 tokens.
func TestLambdaCount(t *testing.T) {
	p, _ := newPool(t, 16, Lambda{Start: 2, Local: 4, Limit: 4})
	s := p.sequence(t)
	defer s.Truncate(0)
	if err := s.Extend(16); err != nil {
		t.Fatal(err)
	}
	var v backend.View
	s.View(&v, 16, 0)
	pairs := 0
	for q := range 16 {
		pairs += len(sights(&v, q))
	}
	if pairs != 81 {
		t.Errorf("%d pairs, want 81", pairs)
	}
}

// Ensure that tokens can be taken back as long as what remains is held, and that all go otherwise.
func TestTakingBack(t *testing.T) {
	p, _ := newPool(t, 16, Lambda{Start: 3, Local: 40, Limit: 40})
	s := p.sequence(t)
	defer s.Truncate(0)
	for range 30 {
		if err := s.Extend(10); err != nil {
			t.Fatal(err)
		}
	}
	s.Truncate(298)
	if s.Len() != 298 {
		t.Errorf("two tokens taken back leave %d, want 298", s.Len())
	}
	held := 0
	s.Held(s.Len(), func(from, to int) { held += to - from })
	if held < 43 || held > 43+slack+2*Page {
		t.Errorf("%d tokens are held", held)
	}
	s.Truncate(100)
	if s.Len() != 0 {
		t.Errorf("%d tokens are left though what they see is gone, want 0", s.Len())
	}
}

// Ensure that the command line's form is read, and that nonsense is refused with the form.
func TestParseLambda(t *testing.T) {
	for text, want := range map[string]Lambda{
		"10,200": {Start: 10, Local: 200, Limit: 256, TopK: 0, Layer: 0}, "0,2048": {Start: 0, Local: 2048, Limit: 2048, TopK: 0, Layer: 0}, "4, 8,16": {Start: 4, Local: 8, Limit: 16, TopK: 0, Layer: 0}, "": {Start: 10, Local: 256, Limit: 256, TopK: 0, Layer: 0},
		"4,8,16,5,2": {Start: 4, Local: 8, Limit: 16, TopK: 5, Layer: 2},
	} {
		if got, err := ParseLambda(text, 256); err != nil || got != want {
			t.Errorf("lambda:%s is %+v (%v), want %+v", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"10": "the form is lambda:", "1,2,3,4": "4 numbers", "1,2,3,99,0": "at most 64", "a,2": `"a" is not a number`,
		"-1,2": "not a number", "1,0": "at least one", "1,8,4": "below the 8 last", "1,99999999999": "not a number",
	} {
		if _, err := ParseLambda(text, 256); err == nil || !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("lambda:%s: error %v, want %q", text, err, want)
		}
	}
}
