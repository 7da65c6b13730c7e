// Package memory keeps the keys and values of past tokens, and decides which of them a query sees.
//
// A Pool holds the KV pages of all layers of one model; page n is the same tokens in every layer. A Sequence is one
// session's list of pages. What a query may see is a backend.View: full attention and sliding windows so far.
//
// A Pool is not locked: the model that owns it changes it and its sequences under its own lock.
package memory
