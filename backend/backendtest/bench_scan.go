package backendtest

import (
	"fmt"

	"github.com/lrun/lrun/backend"
)

// moved is what a scan that keeps its state on the chip reads and writes: for one token the state counts, for many what it
// computes.
func moved(tokens, elements int, states backend.Tensor) (float64, string) {
	if tokens == 1 {
		return float64(2 * 4 * states.Rows * states.Cols), "GB/s"
	}
	return float64(elements), "Gupdates/s"
}

func convLoad(tokens, channels int) load {
	return load{fmt.Sprintf("conv/%dx%d", tokens, channels), func(r *rig) (func(backend.Ops), float64, string) {
		x, dst := r.empty(tokens, channels), r.empty(tokens, channels)
		a := backend.Conv{Weight: r.empty(4, channels), Act: backend.SiLU, From: r.empty(3, channels), To: r.empty(3, channels)}
		return func(o backend.Ops) { o.Conv(dst, x, a) }, float64(4 * tokens * channels), "Gmadd/s"
	}}
}

func selectiveScanLoad(tokens, channels, states int) load {
	return load{fmt.Sprintf("selective_scan/%dx%dx%d", tokens, channels, states), func(r *rig) (func(backend.Ops), float64, string) {
		x, dst, delta := r.empty(tokens, channels), r.empty(tokens, channels), r.empty(tokens, channels)
		a := backend.SelectiveScan{Delta: delta, BC: r.empty(tokens, 2*states), AD: r.empty(states+1, channels),
			From: r.empty(states, channels), To: r.empty(states, channels)}
		n, unit := moved(tokens, tokens*channels*states, a.From)
		return func(o backend.Ops) { o.SelectiveScan(dst, x, a) }, n, unit
	}}
}

func rglruLoad(tokens, channels int) load {
	return load{fmt.Sprintf("rglru/%dx%d", tokens, channels), func(r *rig) (func(backend.Ops), float64, string) {
		x, dst := r.empty(tokens, channels), r.empty(tokens, channels)
		a := backend.RGLRU{Input: r.empty(tokens, channels), Recurrence: r.empty(tokens, channels), Lambda: r.empty(1, channels),
			From: r.empty(1, channels), To: r.empty(1, channels)}
		n, unit := moved(tokens, tokens*channels, a.From)
		return func(o backend.Ops) { o.RGLRU(dst, x, a) }, n, unit
	}}
}

func ssdLoad(form string, tokens int, a backend.SSD, width int) load {
	name := fmt.Sprintf("ssd/%s %d by %d heads of %dx%d", form, tokens, a.Heads, width, a.State)
	return load{name, func(r *rig) (func(backend.Ops), float64, string) {
		cols := a.Heads * width
		x, dst := r.empty(tokens, cols+2*a.Groups*a.State), r.empty(tokens, cols)
		a.A, a.From, a.To = r.empty(1, a.Heads), r.empty(cols, a.State), r.empty(cols, a.State)
		n, unit := moved(tokens, tokens*cols*a.State, a.From)
		return func(o backend.Ops) { o.SSD(dst, x, a) }, n, unit
	}}
}
