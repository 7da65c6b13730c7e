// Package weights reads and writes Hugging Face checkpoints in the safetensors format, whole or in shards.
//
// Open takes a folder, OpenFile one file, OpenFS a folder of an fs.FS and Parse bytes in memory; all give a Checkpoint,
// which finds a Tensor by name. A tensor has its dtype, its shape (outermost first) and its bytes as stored, little-endian.
// Float32s, ReadFloat32 and Int64s convert them; Chunks hands them on in pieces. FromFloat32 and FromInt64 make tensors,
// and Write stores them. A file is either right in every respect or refused, with an error that names the file, the tensor
// and what to do, and wraps one of the Err values: an upload never starts from a header that lies.
//
// Where the folder's config.json has a quantization_config (GPTQ, AWQ, FP8, compressed-tensors, MXFP4, or lrun's own), Open and OpenFS
// present quantised weights as plain ones, which ReadFloat32 decodes as it is called: see Tensor.Packed, Tensor.Groups, and
// Tensor.Rows for those that are stored as devices hold them.
//
// Open and OpenFile map files into memory and copy nothing, so Tensor.Data and all slices of it die with Close. A file
// that another process shortens while it is mapped makes reads of it fault (SIGBUS), as with any mapping: replace
// checkpoints by renaming, as Write does. Mapped bytes are read-only, and need not be aligned to their element.
package weights
