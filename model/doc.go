// Package model turns a checkpoint's config.json and tensors into a network that runs on a backend.
//
// Each architecture is one file named after its `model_type`: a function from a Config to a Spec, which says how the
// model differs from others, in data: its norms, its attention, its MLP, and the names of its tensors. The blocks that run
// a Spec (attention.go, mlp.go, network.go) are shared, and so is the loader, which checks every tensor's presence, type
// and shape before it uploads the first byte.
//
// A layer attends, or it has a Mixer that carries states of constant size from token to token (mixer.go; Mamba, Mamba-2,
// lightning attention, Griffin); a few models do both in one layer (side.go). States are values, which memory.Sequence keeps.
//
// A Model runs steps: Forward takes the next tokens of a memory.Sequence, in chunks, and hands the logits to a Sink while
// they are on the device. All sequences of a Model share its scratch tensors; Forward takes the Model's lock.
package model
