package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lrun/lrun"
)

func newEval(s *settings) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "eval",
		Short: "Measure what a model makes of long texts",
		Long: `Measure what a model makes of texts, also of texts longer than it was trained for: perplexity by position, and tasks that
ask for something said far back. With --rope another way of telling positions apart is measured.`,
		Example: `  lrun eval perplexity book.txt --compare ntk:4 --compare lambda:10,200
  lrun eval passkey --rope ntk:4`,
	}
	cmd.AddCommand(newPerplexity(s), newPasskey(s), newNeedle(s), newLines(s), newAltQA(s), newFreeQA(s))
	return cmd
}

// measured is what every result of eval says of the run.
type measured struct {
	Task    string `json:"task"`
	Model   string `json:"model"`
	Rope    string `json:"rope"` // the method that was asked for
	Memory  string `json:"memory"`
	Backend string `json:"backend"`
	Adapter string `json:"adapter"`
}

func newMeasured(task, method string, m *lrun.Model) measured {
	info := m.Info()
	return measured{task, info.Name, method, info.Memory, info.Backend, info.Adapter}
}

// numbers reads a list of rising numbers from 1 on: 256,512,1k,4k.
func numbers(flag, list string) ([]int, error) {
	var all []int
	for _, word := range strings.Split(list, ",") {
		text, scale := strings.ToLower(strings.TrimSpace(word)), 1
		switch {
		case strings.HasSuffix(text, "k"):
			text, scale = text[:len(text)-1], 1<<10
		case strings.HasSuffix(text, "m"):
			text, scale = text[:len(text)-1], 1<<20
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 1<<30/scale {
			return nil, fmt.Errorf("--%s: %q is not a number of tokens; the form is 256,512,1k,4k", flag, word)
		}
		if n *= scale; len(all) > 0 && n <= all[len(all)-1] {
			return nil, fmt.Errorf("--%s: %d comes after %d; give them in rising order", flag, n, all[len(all)-1])
		}
		all = append(all, n)
	}
	return all, nil
}
