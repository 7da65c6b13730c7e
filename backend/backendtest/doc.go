// Package backendtest holds what every backend must do: a table of cases (an operation, shapes, options) that run on the
// backend under test and on one that is trusted, with the same random operands, and must agree; and benchmarks over the
// same operations.
//
// A case asks its rig for operands and shows it results. The rig draws the operands from a seed made of the case's name,
// so both backends see the same ones.
package backendtest
