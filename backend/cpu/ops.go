package cpu

import (
	"encoding/binary"
	"fmt"

	"github.com/lrun/lrun/backend"
)

// ops runs the operations of one step; once one has failed, the rest do nothing.
type ops struct {
	cpu *cpu
	err error
	// scratch that operations reuse, so that a steady step allocates little
	order []int32
	probs []float32
	norms buffer
	wide  []float32
}

// ready counts the operation and reports whether it may run: no error so far and none in its operands.
func (o *ops) ready(err error) bool {
	if o.err == nil {
		o.err = err
	}
	o.cpu.dispatches.Add(1)
	return o.err == nil
}

func (o *ops) Write(dst backend.Tensor, data []uint32) {
	if o.err != nil {
		return
	}
	if len(data) != dst.Rows*dst.Cols {
		o.err = fmt.Errorf("write to %s: %d words", dst, len(data))
		return
	}
	for r := range dst.Rows {
		copy(bits(dst, r), data[r*dst.Cols:])
	}
}

func (o *ops) Fetch(dst backend.Readback, src backend.Tensor) {
	if o.err != nil {
		return
	}
	r := dst.(*readback)
	if src.Rows*src.Cols*4 > cap(r.data) {
		o.err = fmt.Errorf("fetch of %s: the readback holds %d bytes", src, cap(r.data))
		return
	}
	r.data = r.data[:0]
	for i := range src.Rows {
		for _, w := range bits(src, i) {
			r.data = binary.LittleEndian.AppendUint32(r.data, w)
		}
	}
}

func (o *ops) FetchPage(dst backend.Readback, kv *backend.KV, page uint32) {
	if o.err != nil {
		return
	}
	r, n := dst.(*readback), kv.PageBytes()
	if int(page) >= kv.Pages || kv.WholePageBytes() > cap(r.data) {
		o.err = fmt.Errorf("fetch of page %d of %d, of %d bytes, into %d", page, kv.Pages, kv.WholePageBytes(), cap(r.data))
		return
	}
	at := int(page) * n
	r.data = append(r.data[:0], words(kv.K).bytes()[at:at+n]...)
	if kv.V != nil {
		r.data = append(r.data, words(kv.V).bytes()[at:at+n]...)
	}
}

func (o *ops) WritePage(kv *backend.KV, page uint32, data []byte) {
	if o.err != nil {
		return
	}
	n := kv.PageBytes()
	if int(page) >= kv.Pages || len(data) != kv.WholePageBytes() {
		o.err = fmt.Errorf("write of %d bytes to page %d of %d, of %d bytes", len(data), page, kv.Pages, kv.WholePageBytes())
		return
	}
	copy(words(kv.K).bytes()[int(page)*n:], data[:n])
	if kv.V != nil {
		copy(words(kv.V).bytes()[int(page)*n:], data[n:])
	}
}
