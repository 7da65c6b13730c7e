package tokenizer

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// isWord says whether r matches \w as the reference's added-token and whitespace rules mean it.
func isWord(r rune) bool {
	if r < utf8.RuneSelf {
		return r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	}
	return unicode.In(r, unicode.L, unicode.M, unicode.Nd, unicode.Nl, unicode.Pc, unicode.Other_Alphabetic,
		unicode.Join_Control)
}

// isPunctuation is the punctuation of BERT: the Unicode categories P and all ASCII symbols.
func isPunctuation(r rune) bool {
	if r < utf8.RuneSelf {
		return '!' <= r && r <= '/' || ':' <= r && r <= '@' || '[' <= r && r <= '`' || '{' <= r && r <= '~'
	}
	return unicode.IsPunct(r)
}

// lower maps each character by itself, with no regard to its neighbours (a final Σ becomes σ), in full: İ becomes i
// and a combining dot, which strings.ToLower drops.
func lower(text string) string {
	if strings.ContainsRune(text, 'İ') {
		text = strings.ReplaceAll(text, "İ", "i\u0307")
	}
	return strings.ToLower(text)
}

// keepRunes drops the characters of text that keep refuses.
func keepRunes(text string, keep func(rune) bool) string {
	return strings.Map(func(r rune) rune {
		if keep(r) {
			return r
		}
		return -1
	}, text)
}

// appendLossy appends data with every maximal invalid part replaced by U+FFFD. With hold it stops before a character
// that could still be completed by more bytes and returns the rest.
func appendLossy(dst []byte, data []byte, hold bool) (out, rest []byte) {
	for len(data) > 0 {
		r, size := utf8.DecodeRune(data)
		if r != utf8.RuneError || size > 1 {
			dst = append(dst, data[:size]...)
			data = data[size:]
			continue
		}
		if hold && !utf8.FullRune(data) {
			return dst, data
		}
		dst = append(dst, "\uFFFD"...)
		data = data[invalidPart(data):]
	}
	return dst, nil
}

// invalidPart is the length of the maximal ill-formed part at the start of data: a lead byte with those continuation
// bytes that could have followed it, or one byte.
func invalidPart(data []byte) int {
	n := 1
	for n < len(data) && n < utf8.UTFMax && !utf8.FullRune(data[:n]) {
		n++
	}
	// data[:n] is full, so its last byte broke the character (n > 1) or the first byte did (n == 1).
	if n > 1 && utf8.FullRune(data[:n]) {
		return n - 1
	}
	return n
}
