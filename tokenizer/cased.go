package tokenizer

import (
	"unicode"
	"unicode/utf8"
)

// casedWord is the end of a word of the o200k family at i, else i: at most one leading symbol, then capitals followed
// by small letters (some of either), then a contraction. Letters without case and marks count as both.
func casedWord(text string, i int) int {
	r, size := utf8.DecodeRuneInString(text[i:])
	lead := i
	if r != '\r' && r != '\n' && !unicode.IsLetter(r) && !unicode.IsNumber(r) {
		lead = i + size
	}
	// The expression tries, in this order: small letters needed, with the lead and without; capitals needed, likewise.
	for _, word := range []func(string, int) int{smallWord, capitalWord} {
		end := word(text, lead)
		if end == lead && lead > i {
			lead, end = i, word(text, i)
			if end == i {
				lead = i + size
			}
		}
		if end > lead {
			if end < len(text) {
				end = contraction(text, end, true)
			}
			return end
		}
	}
	return i
}

// smallWord matches [capitals]*[small]+ at i.
func smallWord(text string, i int) int {
	end, give := i, i // give: the end of the last character that could be small as well as capital
	for end < len(text) {
		r, size := utf8.DecodeRuneInString(text[end:])
		if !isCapital(r) {
			break
		}
		end += size
		if isSmall(r) {
			give = end
		}
	}
	if small := smallRun(text, end); small > end {
		return small
	}
	return give
}

// capitalWord matches [capitals]+[small]* at i.
func capitalWord(text string, i int) int {
	end := i
	for end < len(text) {
		r, size := utf8.DecodeRuneInString(text[end:])
		if !isCapital(r) {
			break
		}
		end += size
	}
	if end == i {
		return i
	}
	return smallRun(text, end)
}

func smallRun(text string, i int) int {
	for i < len(text) {
		r, size := utf8.DecodeRuneInString(text[i:])
		if !isSmall(r) {
			break
		}
		i += size
	}
	return i
}

func isCapital(r rune) bool {
	if r < utf8.RuneSelf {
		return 'A' <= r && r <= 'Z'
	}
	return unicode.In(r, unicode.Lu, unicode.Lt, unicode.Lm, unicode.Lo, unicode.M)
}

func isSmall(r rune) bool {
	if r < utf8.RuneSelf {
		return 'a' <= r && r <= 'z'
	}
	return unicode.In(r, unicode.Ll, unicode.Lm, unicode.Lo, unicode.M)
}
