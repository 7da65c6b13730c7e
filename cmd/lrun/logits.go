package main

import (
	"context"
	"encoding/binary"
	"io"
	"math"

	"github.com/spf13/cobra"

	"github.com/lrun/lrun"
	"github.com/lrun/lrun/weights"
)

func newLogits(s *settings) *cobra.Command {
	var p prompt
	var out string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "logits [TEXT...] -o FILE",
		Short: "Write the logits of every token to a safetensors file",
		Long: `Write the logits that follow each token of a text, or of token ids, as the f32 tensor logits [tokens][vocabulary] of a
safetensors file. The rows are written as they come; a file that
is there is replaced once all are.`,
		Example: `  lrun logits -m checkpoints/gpt2 --ids 464,3290,318 -o out.safetensors
  lrun logits -m checkpoints/gpt2 --ids-from golden.safetensors -o out.safetensors`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := p.read(cmd, args); err != nil {
				return err
			}
			return s.withModel(cmd, func(ctx context.Context, m *lrun.Model) error {
				ids, err := p.encode(m)
				if err != nil {
					return err
				}
				bar := s.newProgress(cmd, "tokens", false)
				defer bar.close()
				if err := writeLogits(ctx, m, ids, out, bar); err != nil || !asJSON {
					return err
				}
				return printJSON(cmd.OutOrStdout(), describeLogits(m, out, len(ids)))
			})
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVarP(&out, "output", "o", "", "the safetensors file to write")
	p.register(f)
	f.BoolVar(&asJSON, "json", false, "print one JSON object that says what was written")
	if err := cmd.MarkFlagRequired("output"); err != nil {
		panic(err) // the flag is defined above
	}
	return cmd
}

// writeLogits runs the model over ids and writes each row as it comes.
func writeLogits(ctx context.Context, m *lrun.Model, ids []int32, file string, bar *progress) error {
	vocab := m.Info().Vocab
	t := weights.Tensor{Name: "logits", DType: weights.F32, Shape: []int{len(ids), vocab}}
	row := make([]byte, 0, 4*vocab)
	return weights.WriteFrom(file, []weights.Tensor{t}, nil, func(_ *weights.Tensor, w io.Writer) error {
		return m.Logits(ctx, ids, func(token int, logits []float32) error {
			row = row[:0]
			for _, v := range logits {
				row = binary.LittleEndian.AppendUint32(row, math.Float32bits(v))
			}
			bar.set(int64(token)+1, int64(len(ids)))
			_, err := w.Write(row)
			return err
		})
	})
}

// written says what lrun logits wrote.
type written struct {
	File         string `json:"file"`
	PromptTokens int    `json:"prompt_tokens"`
	Kept         int    `json:"kept_tokens"`
	Dropped      int    `json:"dropped_tokens"`
	Vocab        int    `json:"vocab_size"`
	Backend      string `json:"backend"`
	Adapter      string `json:"adapter"`
}

func describeLogits(m *lrun.Model, file string, tokens int) written {
	info := m.Info()
	return written{
		File: file, PromptTokens: tokens, Kept: tokens, Vocab: info.Vocab,
		Backend: info.Backend, Adapter: info.Adapter,
	}
}
