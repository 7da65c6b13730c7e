package wgsl

import (
	"fmt"
	"strings"
)

// The kernels. Bindings are those of the shader's file, in order; a test holds them together.
var (
	Embed      = &Kernel{"embed", access("r r w"), weights("weights")}
	Norm       = &Kernel{"norm", access("r r r w"), plain}
	Residual   = &Kernel{"residual", access("w r w r r r r"), plain}
	LinearVec  = &Kernel{"linear_vec", access("r r r r w"), weights("weights products", columns()...)}
	LinearOne  = &Kernel{"linear_one", access("r r r r r w"), ones()}
	LinearTile = &Kernel{"linear_tile", access("r r r r w"), weights("weights", tiles()...)}
	GateUpVec  = &Kernel{"gate_up_vec", access("r r r w"), weights("weights products", columns()...)}
	GateUpOne  = &Kernel{"gate_up_one", access("r r r r w"), ones()}
	GateUpTile = &Kernel{"gate_up_tile", access("r r r w"), weights("weights", tiles()...)}

	QKVRope     = &Kernel{"qkv_rope", access("r r r r r w w w"), caches("kv kv_store")}
	Rotate      = &Kernel{"rotate", access("r r r w w"), caches("kv kv_store")}
	RecallScore = &Kernel{"recall_score", access("r r r r w"), caches("kv")}
	RecallPick  = &Kernel{"recall_pick", access("r r w w w"), caches("kv")}
	AttendVec   = &Kernel{"attend_vec", access("r r r r r w"), attendVecs()}
	AttendTile  = &Kernel{"attend_tile", access("r r r r r w"), attendTiles()}
	AttendMerge = &Kernel{"attend_merge", access("r w"), plain}
	Mass        = &Kernel{"mass", access("r r r r r r r w"), masses()}
	Represent   = &Kernel{"represent", access("r r r r w"), caches("kv")}
	LookupSum   = &Kernel{"lookup_sum", access("r w"), plain}
	LookupScore = &Kernel{"lookup_score", access("r r r w w"), plain}
	LookupPick  = &Kernel{"lookup_pick", access("r w w w w w"), plain}

	Route        = &Kernel{"route", access("r w"), plain}
	ExpertGateUp = &Kernel{"expert_gate_up", access("r r r w"), weights("weights products")}
	ExpertDown   = &Kernel{"expert_down", access("r r r w"), weights("weights products")}

	Join          = &Kernel{"join", access("r r w"), plain}
	Gather        = &Kernel{"gather", access("r r w"), plain}
	Gate          = &Kernel{"gate", access("r w"), plain}
	Conv          = &Kernel{"conv", access("r r r r w w"), plain}
	StateNorm     = &Kernel{"state_norm", access("r w w"), plain}
	StateWindow   = &Kernel{"state_window", access("r r r r r w w w"), plain}
	PartNorm      = &Kernel{"part_norm", access("r r r w"), plain}
	RGLRU         = &Kernel{"rglru", access("r r r r r r w w"), plain}
	SelectiveScan = &Kernel{"selective_scan", access("r r r r r r w w"), scans()}
	SSDVec        = &Kernel{"ssd_vec", access("r r r r r r w w"), states()}
	SSDScore      = &Kernel{"ssd_score", access("r r r w"), plain}
	SSDTile       = &Kernel{"ssd_tile", access("r r r r r w w"), []Variant{"QUADS=4 ROOM=256 INPUTS=128", "QUADS=4 ROOM=512 INPUTS=128", "QUADS=2 ROOM=512 INPUTS=64"}}

	DiagonalScan = &Kernel{"diagonal_scan", access("r r r r r w w"), diagonals()}
	LongConv     = &Kernel{"long_conv", access("r r r r w"), plain}

	LogProb    = &Kernel{"log_prob", access("r r w"), plain}
	SampleScan = &Kernel{"sample_scan", access("r r w w"), plain}
	Sample     = &Kernel{"sample", access("r r r w w w"), plain}

	ProbeCopy = &Kernel{"probe_copy", access("r w"), plain}
	ProbeFma  = &Kernel{"probe_fma", access("w"), plain}
)

// The query heads that attend_vec takes at once: its variants are AttendVecHeads for each padded head and cache type.
var AttendVecHeads = []int{1, 4, 8}

// DiagonalScanPoles are how many poles the variants of diagonal_scan have room for.
var DiagonalScanPoles = []int{16, 32, 64, 128}

// CacheFormats are how keys and values may be cached: the kernels that use them have variants in this order.
var CacheFormats = []string{"f32", "f16", "q8"}

// WeightFormats are how matrices may be stored: the kernels that read them have variants in this order.
var WeightFormats = []string{"f32", "f16", "bf16", "q8", "q4"}

// VecLanes are how many threads share a row in the kernels *_vec: their variants are for each of these and for one or four
// tokens at once, in each weight format.
var VecLanes = []int{8, 16, 64, 256}

// VecRows are the rows of a workgroup with so many lanes.
func VecRows(lanes int) int { return max(4, 256/lanes) }

// columns are the tunables of the kernels *_vec, by VecLanes. The fewest lanes are for software adapters: they have one token
// with four times the rows a thread, since loads are what they wait for.
func columns() []string {
	var all []string
	for _, lanes := range VecLanes {
		for _, cols := range []int{1, 4} {
			threads, per := max(64, lanes), 1
			if lanes == 8 && cols == 1 {
				threads, per = 16, 4
			}
			all = append(all, fmt.Sprintf("COLS=%d PARTS=%d LANES=%d PER=%d THREADS=%d ROWS=%d WG=%d", cols, threads*cols*per, lanes, per, threads, VecRows(lanes), threads))
		}
	}
	return all
}

// OneLanes are how many threads share a row in the kernels *_one: their variants are for each of these, in each weight format.
var OneLanes = []int{64, 128, 256}

// oneStaged reports whether kernels *_one bring x to workgroup memory for a weight format: they do for q4, of which a word needs
// eight quads of x, far apart between neighbouring threads.
func oneStaged(format string) bool { return format == "q4" }

// OneRows are the rows of a workgroup of the kernels *_one for a weight format with so many lanes.
func OneRows(format string, lanes int) int {
	if oneStaged(format) {
		return 1024 / lanes
	}
	return 8
}

// ones are the variants of the kernels *_one, by OneLanes in each weight format: eight rows a thread, but four where a workgroup
// of q4 is one row's.
func ones() []Variant {
	var all []Variant
	for _, format := range WeightFormats {
		var choices []string
		for _, lanes := range OneLanes {
			one, threads, per := "direct", lanes, 2
			if oneStaged(format) {
				one, threads = "staged", max(128, lanes)
				per = 256 / threads
			}
			choices = append(choices, fmt.Sprintf("one=%s LANES=%d THREADS=%d PER=%d ROWS=%d PARTS=%d WG=%d",
				one, lanes, threads, per, OneRows(format, lanes), threads*per, threads))
		}
		all = append(all, byFormat([]string{format}, "weights products", choices)...)
	}
	return all
}

// Tile is what a workgroup of the kernels *_tile computes at once: its threads together, or each a part on its own.
type Tile struct {
	Tokens, Rows int
	Own          bool
}

// Tiles are the variants of the kernels *_tile, in each weight format.
var Tiles = []Tile{{32, 32, false}, {64, 64, false}, {64, 128, false}, {16, 128, true}}

// tiles are the tunables of the kernels *_tile, by Tiles. The loops of the larger ones are written out.
func tiles() []string {
	var all []string
	for _, tile := range Tiles {
		x, y, how := tile.Rows/4, tile.Tokens/4, "shared"
		per := min(2, y/8)
		if tile.Own {
			per, how = 4, "own"
		}
		choice := fmt.Sprintf("tile=%s X=%d Y=%d PER=%d SPAN_X=%d SPAN_Y=%d WG=%d", how, x/per, y/per, per, x, y, x/per*(y/per))
		if tile.Rows > 64 {
			choice += " UNROLL=1"
		}
		all = append(all, choice)
	}
	return all
}

// MaxQuads is the widest head that attention takes, in quads of channels.
const MaxQuads = 64

// Kernels is the catalogue.
var Kernels = []*Kernel{Join, Gather, Gate, Embed, Norm, Residual, LinearVec, LinearOne, LinearTile, GateUpVec, GateUpOne, GateUpTile, QKVRope, Rotate, RecallScore, RecallPick, AttendVec, AttendTile,
	AttendMerge, Mass, Represent, LookupSum, LookupScore, LookupPick, Route, ExpertGateUp, ExpertDown,
	Conv, StateNorm, StateWindow, PartNorm, RGLRU, SelectiveScan, SSDVec, SSDScore, SSDTile, DiagonalScan, LongConv, LogProb, SampleScan, Sample, ProbeCopy, ProbeFma}

var (
	plain = []Variant{""}
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

// weights are the variants by weight format, each with each choice of tunables in turn; sections name how the weights are used.
func weights(sections string, tunables ...string) []Variant {
	return byFormat(WeightFormats, sections, tunables)
}

// caches are the variants by the cache's type, likewise.
func caches(sections string, tunables ...string) []Variant {
	return byFormat(CacheFormats, sections, tunables)
}

func byFormat(formats []string, sections string, tunables []string) []Variant {
	if len(tunables) == 0 {
		tunables = []string{""}
	}
	var all []Variant
	for _, f := range formats {
		for _, choice := range tunables {
			used := strings.ReplaceAll(sections, " ", "="+f+" ") + "=" + f
			all = append(all, Variant(strings.TrimSpace(used+" "+choice)))
		}
	}
	return all
}

// attendVecs are the variants of attend_vec for heads of 1 to MaxQuads quads, by AttendVecHeads.
func attendVecs() []Variant {
	var choices []string
	for quads := 1; quads <= MaxQuads; quads++ {
		for _, heads := range AttendVecHeads {
			choices = append(choices, fmt.Sprintf("QUADS=%d HEADS=%d QUERY=%d ROWS=%d", quads, heads, quads*heads, 64/quads))
		}
	}
	return caches("kv", choices...)
}

// attendTiles are the variants of attend_tile for heads of 1 to MaxQuads quads, with loops as they are and written out.
func attendTiles() []Variant {
	var choices []string
	for quads := 1; quads <= MaxQuads; quads++ {
		keys := 8
		if quads > 32 {
			keys = 4
		}
		choice := fmt.Sprintf("QUADS=%d STEPS=%d SLICES=%d KEYS=%d ROOM=%d", quads, (quads+3)/4, (quads+7)/8, keys, quads*keys)
		choices = append(choices, choice, choice+" UNROLL=1")
	}
	return caches("kv", choices...)
}

// masses are the variants of mass by the cache's type, each for heads of 1 to MaxQuads quads.
func masses() []Variant {
	var choices []string
	for quads := 1; quads <= MaxQuads; quads++ {
		choices = append(choices, fmt.Sprintf("QUADS=%d QUERY=%d", quads, 4*quads))
	}
	return caches("kv", choices...)
}

// diagonals are the variants of diagonal_scan, for DiagonalScanPoles.
func diagonals() []Variant {
	var all []Variant
	for _, poles := range DiagonalScanPoles {
		all = append(all, Variant(fmt.Sprintf("PER=%d", poles/16)))
	}
	return all
}

// scans are the variants of selective_scan for 1, 2, 4, 8, 16 and 32 quads of states.
func scans() []Variant {
	var all []Variant
	for quads := 1; quads <= 32; quads *= 2 {
		tile := min(16, 256/quads)
		all = append(all, Variant(fmt.Sprintf("QUADS=%d CHANNELS=%d TILE=%d STEPS=%d TERMS=%d PARTS=%d",
			quads, 64/quads, tile, tile*64/quads, tile*quads, 64*tile)))
	}
	return all
}

// states are the variants of ssd_vec for up to 64, 128, 192 and 256 states, each for rows in quads and for others.
func states() []Variant {
	var all []Variant
	for quads := 1; quads <= 4; quads++ {
		all = append(all, Variant(fmt.Sprintf("row=quads QUADS=%d", quads)), Variant(fmt.Sprintf("row=items QUADS=%d", quads)))
	}
	return all
}
