package lrun

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
)

// generationConfig is what lrun reads of a generation_config.json.
type generationConfig struct {
	DoSample          bool     `json:"do_sample"`
	Temperature       *float64 `json:"temperature"`
	TopK              *int     `json:"top_k"`
	TopP              *float64 `json:"top_p"`
	MinP              *float64 `json:"min_p"`
	RepetitionPenalty *float64 `json:"repetition_penalty"`
	MaxNewTokens      *int     `json:"max_new_tokens"`
	EOS               idList   `json:"eos_token_id"`
}

// idList is an id or a list of them.
type idList []int32

func (l *idList) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	var one int32
	if json.Unmarshal(data, &one) == nil {
		*l = idList{one}
		return nil
	}
	return json.Unmarshal(data, (*[]int32)(l))
}

// Hugging Face's values where generation_config.json samples and says nothing.
const (
	defaultTemperature = 1
	defaultTopK        = 50
)

// options are the choices that the file makes; its own max_new_tokens is in c alone, since it must not lead past the
// context.
func (c *generationConfig) options() (generateOptions, error) {
	o := generateOptions{}
	o.sampling.Seed = rand.Uint32()
	var choices []GenerateOption
	if c.RepetitionPenalty != nil {
		choices = append(choices, WithRepetitionPenalty(*c.RepetitionPenalty))
	}
	if c.DoSample {
		choices = append(choices, WithTemperature(or(c.Temperature, defaultTemperature)), WithTopK(or(c.TopK, defaultTopK)),
			WithTopP(or(c.TopP, 1)), WithMinP(or(c.MinP, 0)))
	}
	if c.MaxNewTokens != nil && *c.MaxNewTokens < 1 {
		return o, fmt.Errorf("generation_config.json: max_new_tokens is %d", *c.MaxNewTokens)
	}
	for _, choose := range choices {
		if err := choose(&o); err != nil {
			return o, fmt.Errorf("generation_config.json: %w", err)
		}
	}
	return o, nil
}

// or is what p points to, or def.
func or[T any](p *T, def T) T {
	if p == nil {
		return def
	}
	return *p
}
