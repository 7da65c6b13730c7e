package backendtest

import (
	"fmt"

	"github.com/lrun/lrun/backend"
)

var formats = []backend.DType{backend.F32, backend.F16, backend.BF16, backend.Q8, backend.Q4}

var activations = []backend.Activation{backend.Identity, backend.SiLU, backend.GELU, backend.GELUTanh, backend.QuickGELU,
	backend.ReLU, backend.ReLU2, backend.Sigmoid, backend.Tanh}

// products are tokens, rows and columns: one token, the switch between kernels, tiles ± 1, columns beside the octets.
var products = [][3]int{{1, 1, 1}, {1, 5, 8}, {1, 63, 77}, {1, 512, 600}, {2, 6, 16}, {3, 65, 33}, {4, 64, 64}, {5, 66, 70},
	{8, 31, 257}, {16, 64, 16}, {17, 64, 16}, {63, 62, 24}, {64, 64, 64}, {65, 66, 40}, {130, 100, 1000}, {150, 6000, 40}}

func linearCases() []Case {
	var all []Case
	for _, d := range formats {
		for _, p := range products {
			all = append(all, linear(d, p[0], p[1], p[2], backend.Linear{}, ""))
			all = append(all, gateUp(d, p[0], p[1], p[2], backend.SiLU, p[0]%2 == 1))
		}
	}
	for _, tokens := range []int{1, 5, 20} {
		for _, act := range activations {
			all = append(all, linear(backend.F16, tokens, 37, 48, backend.Linear{Act: act}, "bias"))
			all = append(all, gateUp(backend.BF16, tokens, 37, 48, act, true))
		}
		for _, with := range []string{"add", "gate", "bias add gate"} {
			all = append(all, linear(backend.F32, tokens, 21, 40, backend.Linear{Scale: 0.25, SoftCap: 3}, with))
		}
	}
	for _, d := range formats {
		for _, tokens := range []int{1, 6, 20} {
			all = append(all, linear(d, tokens, 203, 128, backend.Linear{}, "bias add gate").inParts(),
				gateUp(d, tokens, 99, 130, backend.SiLU, true).inParts())
		}
	}
	for _, tokens := range []int{1, 5, 70} {
		all = append(all, blockLinear(backend.F32, tokens, 4, 12, 12), blockLinear(backend.BF16, tokens, 3, 64, 40),
			blockLinear(backend.F16, tokens, 10, 128, 128))
	}
	return append(all, linear(backend.BF16, 1, 70000, 8, backend.Linear{}, ""),
		linear(backend.F16, 1, 300000, 8, backend.Linear{}, ""), lastRow())
}

// linear is x·Wᵀ with the epilogue a; with names the operands to add to it.
func linear(d backend.DType, tokens, rows, cols int, a backend.Linear, with string) Case {
	name := fmt.Sprintf("%s %dx%dx%d act %d cap %g %s", d, tokens, rows, cols, a.Act, a.SoftCap, with)
	return Case{"linear", name, single, false, func(r *rig) {
		x, w, dst := r.normal(tokens, cols, 1), r.matrix(d, rows, cols, 1, 0.5), r.normal(tokens, rows, 1)
		if with == "bias" || with == "bias add gate" {
			a.Bias = r.normal(1, rows, 1)
		}
		if with == "gate" || with == "bias add gate" {
			a.Gate = r.normal(tokens, 1, 1)
		}
		a.Add = with == "add" || with == "bias add gate"
		r.do(func(o backend.Ops) { o.Linear(dst, x, w, a) })
		r.show("y", dst)
	}}
}

// lastRow reads one row in the middle of a tensor, as the head of a model does.
func lastRow() Case {
	return Case{"linear", "a slice of x", single, false, func(r *rig) {
		x, w, dst := r.normal(9, 40, 1), r.matrix(backend.F32, 12, 40, 1, 1), r.empty(3, 12)
		r.do(func(o backend.Ops) { o.Linear(dst.Slice(2, 1), x.Slice(7, 1), w, backend.Linear{}) })
		r.show("y", dst)
	}}
}

func gateUp(d backend.DType, tokens, hidden, cols int, act backend.Activation, bias bool) Case {
	return Case{"gate_up", fmt.Sprintf("%s %dx%dx%d act %d bias %t", d, tokens, hidden, cols, act, bias), single, false, func(r *rig) {
		x, w, dst := r.normal(tokens, cols, 1), r.matrix(d, 2*hidden, cols, 2, 0.5), r.empty(tokens, hidden)
		a := backend.GateUp{Act: act}
		if bias {
			a.Bias = r.normal(1, 2*hidden, 1)
		}
		r.do(func(o backend.Ops) { o.GateUp(dst, x, w, a) })
		r.show("y", dst)
	}}
}
