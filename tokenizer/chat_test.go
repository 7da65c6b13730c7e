package tokenizer

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// withTemplate is a tokenizer that knows nothing but a chat template.
func withTemplate(source, bos, eos string) *Tokenizer {
	return &Tokenizer{config: config{
		specials:  map[string]string{"bos_token": bos, "eos_token": eos},
		templates: map[string]string{defaultTemplate: source},
	}}
}

type chatCases struct {
	Templates map[string]struct {
		Source string `json:"chat_template"`
		BOS    string `json:"bos_token"`
		EOS    string `json:"eos_token"`
	}
	Cases []struct {
		Template     string
		Conversation string
		Messages     []Message
		Tools        json.RawMessage
		Add          bool `json:"add_generation_prompt"`
		Rendered     *string
		Error        string
	}
}

// Ensure that every conversation of the reference cases is rendered to the letter, or refused where it must be.
func TestReferenceChats(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(sharedTokenizers, "chat_cases.json"))
	if err != nil {
		t.Skip("no reference chats at " + sharedTokenizers)
	}
	var cases chatCases
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	good := make(map[string]int)
	all := make(map[string]int)
	for _, c := range cases.Cases {
		source := cases.Templates[c.Template]
		options := ChatOptions{AddGenerationPrompt: c.Add}
		if c.Tools != nil {
			options.Tools = c.Tools
		}
		all[c.Template]++
		text, err := withTemplate(source.Source, source.BOS, source.EOS).ApplyChat(c.Messages, options)
		switch {
		case c.Rendered == nil && (err == nil || !strings.Contains(err.Error(), c.Error)):
			t.Errorf("%s, %s: %q, %v; want the error %q", c.Template, c.Conversation, text, err, c.Error)
		case c.Rendered != nil && err != nil:
			t.Errorf("%s, %s: %v", c.Template, c.Conversation, err)
		case c.Rendered != nil && text != *c.Rendered:
			t.Errorf("%s, %s:\n%q; want\n%q", c.Template, c.Conversation, text, *c.Rendered)
		default:
			good[c.Template]++
		}
	}
	for name, n := range all {
		t.Logf("%-14s %d/%d", name, good[name], n)
	}
}
