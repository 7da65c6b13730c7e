// Package cpu is the backend without a GPU: every operation is a Go function that runs at once.
//
// Each function is the specification of the shader of the same name in package wgsl, and the oracle that it is tested
// against. Work is spread over all cores by rows; a row is always summed in the same order, so results do not depend on
// the number of cores. The innermost loops are in package vector.
package cpu
