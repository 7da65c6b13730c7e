package webgpu

import (
	"cmp"
	"fmt"
	"os"
)

// Kind is what sort of hardware an adapter is.
type Kind string

// The kinds, best first.
const (
	Discrete   Kind = "discrete"
	Integrated Kind = "integrated"
	Other      Kind = "other"    // virtual GPUs, and those whose driver does not say
	Software   Kind = "software" // a CPU that poses as a GPU: slower than lrun's own CPU backend
)

// AdapterInfo describes a GPU as one driver offers it.
type AdapterInfo struct {
	Index  int    `json:"index"` // in the list of Adapters
	Name   string `json:"name"`
	Vendor string `json:"vendor"`
	Driver string `json:"driver"`
	Kind   Kind   `json:"kind"`
	API    string `json:"api"` // Vulkan, Metal, DX12

	MaxBinding      int64 `json:"max_binding_bytes"`      // of a buffer that one kernel can see
	MaxBuffer       int64 `json:"max_buffer_bytes"`       // of a buffer
	WorkgroupMemory int   `json:"workgroup_memory_bytes"` // shared by a workgroup
	Invocations     int   `json:"max_invocations"`        // threads of a workgroup

	Tuning string `json:"tuning"` // where the choice between kernels is from, in words
}

// String is the adapter in a line: name, kind and API.
func (a AdapterInfo) String() string { return fmt.Sprintf("%s (%s, %s)", a.Name, a.Kind, a.API) }

// Options choose and limit a device. The zero value means the best adapter, without limits of our own.
type Options struct {
	// Adapter is an index in the list of Adapters, or a part of a name in any case; "" is the first of the list.
	Adapter string
	// BindingLimit, above 0, lowers the bytes that one binding may have, so that splitting can be tested.
	BindingLimit int
	// MemoryLimit, above 0, is the number of bytes that all buffers may have together.
	MemoryLimit int64
	// Debug submits every operation by itself, so that an error names the very one. It costs some 100 µs an operation.
	Debug bool
	// Fuse is "0" or "1": whether one token's operations go together in kernels where they can; "" is as tuned. The environment
	// variable LRUN_FUSE is asked where it is "".
	Fuse string
	// Tuning, unless nil, stands for what is remembered for the adapter, and for the defaults.
	Tuning *Tuning
}

// tune is the tuning that the options have for an adapter.
func (o Options) tune(a AdapterInfo) Tuning {
	var t Tuning
	if o.Tuning != nil {
		t = *o.Tuning
	} else {
		t, _ = tuningOf(a)
	}
	switch cmp.Or(o.Fuse, os.Getenv("LRUN_FUSE")) {
	case "0":
		t.Fuse = false
	case "1":
		t.Fuse = true
	}
	return t
}
