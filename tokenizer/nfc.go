package tokenizer

import (
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// longMarks is the number of combining marks in a row from which they are put in order here. The norm package inserts
// a grapheme joiner after 30 (the stream-safe text format), which tokenizers do not expect; a mark can stand for
// three, so this stays well below.
const longMarks = 8

// normalForm is form.String without the stream-safe insertions.
func normalForm(form norm.Form, text string) string {
	if form.IsNormalString(text) {
		return text
	}
	start, end := nextLongMarks(text, 0)
	if start == end {
		return form.String(text)
	}
	var out strings.Builder
	out.Grow(len(text) + len(text)/8)
	done := 0
	for start < end {
		// The marks belong to the last starter before them, as it is once composed with what precedes it.
		head := form.String(text[done:start])
		base := len(head)
		for base > 0 {
			r, size := utf8.DecodeLastRuneInString(head[:base])
			base -= size
			if ccc(r) == 0 {
				break
			}
		}
		out.WriteString(head[:base])
		out.WriteString(orderMarks(form, head[base:]+text[start:end]))
		done = end
		start, end = nextLongMarks(text, done)
	}
	out.WriteString(form.String(text[done:]))
	return out.String()
}

// nextLongMarks is the next run of at least longMarks combining marks; start == end when there is none.
func nextLongMarks(text string, from int) (start, end int) {
	count := 0
	for i, r := range text[from:] {
		switch {
		case r >= 0x300 && ccc(r) != 0:
			if count == 0 {
				start = from + i
			}
			count++
		case count >= longMarks:
			return start, from + i
		default:
			count = 0
		}
	}
	if count >= longMarks {
		return start, len(text)
	}
	return len(text), len(text)
}

// orderMarks normalizes one starter and its marks.
func orderMarks(form norm.Form, text string) string {
	decompose := norm.NFD
	if form == norm.NFKC || form == norm.NFKD {
		decompose = norm.NFKD
	}
	var runes []rune
	for _, r := range text {
		runes = append(runes, []rune(decompose.String(string(r)))...)
	}
	first := 0
	for i, r := range runes {
		if ccc(r) == 0 {
			slices.SortStableFunc(runes[first:i], byClass)
			first = i + 1
		}
	}
	slices.SortStableFunc(runes[first:], byClass)
	if form == norm.NFD || form == norm.NFKD {
		return string(runes)
	}
	return string(composeMarks(runes))
}

// composeMarks merges into the last starter every mark that no mark of the same or a higher class separates from it.
func composeMarks(runes []rune) []rune {
	out := runes[:0]
	starter, last := -1, uint8(0)
	for _, r := range runes {
		class := ccc(r)
		if starter >= 0 && (last == 0 || last < class) && class != 0 {
			pair := norm.NFC.String(string([]rune{out[starter], r}))
			if utf8.RuneCountInString(pair) == 1 {
				out[starter], _ = utf8.DecodeRuneInString(pair)
				continue
			}
		}
		if class == 0 {
			starter = len(out)
		}
		last = class
		out = append(out, r)
	}
	return out
}

func byClass(a, b rune) int { return int(ccc(a)) - int(ccc(b)) }

// ccc is the canonical combining class of r, 0 for a starter.
func ccc(r rune) uint8 {
	var buf [utf8.UTFMax]byte
	return norm.NFD.Properties(buf[:utf8.EncodeRune(buf[:], r)]).CCC()
}
