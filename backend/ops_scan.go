package backend

// The operations of layers that take linear time: each token updates a state of constant size.
//
// A state is a value: an operation reads it from one tensor, From, and leaves the new one in another, To, of another
// buffer. So a step that fails or is repeated loses nothing, a fork or a snapshot is a reference, and no kernel has a
// hazard. A new text starts from zeros, which is what a new tensor holds.

// Conv is the causal depthwise convolution before a scan (Mamba, arXiv 2312.00752): dst[t][c] = Act(Bias[c] + Σ_{j<K}
// Weight[j][c]·in[t − K + 1 + j][c]), where in is x's columns from First on, and before the first token the rows of From.
type Conv struct {
	Weight   Tensor // f32 [K][channels], K at least 2: the last row is the current input's
	Bias     Tensor // f32 [1][channels], or none
	First    int
	Act      Activation
	From, To Tensor // f32 [K−1][channels]: the inputs that came before, oldest first
}

// SelectiveScan is Mamba's (arXiv 2312.00752): for each of E channels with N states, and x [tokens][E],
//
//	Δ = softplus(Delta[t][e]);  h ← exp(Δ·A)⊙h + (Δ·x)·B;  dst[t][e] = (h·C + D·x)·Act(Gate[t][GateFirst + e])
type SelectiveScan struct {
	Delta     Tensor // f32 [tokens][E]: with its projection's bias, before softplus
	BC        Tensor // f32 [tokens][First + 2N …]: from column First on the N of B, then the N of C
	First     int
	AD        Tensor // f32 [N + 1][E]: a row for each state, A = −exp(A_log) transposed, and in the last row D
	Gate      Tensor // f32 [tokens][GateFirst + E …], or none: no factor
	GateFirst int
	Act       Activation
	From, To  Tensor // f32 [N][E]
}

// SSD is state space duality (Mamba-2, arXiv 2405.21060), and with no Delta and a constant decay lightning attention (arXiv
// 2401.04658), where x is v, B is k, C is q, Groups is Heads and A is −slope. Head h of P = dst.Cols/Heads channels uses B
// and C of group h/(Heads/Groups):
//
//	Δ = clamp(softplus(Delta[t][DeltaFirst + h] + DeltaBias[h]), Least, Most), or 1 without Delta
//	S ← e^(Δ·A[h] + Retain)·S + (Insert·Δ)·x_t ⊗ B_t;  dst[t] = S·C_t + D[h]·x_t
//
// x is [tokens][E + 2·Groups·State]: the E = dst.Cols channels of x, head after head, then B [Groups][State], then C.
type SSD struct {
	Heads, Groups, State int

	Delta       Tensor // f32 [tokens][DeltaFirst + Heads …], or none
	DeltaFirst  int
	DeltaBias   Tensor // f32 [1][Heads], or none: zeros
	Least, Most float32
	A           Tensor // f32 [1][Heads], not above 0
	D           Tensor // f32 [1][Heads], or none: zeros

	// Retain and Insert are the reduced retention and insertion of Stuffed Mamba (arXiv 2410.07145): what is added to the
	// logarithm of the decay, and a factor of what is written, for which 0 means 1. Most 0 means no limit.
	Retain, Insert float32

	From, To Tensor // f32 [Heads·P][State]
}

// Channels is P, the channels of a head, for a result of so many columns.
func (a SSD) Channels(cols int) int { return cols / a.Heads }

// StateNorm keeps the states of heads [Heads·P][N] from growing past the norms that they had (state normalisation of Stuffed
// Mamba, arXiv 2410.07145): in place, by each head's Frobenius norm.
type StateNorm struct {
	Heads    int
	Phase    NormPhase
	From, To Tensor // f32 [1][Heads]: the largest norms, before and after
}

// NormPhase is what StateNorm does.
type NormPhase uint32

// The phases of StateNorm.
const (
	KeepNorms  NormPhase = iota // To = From
	LearnNorms                  // To = the states' norms
	BoundNorms                  // To = From, and a state whose norm is above its head's is scaled to it
)

// StateWindow has the states of heads [Heads·P][N] forget what they were at a mark (the sliding window by subtraction of Stuffed
// Mamba, arXiv 2410.07145): fade, the logarithm of what is left of that, grows by the logarithms of the decays of a step's
// tokens. With Forget the state is S − e^fade·From, which is as if the text had begun after the mark, and the mark is set anew.
type StateWindow struct {
	Decays           SSD    // its Heads, Delta with all that makes it, A and Retain
	Forget           bool   // To = S as it is then, FadeTo = 0; else To = From
	From, To         Tensor // f32 [Heads·P][N]: the state at the mark
	FadeFrom, FadeTo Tensor // f32 [1][Heads]
}

// PartNorm is the RMS norm of each of several parts of a row by itself: the first Lead columns are a part (none where Lead
// is 0), the others parts of Part columns each.
//
// dst = norm(x)·Weight·Act(g), with g = Gate's columns from GateFirst on; with Before, norm(x·Act(g))·Weight.
type PartNorm struct {
	Eps        float32
	Lead, Part int
	Weight     Tensor // f32 [1][cols], or none: ones
	Gate       Tensor // f32 [tokens][GateFirst + cols …], or none: no factor
	GateFirst  int
	Act        Activation
	Before     bool
}

// RGLRU is the real-gated linear recurrent unit of Griffin (arXiv 2402.19427) over x [tokens][channels]:
//
//	log a = −8·σ(Recurrence[t][c])·softplus(Lambda[c])
//	h ← a·h + σ(Input[t][c])·x·√(1 − a²);  dst = h·Act(Mul[t][MulFirst + c])
//
// where with Start the root of the first token is 1: Hugging Face's recurrent_gemma does so at position 0.
type RGLRU struct {
	Input, Recurrence Tensor // f32 [tokens][channels]: gates, before σ
	Lambda            Tensor // f32 [1][channels]
	Start             bool   // the first token is the text's first
	Mul               Tensor // f32 [tokens][MulFirst + channels …], or none: no factor
	MulFirst          int
	Act               Activation
	From, To          Tensor // f32 [1][channels]
}
