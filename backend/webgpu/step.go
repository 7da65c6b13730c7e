//go:build cgo && !nogpu && ((linux && amd64) || (darwin && (amd64 || arm64)) || (windows && amd64))

package webgpu

import (
	"fmt"
	"slices"
	"strings"
	"unsafe"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/wgsl"
)

const (
	slots         = 1024 // dispatches in a submission: a quarter of a megabyte of uniforms
	slotWords     = slotBytes / 4
	maxWorkgroups = 65535 // in a dimension, WebGPU's guarantee
)

var _ backend.Ops = (*step)(nil)

// step records one step. It implements backend.Ops; the operations proper are in the files ops_*.go.
type step struct {
	dev *device
	err error // the first error; once set, nothing more is recorded

	commands  []command   // since the last flush
	ops       []string    // the operation of each dispatch since the last flush
	uniforms  []uint32    // the uniform structs, a slot a dispatch; written in one piece by flush
	fetched   []*readback // to be mapped once the copies to them are submitted
	padded    []uint32    // rows of a Write, laid out with their stride
	number    uint64      // of the flush that commands go with
	load      int         // multiply-adds since the last flush
	macs      int         // multiply-adds since the last dispatch
	views     viewTables  // the tables of views that this step has filled
	rehearses bool        // kernels are compiled, not launched; see Prepare
}

// begin forgets what a step that panicked may have left.
func (s *step) begin() {
	s.abandon()
	s.err, s.macs = nil, 0
	s.views.reset()
	s.dev.trimGroups()
}

// dispatch records one launch of kernel k on x × y × z workgroups. params (at most 64 words) are its uniform struct; the
// bindings are its storage buffers in the shader's order. No workgroups, no launch.
func (s *step) dispatch(op string, k *wgsl.Kernel, v wgsl.Variant, params []uint32, x, y, z uint32, bindings ...binding) {
	if s.err != nil || x == 0 || y == 0 || z == 0 {
		return
	}
	if max(x, y, z) > maxWorkgroups {
		s.fail(op, "kernel %s: %d × %d × %d workgroups; at most %d a dimension", k.Name, x, y, z, maxWorkgroups)
		return
	}
	if len(params) > slotWords || len(bindings) != len(k.Bindings) {
		s.fail(op, "kernel %s: %d words of parameters and %d operands, want at most %d and exactly %d",
			k.Name, len(params), len(bindings), slotWords, len(k.Bindings))
		return
	}
	p, err := s.dev.pipeline(k, v)
	if err == nil && s.rehearses {
		s.dev.compileAhead(p)
		return
	}
	if err == nil {
		err = p.compile()
	}
	if err != nil {
		s.fail(op, "%w", err)
		return
	}
	g, err := s.dev.group(p, bindings)
	if err != nil {
		s.fail(op, "kernel %s: %w", k.Name, err)
		return
	}
	if len(s.ops) == slots && !s.flush() {
		return
	}
	slot := len(s.ops)
	copy(s.uniforms[slot*slotWords:], params)
	s.commands = append(s.commands, dispatchCommand(p.handle, g, slot*slotBytes, x, y, z))
	s.ops = append(s.ops, op)
	s.dev.profile.launch(k, v, bindings, s.macs)
	s.macs = 0
	for i := range bindings {
		if b := bindings[i].buf; b != nil {
			b.used = s.number
		}
	}
	s.dev.dispatches.Add(1)
	if s.dev.debug {
		s.flush()
	}
}

// fail records the step's first error, prefixed with the operation's name.
func (s *step) fail(op string, format string, args ...any) {
	if s.err == nil {
		s.err = fmt.Errorf(op+": "+format, args...)
	}
}

// work tells that the operations recorded next take about so many multiply-adds. When what is recorded since the last
// submission exceeds what the adapter may be given, it is submitted, so that no submission runs into a driver's watchdog.
func (s *step) work(multiplyAdds int) {
	if s.load > 0 && s.load+multiplyAdds > s.dev.tuning.Submission {
		s.flush()
	}
	s.load += multiplyAdds
	s.macs += multiplyAdds
}

// flush submits what is recorded. It reports whether the step is still without error.
func (s *step) flush() bool {
	if s.err != nil {
		return false
	}
	if len(s.commands) > 0 || s.dev.unsent > 0 {
		if err := s.send(); err != nil {
			s.fail(s.what(), "%w", err)
			return false
		}
	}
	for _, r := range s.fetched {
		r.mapNow()
	}
	if err := s.dev.check(); err != nil {
		s.fail("fetch", "%w", err)
		return false
	}
	s.reset()
	return true
}

func (s *step) send() error {
	d := s.dev
	if n := len(s.ops); n > 0 {
		if err := d.write(d.uniforms, 0, unsafe.Pointer(&s.uniforms[0]), n*slotBytes); err != nil {
			return err
		}
	}
	if d.profile != nil {
		return d.submitProfiled(s.commands)
	}
	return d.submit(s.commands)
}

// reset forgets what is recorded.
func (s *step) reset() {
	s.commands, s.ops, s.fetched = s.commands[:0], s.ops[:0], s.fetched[:0]
	s.load = 0
	s.number++
}

// abandon drops what a failed step has recorded.
func (s *step) abandon() {
	for _, r := range s.fetched {
		r.state = empty
	}
	s.reset()
}

// what names the operations recorded since the last flush, each once.
func (s *step) what() string {
	var names []string
	for _, op := range s.ops {
		if !slices.Contains(names, op) {
			names = append(names, op)
		}
	}
	if len(names) == 0 {
		return "step"
	}
	return strings.Join(names, ", ")
}

// scratch is memory of the backend's own with at least so many bytes, the same for one name in every step. Its contents
// last until the next operation that uses the name.
func (s *step) scratch(name string, bytes int) binding {
	if s.err != nil {
		return binding{}
	}
	d := s.dev
	b := d.scratch[name]
	if b == nil || b.room < bytes {
		if b != nil {
			b.Release() // freed after this step, which may use it already
		}
		grown, err := d.newBuffer(max(bytes, 1), &d.overhead)
		if err != nil {
			delete(d.scratch, name)
			s.fail("scratch "+name, "%w", err)
			return binding{}
		}
		d.scratch[name] = grown
		b = grown
	}
	return bindBuffer(b).touching(bytes)
}

// Write implements backend.Ops.
func (s *step) Write(dst backend.Tensor, data []uint32) {
	if s.err != nil {
		return
	}
	if dst.IsNone() || len(data) != dst.Rows*dst.Cols {
		s.fail("write", "%d words to %s", len(data), dst)
		return
	}
	if dst.Rows > 1 && dst.Cols != dst.Stride {
		data = s.pad(dst, data)
	}
	s.writeWords(dst, data)
}

// pad lays data out as rows of the tensor's stride, zeros between them, the last one without.
func (s *step) pad(t backend.Tensor, data []uint32) []uint32 {
	n := (t.Rows-1)*t.Stride + t.Cols
	s.padded = slices.Grow(s.padded[:0], n)[:n]
	clear(s.padded)
	for row := range t.Rows {
		copy(s.padded[row*t.Stride:], data[row*t.Cols:(row+1)*t.Cols])
	}
	return s.padded
}

// writeWords stores words from the tensor's first row on, without regard to rows, in order with the other operations.
func (s *step) writeWords(t backend.Tensor, words []uint32) {
	if len(words) > 0 {
		s.writeBytes(t.Buf, t.Offset(), unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), 4*len(words)))
	}
}

// WritePage implements backend.Ops.
func (s *step) WritePage(kv *backend.KV, page uint32, data []byte) {
	n := kv.PageBytes()
	if s.err == nil && (int(page) >= kv.Pages || len(data) != kv.WholePageBytes()) {
		s.fail("write", "%d bytes to page %d of %d, of %d bytes", len(data), page, kv.Pages, kv.WholePageBytes())
		return
	}
	s.writeBytes(kv.K, int(page)*n, data[:n])
	if kv.V != nil {
		s.writeBytes(kv.V, int(page)*n, data[n:])
	}
}

// writeBytes stores data in a buffer. A write takes effect before the submission it precedes, so what was recorded is
// submitted first if it uses the buffer.
func (s *step) writeBytes(buf backend.Buffer, offset int, data []byte) {
	if s.err != nil {
		return
	}
	b, ok := buf.(*buffer)
	if !ok || b.dev != s.dev {
		s.fail("write", "%w", errForeign)
		return
	}
	if b.dead.Load() || offset+len(data) > b.room {
		s.fail("write", "%d bytes to byte %d of a buffer of %d bytes, or a released one", len(data), offset, b.bytes)
		return
	}
	if b.used == s.number && !s.flush() {
		return
	}
	if err := s.dev.write(b.handle, offset, unsafe.Pointer(&data[0]), len(data)); err != nil {
		s.fail("write", "%w", err)
	}
}
