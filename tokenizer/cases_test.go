package tokenizer

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// sharedTokenizers holds the reference tokenizers and cases. They are third-party files, so they are not committed;
// without them the tests of this file are skipped.
const sharedTokenizers = "../../shared/tokenizers"

// sharedNames lists the reference tokenizers that are there.
func sharedNames() []string {
	files, _ := filepath.Glob(filepath.Join(sharedTokenizers, "*", "cases.json"))
	var names []string
	for _, file := range files {
		names = append(names, filepath.Base(filepath.Dir(file)))
	}
	return names
}

func openShared(t testing.TB, name string) *Tokenizer {
	t.Helper()
	tok, err := Open(filepath.Join(sharedTokenizers, name))
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

type referenceCase struct {
	Text    string  `json:"text"`
	Add     bool    `json:"add_special_tokens"`
	IDs     []int32 `json:"ids"`
	Decoded string  `json:"decoded"`
}

func readCases(t testing.TB, name string) (cases []referenceCase) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(sharedTokenizers, name, "cases.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	return cases
}

// Ensure that every case of the reference tokenizers comes out the same, ids and decoded text.
func TestReferenceCases(t *testing.T) {
	names := sharedNames()
	if len(names) == 0 {
		t.Skip("no reference tokenizers at " + sharedTokenizers)
	}
	t.Logf("%-22s %9s %9s", "tokenizer", "ids", "decoded")
	for _, name := range names {
		tok := openShared(t, name)
		cases := readCases(t, name)
		goodIDs, goodText := 0, 0
		for _, c := range cases {
			ids, err := tok.Encode(c.Text, c.Add)
			if err != nil || !slices.Equal(ids, c.IDs) {
				t.Errorf("%s: Encode(%q, %v) = %v, %v; want %v", name, c.Text, c.Add, ids, err, c.IDs)
			} else {
				goodIDs++
			}
			if text := tok.Decode(c.IDs, false); text != c.Decoded {
				t.Errorf("%s: Decode(%v) = %q; want %q", name, c.IDs, text, c.Decoded)
			} else {
				goodText++
			}
		}
		t.Logf("%-22s %4d/%4d %4d/%4d", name, goodIDs, len(cases), goodText, len(cases))
	}
}
