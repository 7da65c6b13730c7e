package weights_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/lrun/lrun/weights"
)

func Example() {
	dir, err := os.MkdirTemp("", "weights")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	table := weights.FromFloat32("embed.weight", []int{2, 3}, []float32{0, 1, 2, 3, 4, 5})
	if err := weights.Write(filepath.Join(dir, "model.safetensors"), []weights.Tensor{table}, nil); err != nil {
		log.Fatal(err)
	}
	c, err := weights.Open(dir)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	for _, name := range c.Names() {
		t, _ := c.Tensor(name)
		fmt.Println(t, t.Float32s())
	}
	// Output: embed.weight F32 [2 3] [0 1 2 3 4 5]
}
