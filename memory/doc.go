// Package memory keeps the keys and values of past tokens, and decides which of them a query sees.
//
// A Pool holds the KV pages of all layers of one model; page n is the same tokens in every layer. A Sequence is one
// session's list of pages. A Policy says which tokens a query sees and at what distance they appear, as a backend.View:
// Full is full attention and the layers' own sliding windows, Lambda is LM-Infinite. Pages that no query to come will see
// go back to the pool.
//
// A Store keeps what a long text leaves behind, out of the pool: records in host memory, past a limit in a file.
//
// A Pool is not locked: the model that owns it changes it and its sequences under its own lock. A Store
// has a lock of its own.
package memory
