// Package vector holds the loops in which the CPU backend spends its time: widening of stored weights, products, and what
// attention does with keys, values and scores.
//
// Each is a few lines of Go, which say what it does and run on any machine. On amd64 with AVX2, FMA and F16C the routines of
// avx2_*.s take their place, but for what is left over of eight elements; the build tag purego leaves them out. Both sum
// in an order that depends on the lengths only.
package vector
