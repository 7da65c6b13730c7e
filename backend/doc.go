// Package backend says what a device must be able to do so that lrun's models run on it.
//
// A Backend owns memory (Buffer) and runs operations (Ops) on tensors in it. Operations are coarse: whatever makes one
// good dispatch on a GPU is one operation, and each has one WGSL shader and one Go function of the same name, which are
// tested against each other. Model code calls Ops and never learns which backend it runs on. Package backend/cpu runs an
// operation at once; package backend/webgpu records it and submits the step.
//
// Shapes are written outermost first. An activation is a Tensor [rows][cols] of f32 whose rows start every Stride
// elements; a weight is a Matrix [rows][cols] in the type it was stored in, so that y = x·Wᵀ reads both along their rows.
// The columns between Cols and Stride are padding: they hold finite values, and the matching columns of a Matrix are
// zero, so a kernel may read up to Pad8(cols) columns and need not look at the tail.
package backend
