package files

import (
	"bytes"
	"regexp"
)

// infinity is a bare word in what Python writes, which JSON has no number for; texts are matched too, to be left alone.
var infinity = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|\bInfinity\b`)

// Finite is JSON as Python writes it, with the largest numbers in place of infinite ones and without a byte order mark.
func Finite(data []byte) []byte {
	return infinity.ReplaceAllFunc(bytes.TrimPrefix(data, []byte("\ufeff")), func(word []byte) []byte {
		if word[0] == '"' {
			return word
		}
		return []byte("1e308")
	})
}
