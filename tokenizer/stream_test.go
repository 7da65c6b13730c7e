package tokenizer

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// everyTokenizer is all tokenizers at hand by name.
func everyTokenizer(t testing.TB) map[string]*Tokenizer {
	all := map[string]*Tokenizer{
		"byte-level": parseTiny(t, byteLevelBPE(nil)),
		"metaspace":  parseTiny(t, metaspaceBPE()),
		"unigram":    parseTiny(t, unigramJSON()),
		"wordpiece":  parseTiny(t, wordPieceJSON()),
		"wordlevel":  parseTiny(t, wordLevelJSON()),
		"sp":         openSP(t, tinySP(), `{}`),
	}
	for _, name := range sharedNames() {
		all[name] = openShared(t, name)
	}
	return all
}

// Ensure that a stream returns what Decode returns, in pieces that are whole characters, for any ids.
func TestStreamEqualsDecode(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for name, tok := range everyTokenizer(t) {
		for range 300 {
			ids := make([]int32, rng.IntN(30))
			for i := range ids {
				ids[i] = rng.Int32N(int32(tok.VocabSize()))
				if rng.IntN(2) == 0 { // the low ids are where bytes lie
					ids[i] = rng.Int32N(int32(min(tok.VocabSize(), 262)))
				}
			}
			skip := rng.IntN(2) == 0
			want := tok.Decode(ids, skip)
			stream := tok.NewStream(skip)
			var got strings.Builder
			for _, id := range ids {
				part := stream.Next(id)
				if !utf8.ValidString(part) {
					t.Fatalf("%s: %v: Next(%d) = %q", name, ids, id, part)
				}
				got.WriteString(part)
			}
			got.WriteString(stream.Flush())
			if got.String() != want || !utf8.ValidString(want) {
				t.Fatalf("%s: %v: streamed %q; decoded %q", name, ids, got.String(), want)
			}
		}
	}
}

// Ensure that a character is returned with the token that completes it, not later.
func TestStreamIsPrompt(t *testing.T) {
	for name, tok := range map[string]*Tokenizer{
		"byte-level": parseTiny(t, byteLevelBPE(nil)),
		"metaspace":  parseTiny(t, metaspaceBPE()),
		"sp":         openSP(t, tinySP(), `{}`),
	} {
		ids, err := tok.Encode("日本😀", false)
		if err != nil {
			t.Fatal(err)
		}
		stream := tok.NewStream(true)
		var parts []string
		for _, id := range ids {
			if part := stream.Next(id); part != "" {
				parts = append(parts, part)
			}
		}
		if !slices.Equal(parts, []string{"日", "本", "😀"}) {
			t.Errorf("%s: %q", name, parts)
		}
	}
}

// Ensure that broken bytes become replacement characters as the reference writes them.
func TestBrokenBytes(t *testing.T) {
	level := parseTiny(t, byteLevelBPE(nil))
	for _, c := range []struct {
		bytes []int32
		want  string
	}{
		{[]int32{0xE6, 0x97}, "\uFFFD"},
		{[]int32{0xE6, 0x97, 'a'}, "\uFFFDa"},
		{[]int32{0xFF, 0xFE}, "\uFFFD\uFFFD"},
		{[]int32{0xF0, 0x9F, 0x98, 0xE6, 0x97, 0xA5}, "\uFFFD日"},
		{[]int32{0xED, 0xA0, 0x80}, "\uFFFD\uFFFD\uFFFD"},
	} {
		if text := level.Decode(c.bytes, false); text != c.want {
			t.Errorf("Decode(%x) = %q; want %q", c.bytes, text, c.want)
		}
	}
	fallback := parseTiny(t, metaspaceBPE())
	if text := fallback.Decode([]int32{6 + 0xE6, 6 + 0x97, 2}, false); text != "\uFFFD\uFFFDa" {
		t.Errorf("byte fallback: %q", text)
	}
}

// Ensure that decoders of every kind work on a stream: lookahead, stripping at the end, patterns across tokens.
func TestDecoderStages(t *testing.T) {
	for _, c := range []struct {
		decoder string
		tokens  []string
		want    string
	}{
		{`{"type": "BPEDecoder"}`, []string{"he", "llo</w>", "you</w>"}, "hello you"},
		{`{"type": "Strip", "content": "_", "start": 1, "stop": 2}`, []string{"__a___", "_", "b_"}, "_a_b"},
		{`{"type": "Sequence", "decoders": [{"type": "Fuse"}, {"type": "Strip", "content": "_", "start": 1, "stop": 2}]}`,
			[]string{"__", "a__", "_b_", "_", "_"}, "_a___b_"},
		{`{"type": "Sequence", "decoders": [{"type": "Fuse"}, {"type": "Replace", "pattern": "ab", "content": "X"}]}`,
			[]string{"a", "ba", "a", "b", "a"}, "XaXa"},
		{`{"type": "Replace", "pattern": {"Regex": "a+"}, "content": "X"}`, []string{"aa", "ab"}, "XXb"},
		{`{"type": "Metaspace", "prepend_scheme": "never"}`, []string{"▁a", "▁b"}, " a b"},
		{`{"type": "WordPiece", "cleanup": true}`, []string{"do", "not", "n", "##'t", ".", "'", "s"}, "do not n't. ' s"},
		{`{"type": "Sequence", "decoders": []}`, []string{"a", "b"}, "ab"},
		{`null`, []string{"a", "b"}, "a b"},
		{`{"type": "ByteLevel"}`, []string{"Ġa", "日", "<a b>"}, " a日<a b>"},
	} {
		decoders, err := parseDecoder("decoder", []byte(c.decoder))
		if err != nil {
			t.Fatal(err)
		}
		tok := &Tokenizer{tokens: c.tokens, decoders: decoders}
		ids := make([]int32, len(c.tokens))
		for i := range ids {
			ids[i] = int32(i)
		}
		if text := tok.Decode(ids, false); text != c.want {
			t.Errorf("%s: %q = %q; want %q", c.decoder, c.tokens, text, c.want)
		}
	}
}
