package tokenizer

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
)

// The tokenizer.json files of this test, one a model type, are made here and small enough to check by hand.

// byteLevelBPE has all bytes and a few merges, behind GPT-2's pre-tokenizer.
func byteLevelBPE(model map[string]any) []byte {
	vocab := map[string]int{}
	for b, r := range byteRune {
		vocab[string(r)] = b
	}
	merges := []any{"h e", "l l", []string{"he", "ll"}, "hell o", "Ġ w", "o r", "Ġw or", "Ġ Ġ"}
	for i, token := range []string{"he", "ll", "hell", "hello", "Ġw", "or", "Ġwor", "ĠĠ", "Ġunreached"} {
		vocab[token] = 256 + i
	}
	m := map[string]any{"type": "BPE", "vocab": vocab, "merges": merges}
	for name, value := range model {
		m[name] = value
	}
	return tokenizerJSON(map[string]any{
		"pre_tokenizer": map[string]any{"type": "ByteLevel", "add_prefix_space": false, "use_regex": true},
		"decoder":       map[string]any{"type": "ByteLevel"},
		"model":         m,
		"added_tokens": []map[string]any{
			{"id": 300, "content": "<end>", "special": true},
			{"id": 301, "content": "<left>", "lstrip": true},
			{"id": 302, "content": "<right>", "rstrip": true},
			{"id": 303, "content": "word", "single_word": true, "normalized": true},
		},
	})
}

func metaspaceBPE() []byte {
	vocab := map[string]int{"<unk>": 0, "▁": 1, "a": 2, "b": 3, "ab": 4, "▁ab": 5}
	for b := range 256 {
		vocab[byteToken(b)] = 6 + b
	}
	return tokenizerJSON(map[string]any{
		"pre_tokenizer": map[string]any{"type": "Metaspace", "prepend_scheme": "first", "split": false},
		"decoder": map[string]any{"type": "Sequence", "decoders": []any{
			map[string]any{"type": "Replace", "pattern": map[string]string{"String": "▁"}, "content": " "},
			map[string]any{"type": "ByteFallback"}, map[string]any{"type": "Fuse"},
			map[string]any{"type": "Strip", "content": " ", "start": 1, "stop": 0},
		}},
		"model": map[string]any{"type": "BPE", "vocab": vocab, "merges": []string{"a b", "▁ ab"}, "unk_token": "<unk>",
			"byte_fallback": true, "fuse_unk": true},
		"added_tokens": []map[string]any{{"id": 0, "content": "<unk>", "special": true}},
	})
}

func unigramJSON() []byte {
	return tokenizerJSON(map[string]any{
		"pre_tokenizer": map[string]any{"type": "Metaspace"},
		"decoder":       map[string]any{"type": "Metaspace"},
		"model": map[string]any{"type": "Unigram", "unk_id": 0, "vocab": []any{
			[]any{"<unk>", 0}, []any{"▁", -2}, []any{"a", -3}, []any{"b", -3}, []any{"ab", -4}, []any{"▁ab", -7}, []any{"aaaa", -5},
		}},
	})
}

func wordPieceJSON() []byte {
	return tokenizerJSON(map[string]any{
		"normalizer":     map[string]any{"type": "BertNormalizer"},
		"pre_tokenizer":  map[string]any{"type": "BertPreTokenizer"},
		"decoder":        map[string]any{"type": "WordPiece"},
		"post_processor": map[string]any{"type": "BertProcessing", "sep": []any{"[SEP]", 2}, "cls": []any{"[CLS]", 1}},
		"model": map[string]any{"type": "WordPiece", "max_input_chars_per_word": 8, "vocab": map[string]int{
			"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "un": 3, "##aff": 4, "##able": 5, "a": 6, "##a": 7, ",": 8, "中": 9}},
		"added_tokens": []map[string]any{{"id": 1, "content": "[CLS]", "special": true}, {"id": 2, "content": "[SEP]", "special": true}},
	})
}

func wordLevelJSON() []byte {
	return tokenizerJSON(map[string]any{
		"pre_tokenizer": map[string]any{"type": "Whitespace"},
		"model":         map[string]any{"type": "WordLevel", "unk_token": "?", "vocab": map[string]int{"?": 0, "one": 1, "two": 2, "!!": 3}},
	})
}

func tokenizerJSON(sections map[string]any) []byte {
	data, err := json.Marshal(sections)
	if err != nil {
		panic(err)
	}
	return data
}

func parseTiny(t testing.TB, data []byte) *Tokenizer {
	t.Helper()
	tok, err := Parse("tiny.json", data)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// Ensure that each model type, each flag of added tokens and each form of merge does what it should.
func TestModelTypes(t *testing.T) {
	for _, c := range []struct {
		name string
		file []byte
		text string
		want string // tokens
		back string // decoded
	}{
		{"byte-level", byteLevelBPE(nil), "hello world", "hello Ġwor l d", "hello world"},
		{"byte-level, spaces", byteLevelBPE(nil), "   h", "ĠĠ Ġ h", "   h"},
		{"byte-level, character", byteLevelBPE(nil), "é", "Ã ©", "é"},
		{"no ignore_merges", byteLevelBPE(nil), " unreached", "Ġ u n r e a c he d", " unreached"},
		{"ignore_merges", byteLevelBPE(map[string]any{"ignore_merges": true}), " unreached", "Ġunreached", " unreached"},
		{"special", byteLevelBPE(nil), "hello<end> w", "hello <end> Ġw", "hello<end> w"},
		{"lstrip", byteLevelBPE(nil), "h \t<left> h", "h <left> Ġ h", "h<left> h"},
		{"rstrip", byteLevelBPE(nil), "h <right> \n h", "h Ġ <right> h", "h <right>h"},
		{"both strip", byteLevelBPE(nil), "<right>  <left>", "<right> <left>", "<right><left>"},
		{"single word", byteLevelBPE(nil), "word words.word", "word Ġwor d s . word", "word words.word"},
		{"metaspace", metaspaceBPE(), "ab ab", "▁ab ▁ab", "ab ab"},
		{"byte fallback", metaspaceBPE(), "aé", "▁ a <0xC3> <0xA9>", "aé"},
		{"unigram", unigramJSON(), "ab aaaab zz", "▁ ab ▁ aaaa b ▁ <unk>", "ab aaaab <unk>"},
		{"wordpiece", wordPieceJSON(), "Unaffable, A中zz", "[UNK] , a 中 [UNK]", "[UNK], a 中 [UNK]"},
		{"wordpiece, short", wordPieceJSON(), "unaff ÀA", "un ##aff a ##a", "unaff aa"},
		{"wordlevel", wordLevelJSON(), "one three!! two", "one ? !! two", "one ? !! two"},
	} {
		tok := parseTiny(t, c.file)
		ids, err := tok.Encode(c.text, false)
		if err != nil || spell(tok, ids) != c.want {
			t.Errorf("%s: Encode(%q) = %q, %v; want %q", c.name, c.text, spell(tok, ids), err, c.want)
		}
		if text := tok.Decode(ids, false); text != c.back {
			t.Errorf("%s: Decode(%q) = %q; want %q", c.name, c.want, text, c.back)
		}
	}
}

// Ensure that special tokens frame a text only when asked, and vanish in decoding only when asked.
func TestSpecialTokens(t *testing.T) {
	tok := parseTiny(t, wordPieceJSON())
	ids, err := tok.Encode("un", true)
	if err != nil || !slices.Equal(ids, []int32{1, 3, 2}) {
		t.Fatalf("Encode = %v, %v", ids, err)
	}
	if kept, dropped := tok.Decode(ids, false), tok.Decode(ids, true); kept != "[CLS] un [SEP]" || dropped != "un" {
		t.Errorf("Decode = %q and %q", kept, dropped)
	}
	if !tok.IsSpecial(1) || tok.IsSpecial(3) {
		t.Error("IsSpecial mistakes [CLS] or un")
	}
	if _, ok := tok.BOS(); ok {
		t.Error("a BOS without a configuration")
	}
	for _, id := range []int32{-1, 10, 1 << 30} {
		if token, ok := tok.Token(id); ok {
			t.Errorf("Token(%d) = %q", id, token)
		}
		if text := tok.Decode([]int32{3, id}, false); text != "un" {
			t.Errorf("Decode of id %d = %q", id, text)
		}
	}
}

// tinyModel is lrun's own model.
func tinyModel(t testing.TB) *Tokenizer {
	t.Helper()
	for _, dir := range []string{"../testdata/tiny", "../../shared/models/tiny"} {
		if _, err := os.Stat(dir + "/tokenizer.json"); err != nil {
			continue
		}
		tok, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		return tok
	}
	t.Skip("no tiny model")
	return nil
}

// Ensure that the embedded model's tokenizer gives back what it read, digits apart and the beginning marked.
func TestTinyModel(t *testing.T) {
	tok := tinyModel(t)
	bos, ok := tok.BOS()
	eos, ok2 := tok.EOS()
	if !ok || !ok2 || bos == eos || !tok.IsSpecial(bos) || !tok.IsSpecial(eos) {
		t.Fatalf("BOS %d %v, EOS %d %v", bos, ok, eos, ok2)
	}
	text := "Once upon a time, 1234 cats sat on a mat — naïve 😀.\n\n  The end."
	ids, err := tok.Encode(text, true)
	if err != nil || ids[0] != bos || tok.Decode(ids, true) != text {
		t.Errorf("Encode(%q) = %v, %v, which decodes to %q", text, ids, err, tok.Decode(ids, true))
	}
	if spelled := spell(tok, ids); !strings.Contains(spelled, "1 2 3 4") {
		t.Errorf("digits stay together in %q", spelled)
	}
}
