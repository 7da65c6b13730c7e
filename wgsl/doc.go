// Package wgsl holds the shaders and the catalogue of them.
//
// A kernel is one file, legal WGSL as it stands. Lines "// @section name" to "// @end" mark what a variant replaces by a
// file of fragments/: how weights or cached keys are read, the activations, the walk through a view. Every
// `const NAME: u32 = …;` is a tunable that a variant sets by name; WG is the size of a workgroup, and UNROLL writes out the loops
// between "// @unroll" and "// @end", the innermost first, which end at a number or a tunable.
//
// Binding 0 of group 0 is the kernel's uniform struct, at most 64 words; the storage buffers follow from binding 1 on, at
// most eight, as the kernel's Bindings say. A row of workgroups longer than 65,535 goes on in the next dimension.
package wgsl
