// Package webgpu runs lrun's operations on a GPU through WebGPU (Vulkan, Metal or DX12), by way of wgpu-native 0.17.
//
// A device is the backend. Do records a step in Go memory: operations (ops_*.go) pick a kernel of package wgsl and bind
// buffers to it; nothing native happens until the step is flushed, when one call turns all that was recorded into one
// command encoder and one compute pass and submits it. Pipelines, layouts and bind groups are made on first use and kept;
// the uniform structs of a submission travel in one write. A step in its steady state allocates nothing on either side.
//
// All native calls are made under the device's lock, and none of them waits: completion is looked for by polling, since
// waiting polls of this wgpu give up after five seconds and report success. Callbacks are C functions that write to C
// memory, since the Go binding's own may be collected while C holds them. What wgpu-native itself treats as fatal (a
// device lost during a submission or a poll) ends the process; all other errors come back as Go errors.
//
// The package has two halves under build tags: the real one where the binding ships a library (linux/amd64,
// darwin/amd64, darwin/arm64, windows/amd64, with cgo), and elsewhere, or with the tag nogpu, one that refuses to open.
package webgpu
