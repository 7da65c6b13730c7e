package tokenizer_test

import (
	"fmt"

	"github.com/lrun/lrun/tokenizer"
)

func ExampleParse() {
	t, err := tokenizer.Parse("words.json", []byte(`{
		"pre_tokenizer": {"type": "Whitespace"},
		"model": {"type": "WordLevel", "unk_token": "?", "vocab": {"?": 0, "to": 1, "be": 2, "or": 3, "not": 4}}
	}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	ids, err := t.Encode("to be or not to code", true)
	fmt.Println(ids, err)
	fmt.Println(t.Decode(ids, true))
	// Output:
	// [1 2 3 4 1 0] <nil>
	// to be or not to ?
}

func ExampleStream() {
	t, _ := tokenizer.Parse("bytes.json", []byte(`{
		"decoder": {"type": "ByteFallback"},
		"model": {"type": "BPE", "vocab": {"a": 0, "<0xC3>": 1, "<0xA9>": 2}, "merges": []}
	}`))
	stream := t.NewStream(true)
	for _, id := range []int32{0, 1, 2, 0} {
		fmt.Printf("%q ", stream.Next(id))
	}
	fmt.Printf("%q\n", stream.Flush())
	// Output:
	// "a" "" "é" "a" ""
}
