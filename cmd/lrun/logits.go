package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/spf13/cobra"

	"github.com/lrun/lrun"
	"github.com/lrun/lrun/weights"
)

// maxLogits bounds the bytes of logits that are held in memory until they are written.
const maxLogits = 2 << 30

func newLogits(s *settings) *cobra.Command {
	var p prompt
	var out string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "logits [TEXT...] -o FILE",
		Short: "Write the logits of every token to a safetensors file",
		Long: `Write the logits that follow each token of a text, or of token ids, as the f32 tensor logits [tokens][vocabulary] of a
safetensors file. A file that is there is replaced once all is done.`,
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
				logits, err := collectLogits(ctx, m, ids, bar)
				if err != nil {
					return err
				}
				if err := weights.Write(out, []weights.Tensor{logits}, nil); err != nil || !asJSON {
					return err
				}
				return printJSON(cmd.OutOrStdout(), describeLogits(m, out, logits))
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

// collectLogits runs the model over ids; the tensor is [tokens][vocabulary].
func collectLogits(ctx context.Context, m *lrun.Model, ids []int32, bar *progress) (weights.Tensor, error) {
	vocab := m.Info().Vocab
	t := weights.Tensor{Name: "logits", DType: weights.F32, Shape: []int{len(ids), vocab}}
	if size := 4 * int64(vocab) * int64(len(ids)); size > maxLogits {
		return t, fmt.Errorf("the logits of %d tokens take %s, at most %s are written at once; cut the text",
			len(ids), bytesText(size), bytesText(maxLogits))
	}
	t.Data = make([]byte, 0, 4*vocab*len(ids))
	err := m.Logits(ctx, ids, func(token int, logits []float32) error {
		for _, v := range logits {
			t.Data = binary.LittleEndian.AppendUint32(t.Data, math.Float32bits(v))
		}
		bar.set(int64(token)+1, int64(len(ids)))
		return nil
	})
	return t, err
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

func describeLogits(m *lrun.Model, file string, t weights.Tensor) written {
	info := m.Info()
	return written{
		File: file, PromptTokens: t.Shape[0], Kept: t.Shape[0], Vocab: t.Shape[1],
		Backend: info.Backend, Adapter: info.Adapter,
	}
}
