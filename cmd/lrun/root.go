package main

import (
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"
)

func newRoot() *cobra.Command {
	s := &settings{started: time.Now()}
	root := &cobra.Command{
		Use:   "lrun",
		Short: "Run Hugging Face transformer checkpoints on the GPU or the CPU",
		Long: `lrun runs Hugging Face transformer checkpoints on any GPU that WebGPU reaches (Vulkan, Metal, DX12), or on the CPU.
Without --model it runs a very small model that is part of the program.`,
		Example: `  lrun generate "Once upon a time"
  lrun chat -m checkpoints/Qwen3-0.6B
  lrun info -m checkpoints/Qwen3-0.6B
  lrun eval passkey -m checkpoints/Qwen3-0.6B --rope yarn:4`,
		Version:       version(),
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	s.register(root.PersistentFlags())
	root.AddCommand(newGenerate(s), newChat(s), newStream(s), newInfo(s), newTokenize(s), newScore(s), newLogits(s), newQuantize(s), newEval(s), newBench(s), newTune(s), newTrace())
	return root
}

// version is the module's, as go install stamps it.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
