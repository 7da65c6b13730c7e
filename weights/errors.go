package weights

import "errors"

// What can be wrong with one file. Errors of Open, OpenFile, OpenFS and Parse wrap these.
var (
	// ErrTruncated: the file ends before its header does; most often a download that stopped.
	ErrTruncated = errors.New("file is truncated")
	// ErrHeaderTooLarge: the header's length is over 100 MB, the reference's limit; most often not a safetensors file.
	ErrHeaderTooLarge = errors.New("header is too large")
	// ErrPointer: the file is the text that Git LFS leaves in place of a large file.
	ErrPointer = errors.New("file is a Git LFS pointer")
	// ErrHeader: the header is not a JSON object in UTF-8, or a tensor's entry lacks a field.
	ErrHeader = errors.New("malformed header")
	// ErrMetadata: `__metadata__` is not a map from strings to strings.
	ErrMetadata = errors.New("malformed __metadata__")
	// ErrDuplicate: a name occurs twice, in a header, in an index or in two shards.
	ErrDuplicate = errors.New("duplicate name")
	// ErrDType: the dtype is none of those that DType lists.
	ErrDType = errors.New("unknown dtype")
	// ErrShape: the shape is not a list of whole numbers from 0 on, or has more bytes than can be addressed.
	ErrShape = errors.New("malformed shape")
	// ErrOffsets: data_offsets is not a pair of whole numbers, the first no larger than the second.
	ErrOffsets = errors.New("malformed data_offsets")
	// ErrSize: the number of bytes is not the number that shape and dtype need.
	ErrSize = errors.New("size does not fit shape and dtype")
	// ErrPastEnd: a tensor ends after the file; most often a download that stopped.
	ErrPastEnd = errors.New("tensor ends past the end of the file")
	// ErrOverlap: two tensors share bytes.
	ErrOverlap = errors.New("tensors overlap")
	// ErrIrregular: there is a folder, a pipe or a device in the file's place.
	ErrIrregular = errors.New("not a regular file")
	// ErrHole: bytes belong to no tensor, between two of them or after the last.
	ErrHole = errors.New("bytes belong to no tensor")
)

// What can be wrong with a folder. Errors of Open and OpenFS wrap these.
var (
	// ErrNoCheckpoint: the folder has neither model.safetensors nor an index.
	ErrNoCheckpoint = errors.New("no checkpoint")
	// ErrIndex: the index is not JSON, or its weight_map is missing, empty or not a map from strings to strings.
	ErrIndex = errors.New("malformed index")
	// ErrShardName: the index names a shard outside its folder.
	ErrShardName = errors.New("shard name is not a plain file name")
	// ErrShardMissing: a shard that the index names is not there.
	ErrShardMissing = errors.New("shard is missing")
	// ErrNotInShard: a tensor is not in the shard that the index names.
	ErrNotInShard = errors.New("tensor is not in its shard")
	// ErrQuantised: weights are quantised in a way that lrun does not read, or their tensors do not fit each other.
	ErrQuantised = errors.New("quantised weights")
	// ErrNotInIndex: a shard has a tensor that the index does not name.
	ErrNotInIndex = errors.New("tensor is not in the index")
)

// What can be wrong with tensors to be written, beside ErrDuplicate, ErrDType, ErrShape, ErrSize and ErrHeaderTooLarge.
var (
	// ErrName: a name is not UTF-8, or is the reserved `__metadata__`.
	ErrName = errors.New("name cannot be stored")
)
