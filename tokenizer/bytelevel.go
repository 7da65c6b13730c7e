package tokenizer

import "strings"

// byteRune is GPT-2's visible character for each byte: printable Latin-1 stands for itself, the rest for U+0100 on.
var byteRune = func() (table [256]rune) {
	next := rune(0x100)
	for b := range table {
		switch {
		case '!' <= b && b <= '~', 0xA1 <= b && b <= 0xAC, 0xAE <= b && b <= 0xFF:
			table[b] = rune(b)
		default:
			table[b] = next
			next++
		}
	}
	return table
}()

// runeByte is the inverse of byteRune: the byte plus one, 0 for characters that stand for none.
var runeByte = func() (table [0x144]uint16) {
	for b, r := range byteRune {
		table[r] = uint16(b) + 1
	}
	return table
}()

// byteLevelEncode writes each byte of text as its visible character.
func byteLevelEncode(text string) string {
	var out strings.Builder
	out.Grow(len(text) + len(text)/4)
	for i := 0; i < len(text); i++ {
		out.WriteRune(byteRune[text[i]])
	}
	return out.String()
}

// byteLevelDecode appends the bytes that token stands for. It reports false, and nothing appended, when a character of
// token stands for no byte.
func byteLevelDecode(dst []byte, token string) ([]byte, bool) {
	start := len(dst)
	for _, r := range token {
		if r >= rune(len(runeByte)) || runeByte[r] == 0 {
			return dst[:start], false
		}
		dst = append(dst, byte(runeByte[r]-1))
	}
	return dst, true
}
