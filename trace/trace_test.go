package trace

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"strings"
	"testing"
)

// small is the smallest trace with something in it.
func small() *Trace {
	return &Trace{
		Version: Version, Model: "tiny", Memory: "infllm", Layers: 2, BlockSize: 16, TokensRead: 100, Blocks: 5,
		Prompt: "Which?", Answer: " This",
		Steps: []Step{{Position: 100, Token: " This", ID: 7, Layers: []LayerStep{
			{LookedUp: []int{3, 1}, Fetched: []int{1}}, {},
		}}},
		Texts: map[int]Block{1: {16, 32, "one"}, 3: {48, 64, "three"}},
	}
}

// Ensure that a trace comes back from its file as it was.
func TestRoundTrip(t *testing.T) {
	for _, want := range []*Trace{small(), sample()} {
		var file bytes.Buffer
		if err := want.Write(&file); err != nil {
			t.Fatal(err)
		}
		got, err := Read(&file)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("came back as %+v", got)
		}
	}
}

// Ensure that the keys of the file are those that other programs write.
func TestKeys(t *testing.T) {
	file, err := json.Marshal(small())
	if err != nil {
		t.Fatal(err)
	}
	want := `{"version":1,"model":"tiny","memory":"infllm","layers":2,"block_size":16,"tokens_read":100,"blocks":5,` +
		`"prompt":"Which?","answer":" This","steps":[{"position":100,"token":" This","id":7,"layers":[` +
		`{"looked_up":[3,1],"fetched":[1]},{"looked_up":null,"fetched":null}]}],` +
		`"texts":{"1":{"from":16,"to":32,"text":"one"},"3":{"from":48,"to":64,"text":"three"}}}`
	if string(file) != want {
		t.Errorf("%s", file)
	}
}

// Ensure that a trace that does not hold together is neither read, written nor drawn, and that the error names the thing.
func TestValidation(t *testing.T) {
	for want, spoil := range map[string]func(*Trace){
		"version 2 of the trace format":                            func(t *Trace) { t.Version = 2 },
		"layers is 0":                                              func(t *Trace) { t.Layers = 0 },
		"block_size is 0":                                          func(t *Trace) { t.BlockSize = 0 },
		"tokens_read is -1":                                        func(t *Trace) { t.TokensRead = -1 },
		"blocks is -1":                                             func(t *Trace) { t.Blocks = -1 },
		"step 0: position is -1":                                   func(t *Trace) { t.Steps[0].Position = -1 },
		"step 0: 1 layers, but the model has 2":                    func(t *Trace) { t.Steps[0].Layers = t.Steps[0].Layers[:1] },
		"texts: block 5 is not one of the 5 blocks":                func(t *Trace) { t.Texts[5] = Block{0, 1, ""} },
		"texts: block 4 holds tokens 9 to 9":                       func(t *Trace) { t.Texts[4] = Block{9, 9, ""} },
		"step 0: layer 1: looked_up: block 5 is not one":           func(t *Trace) { t.Steps[0].Layers[1].LookedUp = []int{5} },
		"step 0: layer 1: looked_up: block -1 is not one":          func(t *Trace) { t.Steps[0].Layers[1].LookedUp = []int{-1} },
		"step 0: layer 0: looked_up: block 3 has no text":          func(t *Trace) { delete(t.Texts, 3) },
		"step 0: layer 0: looked_up: block 3 is there twice":       func(t *Trace) { t.Steps[0].Layers[0].LookedUp = []int{3, 3} },
		"step 0: layer 0: fetched: block 2 is there twice, or was": func(t *Trace) { t.Steps[0].Layers[0].Fetched = []int{2} },
		"step 0: layer 0: fetched: block 1 is there twice":         func(t *Trace) { t.Steps[0].Layers[0].Fetched = []int{1, 1} },
	} {
		spoilt := small()
		spoil(spoilt)
		var out bytes.Buffer
		file, err := json.Marshal(spoilt)
		if err != nil {
			t.Fatal(err)
		}
		_, readErr := Read(bytes.NewReader(file))
		for _, err := range []error{readErr, spoilt.Write(&out), spoilt.Page(&out)} {
			if err == nil || !strings.HasPrefix(err.Error(), want) || out.Len() > 0 {
				t.Errorf("%s: %v, %d bytes", want, err, out.Len())
			}
		}
	}
}

// Ensure that what is not one JSON object is refused.
func TestNotATrace(t *testing.T) {
	var file bytes.Buffer
	if err := small().Write(&file); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", "[]", "{", `{"version":"1"}`, `{"texts":{"x":{}}}`, file.String() + "{}", file.String() + "x"} {
		if _, err := Read(strings.NewReader(text)); err == nil || !strings.HasPrefix(err.Error(), "not a trace: ") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// Ensure that no file makes Read panic, and that what it takes can be written, read again and drawn with all its texts.
func FuzzRead(f *testing.F) {
	var file bytes.Buffer
	if err := small().Write(&file); err != nil {
		f.Fatal(err)
	}
	f.Add(file.Bytes())
	f.Add(bytes.Replace(file.Bytes(), []byte("three"), []byte("</script><!--\\u2028\xff"), 1))
	f.Fuzz(func(t *testing.T, data []byte) {
		first, err := Read(bytes.NewReader(data))
		if err != nil {
			return
		}
		var file bytes.Buffer
		if err := first.Write(&file); err != nil {
			t.Fatal(err)
		}
		again, err := Read(&file)
		if err != nil || !reflect.DeepEqual(first, again) {
			t.Fatalf("%v: %+v came back as %+v", err, first, again)
		}
		if shown := shownBy(t, first); !maps.Equal(shown.Texts, first.Texts) {
			t.Fatalf("the page shows %v of %v", shown.Texts, first.Texts)
		}
	})
}
