// Sums within registers, for the routines of avx2_*.s. Operands are in Go's order, the result last.

// SUM8 makes X the sum of the eight floats of Y, its low half being X; T is scratch.
#define SUM8(Y, X, T) \
	VEXTRACTF128 $1, Y, T \
	VADDPS T, X, X \
	VHADDPS X, X, X \
	VHADDPS X, X, X

// SUM4X8 makes X the sums of the eight floats of each of A, B, C and D, X being the low half of A and T that of B.
#define SUM4X8(A, B, C, D, X, T) \
	VHADDPS B, A, A \
	VHADDPS D, C, C \
	VHADDPS C, A, A \
	VEXTRACTF128 $1, A, T \
	VADDPS T, X, X
