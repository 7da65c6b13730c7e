package weights

import "testing"

// Ensure that a random checkpoint has tensors of any shape, the same again for the same name, and counts them.
func TestRandom(t *testing.T) {
	for _, d := range []DType{F32, F16, BF16} {
		c, err := Random(d)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := c.Tensor("a"); ok {
			t.Error("a tensor without a shape")
		}
		a, ok := c.Shaped("a", 3, 5)
		big, _ := c.Shaped("b", 3, randomBlock)
		if !ok || len(a.Float32s()) != 15 || len(big.Float32s()) != 3*randomBlock || c.Bytes() != int64(d.Size()*(15+3*randomBlock)) {
			t.Errorf("%s: %v, %v, %d bytes", d, a.Shape, big.Shape, c.Bytes())
		}
		if again, _ := c.Tensor("a"); again != a || len(c.Names()) != 2 {
			t.Errorf("%s: %v", d, c.Names())
		}
		varied := map[float32]bool{}
		for _, v := range a.Float32s() {
			varied[v] = v > -1 && v < 1
		}
		if len(varied) < 10 {
			t.Errorf("%s: %v", d, a.Float32s())
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := Random(I8); err == nil {
		t.Error("random weights of int8")
	}
}
