package trace

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Version is the version of the format that this package reads and writes.
const Version = 1

// Trace is the work of a memory for one answer.
type Trace struct {
	Version    int           `json:"version"`
	Model      string        `json:"model"`
	Memory     string        `json:"memory"`      // the memory and its settings, for people
	Layers     int           `json:"layers"`      // of the model
	BlockSize  int           `json:"block_size"`  // tokens
	TokensRead int           `json:"tokens_read"` // the length of the text
	Blocks     int           `json:"blocks"`      // into which the text was cut
	Prompt     string        `json:"prompt"`      // the question, not the text
	Answer     string        `json:"answer"`
	Steps      []Step        `json:"steps"` // one for each token of the answer
	Texts      map[int]Block `json:"texts"` // every block that a step names, by number
}

// Step is the work for one token of the answer.
type Step struct {
	Position int         `json:"position"` // of the token, after all that was read
	Token    string      `json:"token"`    // what it adds to the answer
	ID       int32       `json:"id"`
	Layers   []LayerStep `json:"layers"` // [layers]
}

// LayerStep is the work of one layer for one token.
type LayerStep struct {
	LookedUp []int `json:"looked_up"` // numbers of blocks
	Fetched  []int `json:"fetched"`   // those of LookedUp that came from host memory
}

// Block is a piece of the text: the tokens at From to To, without To.
type Block struct {
	From int    `json:"from"`
	To   int    `json:"to"`
	Text string `json:"text"`
}

// Read reads a trace and checks that it holds together. An error names what does not.
func Read(r io.Reader) (*Trace, error) {
	var t Trace
	decoder := json.NewDecoder(r)
	if err := decoder.Decode(&t); err != nil {
		return nil, fmt.Errorf("not a trace: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("not a trace: something follows the JSON object")
	}
	if err := t.validate(); err != nil {
		return nil, err
	}
	return &t, nil
}

// Write writes the trace as one line of JSON, unless it does not hold together.
func (t *Trace) Write(w io.Writer) error {
	if err := t.validate(); err != nil {
		return err
	}
	return json.NewEncoder(w).Encode(t)
}

func (t *Trace) validate() error {
	switch {
	case t.Version != Version:
		return fmt.Errorf("version %d of the trace format is not supported, only %d is", t.Version, Version)
	case t.Layers < 1:
		return fmt.Errorf("layers is %d, want at least 1", t.Layers)
	case t.BlockSize < 1:
		return fmt.Errorf("block_size is %d, want at least 1", t.BlockSize)
	case t.TokensRead < 0:
		return fmt.Errorf("tokens_read is %d, want at least 0", t.TokensRead)
	case t.Blocks < 0:
		return fmt.Errorf("blocks is %d, want at least 0", t.Blocks)
	}
	for number, block := range t.Texts {
		if err := t.checkText(number, block); err != nil {
			return err
		}
	}
	for i, step := range t.Steps {
		if err := t.checkStep(step); err != nil {
			return fmt.Errorf("step %d: %w", i, err)
		}
	}
	return nil
}

func (t *Trace) checkText(number int, b Block) error {
	if number < 0 || number >= t.Blocks {
		return fmt.Errorf("texts: block %d is not one of the %d blocks", number, t.Blocks)
	}
	if b.From < 0 || b.To <= b.From {
		return fmt.Errorf("texts: block %d holds tokens %d to %d, which is no range", number, b.From, b.To)
	}
	return nil
}

func (t *Trace) checkStep(s Step) error {
	if s.Position < 0 {
		return fmt.Errorf("position is %d, want at least 0", s.Position)
	}
	if len(s.Layers) != t.Layers {
		return fmt.Errorf("%d layers, but the model has %d", len(s.Layers), t.Layers)
	}
	for i, layer := range s.Layers {
		if err := t.checkLayer(layer); err != nil {
			return fmt.Errorf("layer %d: %w", i, err)
		}
	}
	return nil
}

func (t *Trace) checkLayer(l LayerStep) error {
	lookedUp := make(map[int]bool, len(l.LookedUp))
	for _, block := range l.LookedUp {
		if block < 0 || block >= t.Blocks {
			return fmt.Errorf("looked_up: block %d is not one of the %d blocks", block, t.Blocks)
		}
		if _, ok := t.Texts[block]; !ok {
			return fmt.Errorf("looked_up: block %d has no text", block)
		}
		if lookedUp[block] {
			return fmt.Errorf("looked_up: block %d is there twice", block)
		}
		lookedUp[block] = true
	}
	for _, block := range l.Fetched {
		if !lookedUp[block] {
			return fmt.Errorf("fetched: block %d is there twice, or was not looked up", block)
		}
		lookedUp[block] = false
	}
	return nil
}
