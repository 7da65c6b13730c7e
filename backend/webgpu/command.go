//go:build cgo && !nogpu && ((linux && amd64) || (darwin && (amd64 || arm64)) || (windows && amd64))

package webgpu

// #include "native.h"
import "C"

// command is one thing to do on the device, in the form in which C reads it.
type command = C.gpu_command

type nativeRange = C.gpu_range

// nativeTicks is where the times of commands go.
type nativeTicks = C.gpu_ticks

func dispatchCommand(pipeline, group handle, slot int, x, y, z uint32) command {
	return command{kind: C.GPU_DISPATCH, a: pipeline, b: group, p: C.uint64_t(slot),
		x: C.uint32_t(x), y: C.uint32_t(y), z: C.uint32_t(z)}
}

func copyCommand(from handle, p int, to handle, q, bytes int) command {
	return command{kind: C.GPU_COPY, a: from, p: C.uint64_t(p), b: to, q: C.uint64_t(q), size: C.uint64_t(bytes)}
}

func makeRange(h handle, offset, size int) nativeRange {
	return nativeRange{buffer: h, offset: C.uint64_t(offset), size: C.uint64_t(size)}
}
