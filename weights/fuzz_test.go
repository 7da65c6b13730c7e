package weights

import (
	"slices"
	"testing"
	"testing/fstest"
)

// FuzzParse: any bytes are refused or are tensors that fit, and that come back the same when written and read again.
func FuzzParse(f *testing.F) {
	for _, test := range malformed {
		if len(test.data) < 1<<12 {
			f.Add(test.data)
		}
	}
	f.Add(encoded(f, sample(), map[string]string{"format": "pt"}))
	f.Add(shardA)
	f.Add(file(two("[4,8]", "4", "[0,4]", "4"), 8))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse("fuzz", data)
		if err != nil {
			checkMessage(t, err, "fuzz: ")
			return
		}
		var tensors []Tensor
		for _, name := range c.Names() {
			tensor, ok := c.Tensor(name)
			if !ok || tensor.Elements()*tensor.DType.Size() != len(tensor.Data) || len(tensor.Float32s()) != tensor.Elements() {
				t.Fatalf("tensor %q does not fit", name)
			}
			if _, err := tensor.Int64s(); err != nil {
				checkMessage(t, err, "fuzz: ")
			}
			tensors = append(tensors, *tensor)
		}
		again, err := Parse("again", encoded(t, tensors, c.Metadata()))
		if err != nil {
			t.Fatal(err)
		}
		checkEqual(t, again, tensors)
	})
}

// FuzzIndex: any index is refused or names tensors that its shards have, and shards of the folder alone.
func FuzzIndex(f *testing.F) {
	for _, test := range folders {
		if index, ok := test.files[IndexName]; ok {
			f.Add([]byte(index))
		}
	}
	f.Fuzz(func(t *testing.T, index []byte) {
		fsys := fstest.MapFS{
			IndexName:       {Data: index},
			"1.safetensors": {Data: shardA}, "2.safetensors": {Data: shardB},
			"sub/1.safetensors": {Data: shardA},
		}
		c, err := OpenFS(fsys, ".")
		if err != nil {
			checkMessage(t, err)
			return
		}
		weightMap, err := parseIndex(IndexName, index)
		if err != nil {
			t.Fatal(err)
		}
		for name, shard := range weightMap {
			if tensor, ok := c.Tensor(name); !ok || tensor.File != shard {
				t.Errorf("tensor %q of %q is %v", name, shard, tensor)
			}
		}
		for _, file := range c.Files() {
			if !slices.Contains([]string{"1.safetensors", "2.safetensors"}, file) {
				t.Errorf("opened %q", file)
			}
		}
	})
}
