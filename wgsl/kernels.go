package wgsl

import (
	"fmt"
	"strings"
)

// The kernels. Bindings are those of the shader's file, in order; a test holds them together.
var (
	Embed      = &Kernel{"embed", access("r r w"), weights()}
	Norm       = &Kernel{"norm", access("r r r w"), plain}
	Residual   = &Kernel{"residual", access("w r w r r r r"), plain}
	LinearVec  = &Kernel{"linear_vec", access("r r r r w"), weights(columns...)}
	LinearTile = &Kernel{"linear_tile", access("r r r r w"), weights()}
	GateUpVec  = &Kernel{"gate_up_vec", access("r r r w"), weights(columns...)}
	GateUpTile = &Kernel{"gate_up_tile", access("r r r w"), weights()}
)

// Kernels is the catalogue.
var Kernels = []*Kernel{Embed, Norm, Residual, LinearVec, LinearTile, GateUpVec, GateUpTile}

var (
	plain   = []Variant{""}
	formats = []string{"f32", "f16", "bf16"}
	// columns are the tokens that a *_vec kernel takes at once: one or four.
	columns = []string{"COLS=1 PARTS=64", "COLS=4 PARTS=256"}
)

// access spells a list of bindings: r is read, w is written too.
func access(list string) []Access {
	var all []Access
	for _, word := range strings.Fields(list) {
		a := Read
		if word == "w" {
			a = ReadWrite
		}
		all = append(all, a)
	}
	return all
}

// weights are the variants by weight format, in the order of backend's F32, F16 and BF16; each format with each choice
// of tunables in turn.
func weights(tunables ...string) []Variant {
	if len(tunables) == 0 {
		tunables = []string{""}
	}
	var all []Variant
	for _, f := range formats {
		for _, choice := range tunables {
			all = append(all, Variant(strings.TrimSpace(fmt.Sprintf("weights=%s %s", f, choice))))
		}
	}
	return all
}
