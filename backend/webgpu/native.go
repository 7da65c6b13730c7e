//go:build cgo && !nogpu && ((linux && amd64) || (darwin && (amd64 || arm64)) || (windows && amd64))

package webgpu

/*
#cgo noescape gpu_write
#cgo nocallback gpu_write
#cgo noescape gpu_submit
#cgo nocallback gpu_submit
#cgo noescape gpu_group_new
#cgo nocallback gpu_group_new
#cgo nocallback gpu_poll
#cgo noescape gpu_group_layout_new
#cgo nocallback gpu_group_layout_new

#include <stdlib.h>
#include "native.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/rajveermalviya/go-webgpu/wgpu"
)

// handle is a native object. It is a number, not a pointer, so that commands holding handles can be handed to C as they
// are, without the checks that pointers need.
type handle = C.uintptr_t

const (
	slotBytes   = C.GPU_SLOT // of the uniform buffer: WebGPU's alignment of dynamic offsets
	maxBindings = C.GPU_MAX_BINDINGS

	useStorage = C.GPU_STORAGE
	useUniform = C.GPU_UNIFORM
	useStaging = C.GPU_STAGING
	useTicks   = C.GPU_TICKS

	timedAtOnce = C.GPU_TIMED // commands of a submission with times
)

var (
	errOutOfMemory = errors.New("out of GPU memory")
	errLost        = errors.New("webgpu: the device was lost (driver crash or reset, or the GPU was removed); open it again")
)

// gpu is a native device with its queue. Its methods need the device's lock, except done and newPipeline.
type gpu struct{ c *C.gpu_device }

// openGPU makes a device on an adapter with the limits of info.
func openGPU(a *wgpu.Adapter, info AdapterInfo) (gpu, error) {
	const size = 1024
	message := (*C.char)(C.calloc(1, size))
	defer C.free(unsafe.Pointer(message))
	l := a.GetLimits().Limits
	limits := C.gpu_limits{
		binding:         C.uint64_t(info.MaxBinding),
		buffer:          C.uint64_t(info.MaxBuffer),
		storageBuffers:  C.uint32_t(l.MaxStorageBuffersPerShaderStage),
		workgroupMemory: C.uint32_t(info.WorkgroupMemory),
		invocations:     C.uint32_t(info.Invocations),
		sizeX:           C.uint32_t(l.MaxComputeWorkgroupSizeX),
		sizeY:           C.uint32_t(l.MaxComputeWorkgroupSizeY),
		sizeZ:           C.uint32_t(l.MaxComputeWorkgroupSizeZ),
	}
	c := C.gpu_open(adapterHandle(a), &limits, message, size)
	if c == nil {
		return gpu{}, fmt.Errorf("webgpu: cannot open %s: %s", info, tidy(C.GoString(message)))
	}
	return gpu{c}, nil
}

// adapterHandle reads the native handle out of the binding's adapter, a struct of this handle alone.
func adapterHandle(a *wgpu.Adapter) handle {
	type sameSize [unsafe.Sizeof(wgpu.Adapter{})]struct{}
	var _ sameSize = [unsafe.Sizeof(handle(0))]struct{}{}
	return *(*handle)(unsafe.Pointer(a))
}

// close frees the device. Everything submitted must be done.
func (g gpu) close() { C.gpu_close(g.c) }

// done is the number of submissions that have finished. It needs no lock.
func (g gpu) done() uint64 { return atomic.LoadUint64((*uint64)(unsafe.Pointer(&g.c.done))) }

// err takes the first error since the last call. wgpu 0.17 reports errors within the call that causes them, so under
// the lock this is as exact as an error scope, and costs nothing.
func (g gpu) err() error {
	err := g.failed(&g.c.failure)
	g.c.failure.error = C.GPU_OK
	return err
}

// failed is the error that f holds, or nil.
func (g gpu) failed(f *C.gpu_failure) error {
	switch {
	case f.error == C.GPU_OK:
		return nil
	case atomic.LoadInt32((*int32)(unsafe.Pointer(&g.c.lost))) != 0:
		return errLost
	case f.error == C.GPU_OUT_OF_MEMORY:
		return errOutOfMemory
	}
	return errors.New(tidy(C.GoString(&f.message[0])))
}

// tidy is wgpu's message on one line, without the words that each of them starts with.
func tidy(message string) string {
	message = strings.Join(strings.Fields(message), " ")
	return strings.TrimPrefix(message, "Validation Error Caused by: ")
}

func (g gpu) newBuffer(size, use int) (handle, error) {
	h := C.gpu_buffer_new(g.c, C.uint64_t(size), C.int(use))
	return h, g.err()
}

func (g gpu) write(buffer handle, offset int, data unsafe.Pointer, size int) {
	C.gpu_write(g.c, buffer, C.uint64_t(offset), data, C.size_t(size))
}

// submit sends commands off; with ticks, unless nil, their times.
func (g gpu) submit(commands []C.gpu_command, ticks *C.gpu_ticks) {
	C.gpu_submit(g.c, unsafe.SliceData(commands), C.size_t(len(commands)), ticks)
}

// timestamps reports whether the device can tell when a pass ended.
func (g gpu) timestamps() bool { return g.c.timestamps != 0 }

func (g gpu) newQueries() (handle, error) {
	h := C.gpu_queries_new(g.c)
	return h, g.err()
}

func freeQueries(h handle) { C.gpu_queries_free(h) }

func (g gpu) poll() { C.gpu_poll(g.c) }

// nap sleeps as long as it is told to. Go's own sleep takes a millisecond at least where nothing else runs, since that is the
// unit in which it waits for the network: longer than many a step.
func nap(d time.Duration) { C.gpu_nap(C.int64_t(d)) }

// newLayout makes the layout of a bind group, a uniform slot and then storage buffers (written[i] not 0 where the kernel
// writes), and that of pipelines with this group alone.
func (g gpu) newLayout(written []uint8) (group, pipeline handle, err error) {
	group = C.gpu_group_layout_new(g.c, (*C.uint8_t)(unsafe.SliceData(written)), C.uint32_t(len(written)))
	if err := g.err(); err != nil {
		return 0, 0, err
	}
	pipeline = C.gpu_pipeline_layout_new(g.c, group)
	if err := g.err(); err != nil {
		C.gpu_group_layout_free(group)
		return 0, 0, err
	}
	return group, pipeline, nil
}

// newPipeline compiles a kernel. It needs no lock.
func (g gpu) newPipeline(layout handle, name, source string) (handle, error) {
	n, s := C.CString(name), C.CString(source)
	defer C.free(unsafe.Pointer(n))
	defer C.free(unsafe.Pointer(s))
	var f C.gpu_failure
	h := C.gpu_pipeline_new(g.c, layout, n, s, &f)
	return h, g.failed(&f)
}

func (g gpu) newGroup(layout handle, ranges []C.gpu_range) (handle, error) {
	h := C.gpu_group_new(g.c, layout, unsafe.SliceData(ranges), C.uint32_t(len(ranges)))
	return h, g.err()
}

func freeBuffer(h handle)   { C.gpu_buffer_free(h) }
func freeGroup(h handle)    { C.gpu_group_free(h) }
func freePipeline(h handle) { C.gpu_pipeline_free(h) }

func freeLayout(group, pipeline handle) {
	C.gpu_pipeline_layout_free(pipeline)
	C.gpu_group_layout_free(group)
}

// A mapping's status, in C memory: 0 while it is pending, mapped, or above mapped when it failed.
const mapped = 1

func newStatus() *uint32     { return (*uint32)(C.calloc(1, 4)) }
func freeStatus(s *uint32)   { C.free(unsafe.Pointer(s)) }
func (g gpu) unmap(b handle) { C.gpu_unmap(b) }
func (g gpu) mapped(b handle, size int) []byte {
	return unsafe.Slice((*byte)(C.gpu_mapped(b, C.uint64_t(size))), size)
}

// mapBuffer asks for a staging buffer's memory; status tells when it is there.
func (g gpu) mapBuffer(b handle, size int, status *uint32) {
	C.gpu_map(b, C.uint64_t(size), (*C.uint32_t)(status))
}
