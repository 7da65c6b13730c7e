package webgpu

import (
	"fmt"
	"slices"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/wgsl"
)

// Tuning is what differs by adapter in how operations are launched. Results are the same with any; times are not.
type Tuning struct {
	// Fuse has operations of one token go together in the kernels *_one where these can: fewer launches, fewer threads at work.
	Fuse bool `json:"fuse"`
	// Chunk is how many tokens of a prompt are read at once, where nothing else is asked for: the more, the more tiles there are
	// to fill a GPU with, and the more memory they take.
	Chunk int `json:"chunk"`
	// RowTokens is the most tokens for which a matrix is read row by row; more make a matrix product in tiles.
	RowTokens int `json:"row_tokens"`
	// Tiles is how many tiles of a matrix product fill the adapter: of fewer each is cut into four. It does not count with Own.
	Tiles int `json:"tiles"`
	// Own has each thread compute its part of a tile on its own, where workgroup memory is no nearer than a buffer.
	Own bool `json:"own"`
	// Vec is how many threads share a row in the kernels *_vec, one of wgsl.VecLanes: neighbours read neighbouring memory, but
	// pay for handing sums over.
	Vec Lanes `json:"vec_lanes"`
	// One is the same in the kernels *_one, one of wgsl.OneLanes.
	One Lanes `json:"one_lanes"`
	// Unroll has the loops of attend_tile written out, which compilers of GPUs need to keep sums in registers, and software
	// adapters take long to compile.
	Unroll bool `json:"unroll"`
	// AttendTokens is the most tokens that attend one at a time; more go in tiles.
	AttendTokens int `json:"attend_tokens"`
	// SplitGroups is how many workgroups of attention are enough; for their sake there are up to Splits splits of keys, each of
	// SplitKeys keys or more, whose results are merged by a second kernel.
	SplitGroups int `json:"split_groups"`
	SplitKeys   int `json:"split_keys"`
	Splits      int `json:"splits"`
	// Submission is how many multiply-adds may be submitted at once, so that a submission takes less than some 200 ms: drivers
	// reset a GPU that is busy for two seconds, and the host cannot cancel what is submitted.
	Submission int `json:"submission"`
}

// Lanes are numbers of threads by how elements are stored: F32, F16 or BF16, and the quantised types.
type Lanes struct {
	Float ByLength `json:"float"`
	Q8    ByLength `json:"q8"`
	Q4    ByLength `json:"q4"`
}

// ByLength are numbers of threads by the length of a row, without its scales.
type ByLength struct {
	Short  int `json:"short"`  // up to shortRow words
	Medium int `json:"medium"` // between
	Long   int `json:"long"`   // longRow words and more
}

// Words of 16 bytes: 256 and 4,096 columns in f16.
const (
	shortRow = 32
	longRow  = 512
)

// of is the number for the rows of a matrix.
func (l *Lanes) of(w *backend.Matrix) int { return *l.at(w.DType, w.DType.CodeBytes(w.Cols)/16) }

// at is the number for rows of a type and so many words of 16 bytes.
func (l *Lanes) at(d backend.DType, words int) *int {
	lengths := &l.Float
	switch d {
	case backend.Q8:
		lengths = &l.Q8
	case backend.Q4:
		lengths = &l.Q4
	}
	switch {
	case words <= shortRow:
		return &lengths.Short
	case words < longRow:
		return &lengths.Medium
	}
	return &lengths.Long
}

// everywhere is the same number for all rows.
func everywhere(n int) Lanes {
	all := ByLength{n, n, n}
	return Lanes{all, all, all}
}

// defaults are what is known to be good by kind of adapter: measured on an H100 for discrete GPUs, and on lavapipe for software.
func defaults(k Kind) Tuning {
	t := Tuning{
		Fuse: true, Chunk: 512, RowTokens: 16, Tiles: 128, Vec: everywhere(64), One: everywhere(64), Unroll: true,
		AttendTokens: 4, SplitGroups: 1024, SplitKeys: 128, Splits: 64, Submission: 20e9,
	}
	t.Vec.Float.Short, t.Vec.Q8.Short, t.Vec.Q4.Short = 16, 16, 16
	switch k {
	case Discrete:
		t.One.Float = ByLength{Short: 64, Medium: 256, Long: 256}
		t.One.Q8 = ByLength{Short: 64, Medium: 128, Long: 256}
		t.Chunk, t.RowTokens, t.AttendTokens, t.SplitKeys, t.Submission = 2048, 32, 16, 64, 200e9
	case Software: // threads are few, and each pays for what it hands to others
		t.Fuse, t.Unroll, t.Chunk, t.RowTokens, t.Tiles, t.Own = false, false, 256, 4, 1, true
		t.Vec, t.Submission = everywhere(8), 1e9
	}
	return t
}

// check finds what the kernels have no variants for, or what makes no sense.
func (t *Tuning) check() error {
	for _, n := range []int{t.Chunk, t.RowTokens, t.Tiles, t.AttendTokens, t.SplitGroups, t.SplitKeys, t.Splits, t.Submission} {
		if n < 1 {
			return fmt.Errorf("a number of it is %d", n)
		}
	}
	for _, lanes := range []struct {
		chosen Lanes
		among  []int
	}{{t.Vec, wgsl.VecLanes}, {t.One, wgsl.OneLanes}} {
		for _, l := range []ByLength{lanes.chosen.Float, lanes.chosen.Q8, lanes.chosen.Q4} {
			for _, n := range []int{l.Short, l.Medium, l.Long} {
				if !slices.Contains(lanes.among, n) {
					return fmt.Errorf("%d threads a row, not one of %v", n, lanes.among)
				}
			}
		}
	}
	return nil
}
