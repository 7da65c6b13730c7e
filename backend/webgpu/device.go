//go:build cgo && !nogpu && ((linux && amd64) || (darwin && (amd64 || arm64)) || (windows && amd64))

package webgpu

// device is the backend: one WebGPU device and its queue.
type device struct{}
