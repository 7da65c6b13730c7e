package backend

// The operations of layers whose state has a constant size. A state is a value: an operation reads it From one tensor and
// leaves the new one in another, To, so that a step which fails or is repeated loses nothing. They are never the same.

// Conv is a causal convolution of each channel by itself: dst[t][c] = Act(Bias[c] + Σ_{j<K} Weight[j][c]·in[t−K+1+j][c]), where
// in is x's columns First to First + channels − 1, and before the first token the rows of From. dst is [tokens][channels].
type Conv struct {
	Weight   Tensor // f32 [K][channels]; the last row is the current input's
	Bias     Tensor // f32 [1][channels], or none
	First    int
	Act      Activation
	From, To Tensor // f32 [K−1][channels]: the inputs that came before, oldest first
}

// SelectiveScan is Mamba's recurrence (arXiv 2312.00752) over u [tokens][E]: with Δ = softplus(Delta[t][e])
//
//	h ← exp(Δ·A)⊙h + (Δ·u)·B;  dst[t][e] = (h·C + D·u)·Act(Gate[t][GateFirst + e])
type SelectiveScan struct {
	Delta     Tensor // f32 [tokens][E], its bias included, softplus not
	BC        Tensor // f32 [tokens][…]: B at columns First to First + N − 1, C at the N after
	First     int
	A         Tensor // f32 [E][N]
	D         Tensor // f32 [1][E]
	Gate      Tensor // f32 [tokens][…], or none
	GateFirst int
	Act       Activation
	From, To  Tensor // f32 [E][N]
}

// PartNorm is an RMS norm of each of several parts of a row by itself: the first Lead columns, where that is not 0, and then
// parts of Part columns. With g = Act(Gate[t][GateFirst + c]) it is dst = norm(x·g)·Weight (Before) or norm(x)·Weight·g.
type PartNorm struct {
	Eps        float32
	Lead, Part int
	Weight     Tensor // f32 [1][cols], or none: ones
	Gate       Tensor // f32 [tokens][…], or none: no factor
	GateFirst  int
	Act        Activation
	Before     bool
}

// SSD is the recurrence of state space duality (arXiv 2405.21060), for each head h of Heads, with P = dst.Cols/Heads channels
// and N = State, in group h/(Heads/Groups); where Delta is none, Δ is 1, and it is lightning attention (arXiv 2401.04658):
//
//	Δ = clamp(softplus(Delta[t][DeltaFirst + h] + DeltaBias[h]), Least, Most)
//	S ← e^{Δ·A[h] + Retain}·S + (Insert·Δ)·x_t ⊗ B_t;  dst = S·C_t + D[h]·x_t
//
// x is [tokens][Heads·P + 2·Groups·N]: x head after head, then B group after group, then C.
type SSD struct {
	Heads, Groups, State int
	Delta                Tensor // f32 [tokens][…], or none
	DeltaFirst           int
	DeltaBias            Tensor // f32 [1][Heads]
	Least, Most          float32
	A                    Tensor  // f32 [1][Heads]
	D                    Tensor  // f32 [1][Heads], or none
	Retain               float32 // ln of a factor on what is remembered (Stuffed Mamba, arXiv 2410.07145)
	Insert               float32 // a factor on what is added; 0 means 1
	From, To             Tensor  // f32 [Heads·P][N]
}

// RGLRU is the real-gated linear recurrent unit of Griffin (arXiv 2402.19427): with r = σ(Gates[t][RecurrenceFirst + c]),
// i = σ(Gates[t][InputFirst + c]) and ln a = −8·r·softplus(Lambda[c])
//
//	h ← a·h + i·x·√(1 − a²);  dst[t][c] = h·Act(Mul[t][MulFirst + c])
//
// where the root is 1 for the text's first token.
type RGLRU struct {
	Gates                       Tensor // f32 [tokens][…]
	InputFirst, RecurrenceFirst int
	Lambda                      Tensor // f32 [1][channels]
	Start                       bool   // the first token is the text's first
	Mul                         Tensor // f32 [tokens][…]
	MulFirst                    int
	Act                         Activation
	From, To                    Tensor // f32 [1][channels]
}
