// Package lrun runs Hugging Face transformer checkpoints on any GPU that WebGPU reaches, or on the CPU.
//
// Open loads a checkpoint folder. Model.Generate continues a text, as an iterator of tokens; a Session keeps its cache
// from one turn to the next; a Batch continues many sessions at once; Score gives the log-probability of each token of a
// text; Close releases everything. A Model may be used from many goroutines, each with sessions of its own.
//
//	m, err := lrun.Open("checkpoints/Qwen3-0.6B")
//	if err != nil {
//		return err
//	}
//	defer m.Close()
//	for token, err := range m.Generate(ctx, "Once upon a time", lrun.WithMaxTokens(50)) {
//		if err != nil {
//			return err
//		}
//		fmt.Print(token.Text)
//	}
//
// What is not said in options comes from the checkpoint's generation_config.json. A prompt longer than the context is an
// error, never a shorter prompt.
package lrun
