package backend

// Preparer is a backend whose kernels must be compiled, and which can do that ahead.
type Preparer interface {
	// Prepare has the kernels of a step to come compiled, which record calls as for Do, but none of them run. It returns before
	// they are, so that the host can do something else meanwhile.
	Prepare(record func(Ops)) error
}
