// Package memory keeps the keys and values of past tokens, and decides which of them a query sees.
//
// A Pool holds the KV pages of all layers of one model; page n is the same tokens in every layer. A Sequence is one
// session's list of pages; forks of it share pages until one writes. A Policy says which tokens a query sees and at what
// distance they appear, as a backend.View: Full is full attention and the layers' own sliding windows, Window the last
// tokens, Sinks StreamingLLM, Lambda LM-Infinite, InfLLM blocks that are looked up, SirLLM the most surprising tokens. Each
// is a file. Pages that no query to come will see go back to the pool.
//
// A Store keeps what a long text leaves behind, out of the pool: records in host memory, past a limit in a file. The blocks
// of InfLLM go there, and come back to a few pages of each layer when they are chosen.
//
// A Pool is not locked: the model that owns it changes it and its sequences under its own lock. A Store has a lock of its
// own.
package memory
