package tokenizer

import "testing"

// Ensure that every invalid part of a text becomes one U+FFFD, as the reference reads it, not every run of them.
func TestInvalidUTF8IsReadPartByPart(t *testing.T) {
	valid, _ := appendLossy(nil, []byte("a\xff\xfe\xc3(\xed\xa0\x80b"), false)
	if want := "a\uFFFD\uFFFD\uFFFD(\uFFFD\uFFFD\uFFFDb"; string(valid) != want {
		t.Errorf("%q, want %q", valid, want)
	}
}
