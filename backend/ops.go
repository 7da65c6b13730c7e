package backend

// Ops are the operations of a step. Each writes its first argument. None returns an error: the first one ends the step,
// and Do returns it.
type Ops interface {
	// Write stores host words (ids, positions, angles) at the start of a tensor's rows, row after row: data holds
	// Rows·Cols elements of 4 bytes. It takes effect in order with the other operations.
	Write(dst Tensor, data []uint32)
	// Fetch copies a tensor, padding left out, to the host; Readback.Wait returns it.
	Fetch(dst Readback, src Tensor)
	// FetchPage copies a page of a cache to the host: its keys, then its values. WritePage stores one that is laid out so, in
	// order with the other operations.
	FetchPage(dst Readback, kv *KV, page uint32)
	WritePage(kv *KV, page uint32, data []byte)

	Embed(dst Tensor, a Embed)
	Norm(dst, x Tensor, n Norm)
	Residual(x, y Tensor, a Residual)
	// Join is dst[t] = the row a[t] and then b[t].
	Join(dst, a, b Tensor)
	// Gather is dst[t] = the row rows[t] of x, or zeros where x has no such row; rows is u32 [1][dst.Rows].
	Gather(dst, x, rows Tensor)
	Linear(dst, x Tensor, w *Matrix, a Linear)
	GateUp(dst, x Tensor, w *Matrix, a GateUp)
	// Gate is dst[t][c] = act(x[t][c])·x[t][dst.Cols + c].
	Gate(dst, x Tensor, act Activation)
	QKVRope(q, qkv Tensor, kv *KV, a QKVRope)
	Rotate(kv *KV, a Rotate)
	Recall(q Tensor, kv *KV, v View, a Recall)
	Attend(dst, q Tensor, kv *KV, v View, a Attend)
	Mass(mass, q, attended Tensor, kv *KV, v View, a Mass)
	Represent(reps, kv *KV, mass Tensor, a Represent)
	Lookup(q Tensor, reps, kv *KV, v View, a Lookup)
	Route(dst, x Tensor, w *Matrix, a Route)
	ExpertGateUp(dst, x, routes Tensor, w *Matrix, a Experts)
	ExpertDown(dst, x, routes Tensor, w *Matrix, a Experts)
	DiagonalScan(dst, u Tensor, a DiagonalScan)
	LongConv(dst, u Tensor, a LongConv)
	// LogProb is dst[t] = log softmax(logits[t])[targets[t]]; dst is f32 [tokens][1], targets u32 [1][tokens].
	LogProb(dst, logits, targets Tensor)
	Sample(dst, logits Tensor, a Sample)

	Conv(dst, x Tensor, a Conv)
	SelectiveScan(dst, x Tensor, a SelectiveScan)
	SSD(dst, x Tensor, a SSD)
	StateNorm(state Tensor, a StateNorm)
	StateWindow(state Tensor, a StateWindow)
	PartNorm(dst, x Tensor, a PartNorm)
	RGLRU(dst, x Tensor, a RGLRU)
}

// Activation is the nonlinearity of a layer, by Hugging Face's name in `hidden_act`.
type Activation uint32

// The activations. Arguments of exp and tanh are clamped as spec/wgsl-performance.md, section 14, says.
const (
	Identity  Activation = iota
	SiLU                 // "silu", "swish": x·σ(x)
	GELU                 // "gelu": x·Φ(x), Φ by an erf good to 1e-6
	GELUTanh             // "gelu_new", "gelu_pytorch_tanh", "gelu_fast": ½x(1 + tanh(√(2/π)(x + 0.044715x³)))
	QuickGELU            // "quick_gelu": x·σ(1.702x)
	ReLU                 // "relu"
	ReLU2                // "relu2": max(0, x)²
	Sigmoid
	Tanh
)

// Embed is dst[t] = table[ids[t]]·Scale (+ positions[pos[t]]).
type Embed struct {
	Table     *Matrix // [vocab][dim]; an id outside it gives zeros
	IDs       Tensor  // u32 [1][tokens]
	Scale     float32
	Positions *Matrix // [contexts][dim] learned positions, or nil
	Pos       Tensor  // u32 [1][tokens], needed with Positions
}

// Norm is y = (x − mean)·rsqrt(var + Eps)·Weight + Bias, or with RMS y = x·rsqrt(mean(x²) + Eps)·Weight.
type Norm struct {
	RMS    bool
	Eps    float32
	Weight Tensor // f32 [1][n], or none: ones
	Bias   Tensor // f32 [1][n], or none: zeros
}

// Residual is x ← x + Scale·Post(y), and then dst = Pre(x): the end of one sub-layer and the start of the next. x is
// updated in place; x, y and dst are three different tensors [tokens][dim].
type Residual struct {
	Scale float32
	Post  *Norm  // nil: y as it is
	Dst   Tensor // none: only x is wanted
	Pre   *Norm  // the next sub-layer's norm; needed with Dst
}

// Linear is y = Clip(Act(Norm(x)·Wᵀ + Bias)·Scale), soft-capped, then dst = y or dst ← dst + y.
//
// x is [tokens][w.Cols], dst [tokens][w.Rows]. With Blocks the matrix is block-diagonal and w its blocks, one below the
// other: x is [tokens][Blocks·w.Cols], and block b of w.Rows/Blocks rows takes the columns from b·w.Cols on. A block has a
// multiple of four rows and of four columns, and no part of w has a part of a block.
type Linear struct {
	Norm    *Norm  // of x; nil: x as it is
	Blocks  int    // 0 means 1
	Bias    Tensor // f32 [1][w.Rows], or none
	Act     Activation
	Scale   float32 // 0 means 1
	SoftCap float32 // y ← SoftCap·tanh(y/SoftCap) where above 0 (Gemma 2, arXiv 2408.00118)
	Add     bool    // add to dst
	Gate    Tensor  // f32 [tokens][n]: y is multiplied by the last column of its row; or none
}

// GateUp is dst = Act(h·Gᵀ + b_g) ⊙ (h·Uᵀ + b_u) with h = Norm(x). G and U are the even and the odd rows of w,
// [2·dst.Cols][x.Cols], and so are their biases: interleaved, so that a split by rows never parts a pair.
type GateUp struct {
	Norm *Norm  // of x; nil: x as it is
	Bias Tensor // f32 [1][w.Rows], or none
	Act  Activation
}

// HeadNorm is a norm of the query or key heads before rotation.
type HeadNorm struct {
	Norm       // Weight and Bias are [1][headDim], shared by all heads, or [1][heads·headDim]
	Whole bool // the statistics run over all heads at once (OLMo 2), not over each (Qwen 3)
}

// QKVRope takes the projections qkv [tokens][(heads + 2·kvHeads)·headDim], queries first, then keys, then values:
// normalises and clips, rotates queries and keys, and writes the queries to q [sets·tokens][heads·Pad4(headDim)] and keys
// and values to the cache at the tokens' slots.
//
// Queries may be wanted in several sets, each rotated in its own way: token t's query of set s is row s·tokens + t of q.
// Rope is in blocks of one row a token; keys are rotated by block 0, queries of set s by block s, or by block s + 1 where
// queries and keys are rotated apart.
//
// Rotation (arXiv 2104.09864) of pair i of the first Rotary channels: (a, b) ← (a·cos − b·sin, b·cos + a·sin), where the
// pair is (x[i], x[i + Rotary/2]), or with Interleaved (x[2i], x[2i + 1]). A row of Rope is Rotary/2 cosines, then
// Rotary/2 sines, made on the host. Rotary 0 rotates nothing, and Rope may be none.
type QKVRope struct {
	Heads       int    // kvHeads and headDim are the cache's
	Slots       Tensor // u32 [1][tokens]: where in the cache each token goes
	Rope        Tensor // f32 [blocks·tokens][Rotary]
	Rotary      int
	Interleaved bool
	Sets        int       // of queries; 0 means 1
	Apart       bool      // queries are not rotated as keys are
	QNorm       *HeadNorm // nil: none
	KNorm       *HeadNorm
	Clip        float32 // above 0: q, k and v are clamped to ±Clip after the norm (OLMo, MPT)
}

// Rotate turns cached keys anew: the key at slot From[i], rotated by row i of Rope as in QKVRope, goes to slot To[i], and
// the value with it. To may be From; otherwise no slot may be among both.
type Rotate struct {
	From, To    Tensor // u32 [1][n]
	Rope        Tensor // f32 [n][Rotary]
	Rotary      int
	Interleaved bool
}

// Recall looks the keys of a view up that matter most to one query, q [1][heads·Pad4(headDim)]: for each KV head the
// To.Cols keys with the largest q·k over its query heads, ties to the earlier key. They and their values are copied to the
// slots To, the largest first. The view is one segment with at least as many keys, none of them in To; its edges do not
// count.
type Recall struct {
	Heads int
	To    Tensor // u32 [1][k]
}

// Segment is a run of cached keys in a view: Count keys that lie in pages one after another, the first at slot First of
// the first page. Key i of the segment stands at position Pos + i.
type Segment struct {
	Pages  []uint32 // page numbers in the cache
	First  int
	Count  int
	Pos    int
	Causal bool // a query at p sees only keys at positions up to p − Least
	Least  int
	Window int // above 0: a query at p sees only keys at positions above p − Window

	Query    int // the set of queries that the keys are seen with
	Distance int // above 0: ALiBi takes all keys to stand so far behind the query
}

// View is what the queries of a step may see. The queries stand at positions Pos, Pos + 1, … A query that sees no key
// gives zeros.
type View struct {
	Pos      int
	Segments []Segment
	// Table is room on the device for the segments, u32 [1][n] with n at least Words(); the backend fills it when the
	// view is first attended with, so one table serves one view in a step.
	Table Tensor
}

// SegmentWords is the number of words that describe a segment in a view's table, before its pages:
//
//	page-list start, First, Count, Pos, Least (−2²⁹ where not Causal), Window, Query, Distance
//
// All segments' descriptions come first, then all page lists; the page-list start counts words from the table's start.
const SegmentWords = 8

// Words is the size of the table that the view needs.
func (v View) Words() int {
	n := 0
	for _, s := range v.Segments {
		n += SegmentWords + len(s.Pages)
	}
	return n
}

// Encode writes the view's table into dst, which has room for Words() words, and returns it cut to length.
func (v View) Encode(dst []uint32) []uint32 {
	dst = dst[:0]
	start := uint32(len(v.Segments) * SegmentWords)
	for _, s := range v.Segments {
		least := -(1 << 29)
		if s.Causal {
			least = s.Least
		}
		dst = append(dst, start, uint32(s.First), uint32(s.Count), uint32(s.Pos), uint32(least), uint32(s.Window),
			uint32(s.Query), uint32(s.Distance))
		start += uint32(len(s.Pages))
	}
	for _, s := range v.Segments {
		dst = append(dst, s.Pages...)
	}
	return dst
}

// Attend is softmax attention of q [sets·tokens][heads·Pad4(headDim)] over the keys of a view, in tiles with an online
// softmax (arXiv 2205.14135): dst [tokens][heads·headDim] = Σ_j p_j·v_j, p = softmax_j(cap(q·k_j·Scale) + bias_j). Query head h
// reads KV head h / (heads/kvHeads).
type Attend struct {
	Heads   int
	Scale   float32
	SoftCap float32 // above 0: SoftCap·tanh(s/SoftCap) of the scaled score (Gemma 2)
	Slopes  Tensor  // f32 [1][heads]: ALiBi (arXiv 2108.12409), bias = slope·(position of key − position of query); or none
	// SlopesBF16 computes the ALiBi bias as Falcon does: Scale·bf16(slope·bf16(key position)), the slope already bf16.
	SlopesBF16 bool
	// LogSum adds Heads columns to dst: ln Σ_j e^score_j of each head.
	LogSum bool
	// SetRows is how many rows of q there are from a query to the same one of the next set, where other texts' queries lie
	// between: q then ends with the last set's. 0: as many as tokens.
	SetRows int
}

// Mass adds up how much attention cached keys receive: for every key of segment Segment of a view, whose queries are set 0,
// Σ over the queries that see it of e^(score − ln Σ e^score). mass is f32 [heads][ring]; a key at position p has column p
// modulo ring, and what stands there is replaced for keys at positions from the view's Pos on, and added to for older ones.
// attended is what Attend with LogSum wrote for the same queries, keys and constants.
type Mass struct {
	Attend
	Segment int
	Missed  Tensor // u32 [1][1]: where it is not 0, nothing is done; or none
}

// Represent makes the representative keys of blocks (InfLLM, arXiv 2402.04617): a block is a page of kv with raw keys, and for
// each query head its representative is the mean of the TopK keys with the largest mass, ties to the earlier. It goes to
// a slot of reps, a cache of F16 of keys alone with a head for each query head. mass is as Mass leaves it.
type Represent struct {
	TopK   int
	Blocks Tensor // u32 [3][n]: for each block its slot in reps, its page in kv, and the position of its first token
}

// Lookup chooses the blocks that matter most to some queries, q [n][heads·Pad4(headDim)]: the largest Σ over queries and heads
// of q·representative (in F16), ties to the earlier block. The view's first segment are the representatives, in blocks' order; its
// second says where the blocks are: the pages of all of them, or with Cached pairs of block and page for those that have one.
//
// The chosen blocks' pages become those of segment Segment of View, an attention over kv, in rising order of blocks.
type Lookup struct {
	Heads   int
	Picks   Tensor // u32 [1][k]: the chosen blocks, rising
	Cached  bool
	Missed  Tensor // u32 [1][1]: becomes Mark where it is 0 and a chosen block has no page; needed with Cached
	Mark    uint32
	View    View
	Segment int
}

// Route picks the experts of each token: logits = x·Wᵀ over Experts rows, p = softmax(logits) in f32, the TopK largest
// (ties to the lower index). dst is [tokens][2·TopK (+1)]: TopK expert numbers as u32 bits, then TopK weights as f32.
// Where w has one more row than Experts, dst has one more column: σ(x·w_last), the gate of a shared expert (Qwen2-MoE).
type Route struct {
	Experts   int
	TopK      int
	Normalise bool // the chosen weights are divided by their sum
}

// Experts are feed-forward networks of which each token uses TopK, chosen by Route.
//
// ExpertGateUp: dst [tokens·TopK][hidden] = GateUp of the token's row of x with the chosen expert's rows of w
// [Experts·2·hidden][dim], row order as in GateUp.
// ExpertDown: dst [tokens][dim] = Σ_k weight_k · x[token·TopK + k]·W_kᵀ with w [Experts·dim][hidden].
type Experts struct {
	Experts int
	TopK    int
	Act     Activation // ExpertGateUp only
}

// Sample draws the next token from logits [1][vocab] as Hugging Face's processors do, in their order: repetition penalty,
// frequency and presence penalties, temperature, top-k, top-p, min-p; then an exact draw as the arg max of
// z_i + Gumbel noise from a hash of (Seed, Step, i). Ties go to the lower id.
//
// dst is [1][2]: the id as u32 bits, and its log-probability under softmax(logits) before any of these. The id is also
// stored in Next, and Counts[id] grows by one.
type Sample struct {
	Next   Tensor // u32 [1][1]: the ids of the next step; or none
	Counts Tensor // u32 [1][vocab]: bit 31 set for ids of the prompt, the rest how often it was generated; none: no penalties

	Temperature float32 // 0: greedy
	TopK        int     // 0: all
	TopP        float32 // 1 or 0: all
	MinP        float32 // 0: all
	Repetition  float32 // CTRL's penalty (arXiv 1909.05858), 1 or 0: none
	Presence    float32
	Frequency   float32
	Seed        uint32
	Step        uint32
}
