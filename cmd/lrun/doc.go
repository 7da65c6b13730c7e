// Command lrun runs Hugging Face transformer checkpoints on the GPU through WebGPU, or on the CPU.
//
//	lrun generate -m checkpoints/Qwen3-0.6B "Once upon a time"
//
// Every subcommand is a file; what they share is settings.go (the model and where it runs), prompt.go (what goes in),
// sampling.go and answer.go (what comes out). Results go to stdout and everything else to stderr: progress bars and
// summaries only where that is a terminal.
//
// The exit status is 0, 1 after an error, which is one line on stderr, or 130 after Ctrl-C; with --json an interrupted
// generation is a result like others, of finish_reason "cancelled" and status 0.
package main
