package backend

import "context"

// Backend is a device: memory, and operations in order. Its methods may be called from any goroutine; Do runs one step at
// a time, so scratch tensors can be shared by all who hold a step.
type Backend interface {
	// Name is "cpu" or "webgpu".
	Name() string
	// Adapter describes the hardware, as `lrun info` prints it.
	Adapter() string

	// NewTensor makes a zeroed tensor [rows][cols] of F32 or U32. An error names the size and the device's limit.
	NewTensor(rows, cols int) (Tensor, error)
	// NewMatrix makes a zeroed matrix, split so that no part exceeds what the device can bind; a part holds a multiple
	// of group rows (1 where rows stand alone, 2 where they come in pairs, the rows of an expert in a stack of experts).
	NewMatrix(d DType, rows, cols, group int) (*Matrix, error)
	// WriteRows stores rows of the matrix, from row first on; data is a whole number of rows of RowBytes each. The data
	// is copied or consumed before WriteRows returns, and at most 64 MiB of such copies are alive at once.
	WriteRows(m *Matrix, first int, data []byte) error
	// NewKV makes the zeroed cache of one layer for pages of page tokens; NewKeys makes one for keys alone.
	NewKV(d DType, pages, page, kvHeads, headDim int) (*KV, error)
	NewKeys(d DType, pages, page, kvHeads, headDim int) (*KV, error)
	// GrowKV makes room for pages pages, more than there are, and keeps what the cache holds.
	GrowKV(kv *KV, pages int) error
	// NewReadback makes a place for the host to receive bytes bytes of a tensor.
	NewReadback(bytes int) (Readback, error)

	// Do runs one step: record calls operations, in order. What they read and write must not be released before the
	// step is done. The first error of any operation is returned, with its name and shapes; then the step's results
	// are undefined. Do may return before the device has finished: Readback.Wait and Sync wait.
	Do(record func(Ops)) error
	// Sync waits until everything submitted is done, or the context is cancelled.
	Sync(ctx context.Context) error
	// Ahead is how many steps it pays to submit before the result of the first is read: 0 where steps run at once.
	Ahead() int
	// MaxHeadDim is the most channels that a head of QKVRope and Attend may have.
	MaxHeadDim() int
	// Chunk is how many tokens of a prompt it pays to read at once, unless memory is short.
	Chunk() int
	// Dispatches is how many kernels have been launched since the backend was opened.
	Dispatches() int64
	// Memory is the number of bytes of device memory held by live buffers.
	Memory() int64
	// Close releases the device. Everything made on it must have been released before.
	Close() error
}

// Readback receives the contents of a tensor on the host, after the step that filled it, without stopping the device.
type Readback interface {
	// Wait waits for the last Fetch into this readback and returns its bytes, which stay valid until the next Fetch. It
	// returns the context's error when cancelled first, and the device's when the device was lost.
	Wait(ctx context.Context) ([]byte, error)
	// Release gives the memory back.
	Release()
}

// KV is the cache of one layer: keys and values of tokens, in pages of Page tokens. A head of a token is R =
// DType.HeadRows(HeadDim) rows of four elements of DType (F32, F16 or Q8), which lie as
//
//	keys    [pages][kvHeads][R][Page]   (so that neighbouring keys are neighbours for one thread each)
//	values  [pages][kvHeads][Page][R]
//
// Row c of F32 and F16 is quad c: channels 4c to 4c + 3. The padding of a head is zero. A slot is page·Page + index in the
// page.
//
// Q8 has a scale for each 32 channels of a head of a token, the last of them for as many as are left: row 9g is the scale of
// quads 8g to 8g + 7, an f32, and quad c is row c + c/8 + 1, four int8, the first in the lowest byte. The scale is the
// largest magnitude of its channels, so that a value is int8/127·scale and an int8 at most 127, rounded as WGSL's
// pack4x8snorm does: floor(½ + 127·x/scale).
type KV struct {
	DType   DType
	Pages   int
	Page    int
	KVHeads int
	HeadDim int
	K, V    Buffer // V is nil where only keys are kept
}

// PageBytes is the size of one page of keys, and of one page of values.
func (kv *KV) PageBytes() int { return kv.KVHeads * kv.Page * kv.DType.HeadBytes(kv.HeadDim) }

// WholePageBytes is the size of a page: keys, and values where there are any.
func (kv *KV) WholePageBytes() int {
	if kv.V == nil {
		return kv.PageBytes()
	}
	return 2 * kv.PageBytes()
}

// Release gives the cache's memory back.
func (kv *KV) Release() {
	kv.K.Release()
	if kv.V != nil {
		kv.V.Release()
	}
}
