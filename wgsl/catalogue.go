package wgsl

import "fmt"

// Access says how a kernel uses a storage buffer.
type Access uint8

// The accesses.
const (
	Read Access = iota
	ReadWrite
)

// Kernel is a compute shader with one entry point, main. Binding 0 of group 0 is its uniform struct; the storage buffers
// follow from binding 1 on, in the order of Bindings.
type Kernel struct {
	Name     string
	Bindings []Access
}

// Variant names the weight format and the tunables of a kernel's text; "" means the defaults.
type Variant string

// Source is the kernel's WGSL text for a variant.
func (k *Kernel) Source(v Variant) (string, error) {
	return "", fmt.Errorf("wgsl: no kernel %s in variant %q", k.Name, v)
}
