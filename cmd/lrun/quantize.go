package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/lrun/lrun"
)

func newQuantize(s *settings) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "quantize IN OUT",
		Short: "Write a checkpoint with its matrices quantised, to load without work",
		Long: `Read the checkpoint in the folder IN and write it into a new folder OUT with its matrices in q4, or in q8 with --quant q8. It
gives what IN gives with the same --quant, bit for bit, is smaller, and loads faster: its rows go to the device as they are.
Other runtimes do not read it. OUT appears once it is whole.`,
		Example: `  lrun quantize checkpoints/Qwen3-0.6B checkpoints/Qwen3-0.6B-q4
  lrun quantize checkpoints/Qwen3-0.6B checkpoints/Qwen3-0.6B-q8 --quant q8`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			format := "q4"
			if cmd.Flags().Changed("quant") {
				format = s.quant
			}
			bar := s.newProgress(cmd, "writing", true)
			defer bar.close()
			ctx, stop := interruptible(cmd.Context())
			defer stop()
			q, err := lrun.Quantise(ctx, args[0], args[1], format, bar.set)
			if err != nil {
				return err
			}
			bar.close()
			if asJSON {
				return printJSON(cmd.OutOrStdout(), q)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: %d matrices in %s, %d tensors as they were; %s in place of %s\n",
				q.Folder, q.Matrices, q.Format, q.Others, bytesText(q.Bytes), bytesText(q.Before))
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object that says what was written")
	return cmd
}
