package tokenizer

import (
	"encoding/binary"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// charsmap is the precompiled_charsmap of SentencePiece: a double-array trie (darts-clone) from a character sequence
// to the offset of its replacement in a pool of NUL-terminated strings.
type charsmap struct {
	units []uint32
	pool  string
}

var errCharsmap = errors.New("corrupt character map; the file is damaged, fetch it again")

// parseCharsmap reads a map; without data it maps nothing.
func parseCharsmap(data []byte) (*charsmap, error) {
	if len(data) == 0 {
		return &charsmap{}, nil
	}
	if len(data) < 4 {
		return nil, errCharsmap
	}
	size := uint64(binary.LittleEndian.Uint32(data))
	data = data[4:]
	if size > uint64(len(data)) || size%4 != 0 || size == 0 {
		return nil, errCharsmap
	}
	m := &charsmap{units: make([]uint32, size/4), pool: string(data[size:])}
	for i := range m.units {
		m.units[i] = binary.LittleEndian.Uint32(data[4*i:])
	}
	if !utf8.ValidString(m.pool) {
		return nil, errCharsmap
	}
	return m, nil
}

// lookup walks the trie along text. It reports the replacement of the shortest or the longest mapped prefix of text
// and the length of that prefix, 0 when no prefix is mapped.
func (m *charsmap) lookup(text string, longest bool) (replacement string, length int) {
	if len(m.units) == 0 {
		return "", 0
	}
	// A unit packs: bits 10-30 offset to the children, shifted by 8 more when bit 9 is set; bit 8 "has a leaf";
	// bits 0-7 the label, with bit 31 set on leaves, whose low 31 bits are the value.
	at := -1
	pos := uint64(unitOffset(m.units[0]))
	for i := 0; i < len(text); i++ {
		if text[i] == 0 {
			break // NUL ends keys in the double array
		}
		pos ^= uint64(text[i])
		if pos >= uint64(len(m.units)) {
			break
		}
		unit := m.units[pos]
		if unit&(1<<31|0xFF) != uint32(text[i]) {
			break
		}
		pos ^= uint64(unitOffset(unit))
		if unit>>8&1 == 1 {
			if pos >= uint64(len(m.units)) {
				break
			}
			at, length = int(m.units[pos]&(1<<31-1)), i+1
			if !longest {
				break
			}
		}
	}
	if at < 0 || at > len(m.pool) {
		return "", 0
	}
	replacement = m.pool[at:]
	if end := strings.IndexByte(replacement, 0); end >= 0 {
		replacement = replacement[:end]
	}
	return replacement, length
}

func unitOffset(unit uint32) uint32 { return unit >> 10 << (unit & (1 << 9) >> 6) }

// graphemeBytes bounds the graphemes that are looked up as a whole; larger ones go character by character.
const graphemeBytes = 6

// normalizeGraphemes is the map as tokenizer.json means it, oddities of the reference included: a grapheme of up to
// five bytes is replaced as a whole by what its shortest mapped prefix maps to.
func (m *charsmap) normalizeGraphemes(text string) string {
	var out strings.Builder
	out.Grow(len(text))
	for len(text) > 0 {
		length := graphemeLength(text)
		if length < graphemeBytes {
			if replacement, n := m.lookup(text[:length], false); n > 0 {
				out.WriteString(replacement)
				text = text[length:]
				continue
			}
		}
		for i := 0; i < length; {
			_, size := utf8.DecodeRuneInString(text[i:])
			if replacement, n := m.lookup(text[i:i+size], false); n > 0 {
				out.WriteString(replacement)
			} else {
				out.WriteString(text[i : i+size])
			}
			i += size
		}
		text = text[length:]
	}
	return out.String()
}

// graphemeLength is the length in bytes of the first grapheme cluster of text.
func graphemeLength(text string) int {
	if text[0] < utf8.RuneSelf && text[0] != '\r' && (len(text) == 1 || text[1] < utf8.RuneSelf) {
		return 1
	}
	cluster, _, _, _ := uniseg.FirstGraphemeClusterInString(text, -1)
	return len(cluster)
}
