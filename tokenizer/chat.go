package tokenizer

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
)

// Message is one turn of a conversation.
type Message struct {
	Role    string // "system", "user", "assistant" or "tool", for most templates
	Content string
	// Extra holds further fields that a template may read, such as tool_calls, name or reasoning_content. A value can
	// be anything that encoding/json can marshal; a json.RawMessage keeps the order of its keys. A "content" in it
	// replaces Content, for templates that take a list of parts.
	Extra map[string]any
}

// UnmarshalJSON reads a message as chat APIs write it: role, content, and everything else into Extra.
func (m *Message) UnmarshalJSON(data []byte) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		return err
	}
	*m = Message{}
	for name, value := range fields {
		switch {
		case name == "role" && json.Unmarshal(value, &m.Role) == nil:
		case name == "content" && len(value) > 0 && value[0] == '"' && json.Unmarshal(value, &m.Content) == nil:
		default:
			if m.Extra == nil {
				m.Extra = make(map[string]any)
			}
			m.Extra[name] = value
		}
	}
	return nil
}

// MarshalJSON writes a message as UnmarshalJSON reads it.
func (m Message) MarshalJSON() ([]byte, error) {
	fields := map[string]any{"role": m.Role, "content": m.Content}
	maps.Copy(fields, m.Extra)
	return json.Marshal(fields)
}

// ChatOptions says how to render a conversation.
type ChatOptions struct {
	AddGenerationPrompt bool           // end with the beginning of the assistant's turn
	Tools               any            // the tools on offer, nil for none: anything that encoding/json can marshal
	Template            string         // which of several templates; "" takes the default, or tool_use with Tools
	Extra               map[string]any // further variables of the template, such as enable_thinking
}

// HasChatTemplate says whether the checkpoint has a chat template.
func (t *Tokenizer) HasChatTemplate() bool { return len(t.config.templates) > 0 }

// ApplyChat renders a conversation with the checkpoint's chat template. The result holds the special tokens already:
// encode it with addSpecial false. A template that refuses the conversation gives an error with its reason.
func (t *Tokenizer) ApplyChat(messages []Message, options ChatOptions) (string, error) {
	template, err := t.chatTemplate(options)
	if err != nil {
		return "", err
	}
	variables := map[string]any{"add_generation_prompt": options.AddGenerationPrompt}
	for role, token := range t.config.specials {
		variables[role] = token
	}
	for name, value := range options.Extra {
		if variables[name], err = jinjaValue(value); err != nil {
			return "", fmt.Errorf("tokenizer: chat option %q: %w", name, err)
		}
	}
	if options.Tools != nil {
		if variables["tools"], err = jinjaValue(options.Tools); err != nil {
			return "", fmt.Errorf("tokenizer: chat tools: %w", err)
		}
	}
	turns := make(jinjaList, 0, len(messages))
	for i, message := range messages {
		turn, err := message.jinja()
		if err != nil {
			return "", fmt.Errorf("tokenizer: chat message %d: %w", i, err)
		}
		turns = append(turns, turn)
	}
	variables["messages"] = turns
	text, err := template.render(variables)
	if err != nil {
		return "", fmt.Errorf("tokenizer: chat template: %w", err)
	}
	return text, nil
}

// chatTemplate picks a template and compiles it on first use.
func (t *Tokenizer) chatTemplate(options ChatOptions) (*chatTemplate, error) {
	name := options.Template
	if name == "" {
		name = defaultTemplate
		if _, ok := t.config.templates["tool_use"]; ok && options.Tools != nil {
			name = "tool_use"
		}
	}
	source, ok := t.config.templates[name]
	if !ok {
		if !t.HasChatTemplate() {
			return nil, fmt.Errorf("tokenizer: the checkpoint has no chat template; write the prompt out instead")
		}
		var names []string
		for name := range t.config.templates {
			names = append(names, name)
		}
		sort.Strings(names)
		return nil, fmt.Errorf("tokenizer: no chat template %q; there is %s", name, strings.Join(names, ", "))
	}
	if known, ok := t.compiled.Load(source); ok {
		return known.(*chatTemplate), nil
	}
	template, err := compileTemplate(source)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: chat template: %w", err)
	}
	t.compiled.Store(source, template)
	return template, nil
}

// jinja is the message as templates see it.
func (m Message) jinja() (any, error) {
	names := make([]string, 0, len(m.Extra))
	for name := range m.Extra {
		names = append(names, name)
	}
	slices.Sort(names)
	turn := newJinjaDict()
	turn.set("role", m.Role)
	turn.set("content", m.Content)
	for _, name := range names {
		value, err := jinjaValue(m.Extra[name])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		turn.set(name, value)
	}
	return turn.Dict, nil
}
