// Package tokenizer turns text into token ids and back exactly as the tokenizer files of a Hugging Face checkpoint
// ask for, and renders the checkpoint's chat template.
//
// [Open] reads a model folder: tokenizer.json, or else tokenizer.model (SentencePiece), or else vocab.json with
// merges.txt; beside it tokenizer_config.json, special_tokens_map.json and chat_template.jinja. [Parse] reads one
// tokenizer.json. Encoding runs four stages in order: added tokens are cut out of the text and the rest is normalized
// (normalizer), split into words (preTokenizer), looked up by the model (BPE, Unigram, WordPiece or WordLevel), and
// framed with special tokens (the post-processor). Decoding runs a chain of small transducers, one per decoder of
// the file; a [Stream] is that chain fed one token at a time, and Decode is a Stream fed all of them, so that the two
// can never disagree.
//
// A Tokenizer is immutable after Open and safe for concurrent use; a Stream is not. Time is linear in the text
// (n log n for one unbroken BPE word) for every model type. Truncation and padding sections are ignored: the caller
// knows the window. BPE dropout, a training device, is ignored. Where the reference decoder turns a whole run of byte
// tokens into replacement characters because one byte of it is invalid, this package keeps the valid characters: a
// stream must not wait for the end of the run.
//
// Chat templates run on gonja, told and rewritten where it differs from Jinja2. What differs still: none and undefined
// are one and print as nothing, a string can be joined to anything, // and % of negative numbers round towards zero,
// and a string is indexed and looped over by bytes (slices are by character). Loops, ranges, macros, products,
// variables and output are bounded; memory within one long expression is not, so a template deserves the trust that
// is given to the checkpoint it came with.
package tokenizer
