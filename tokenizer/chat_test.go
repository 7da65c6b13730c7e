package tokenizer

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
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

// Ensure that what templates are made of means what it means in Jinja2. testdata/jinja_cases.json holds pairs of a
// template and what Jinja2 3.1.6 renders (ImmutableSandboxedEnvironment, trim_blocks and lstrip_blocks on, loop
// controls, tojson without ASCII escaping) with the variables below.
func TestTemplatesMeanWhatJinjaMeans(t *testing.T) {
	data, err := os.ReadFile("testdata/jinja_cases.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases [][2]string
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	variables := map[string]any{
		"s":  " pad ",
		"l":  []string{"a", "b", "c"},
		"d":  json.RawMessage(`{"b": 1, "a": "x", "c": [1, 2]}`),
		"m2": json.RawMessage(`[{"role": "user", "content": "u"}, {"role": "assistant", "content": "v"}]`),
	}
	for _, c := range cases {
		text, err := withTemplate(c[0], "", "").ApplyChat(nil, ChatOptions{Extra: variables})
		if err != nil || text != c[1] {
			t.Errorf("%s: %q, %v; want %q", c[0], text, err, c[1])
		}
	}
}

// Ensure that a hostile or wrong template ends in an error, soon and on one line.
func TestTemplatesAreBounded(t *testing.T) {
	for name, source := range map[string]string{
		"huge range":       `{% for i in range(1000000000) %}x{% endfor %}`,
		"nested ranges":    `{% for i in range(1000) %}{% for j in range(1000) %}{% for k in range(1000) %}{% endfor %}{% endfor %}{% endfor %}`,
		"nested lists":     `{% set r = range(60000) %}{% for i in r %}{% for j in r %}{% for k in r %}{% endfor %}{% endfor %}{% endfor %}`,
		"macro recursion":  `{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}`,
		"loop recursion":   `{% for i in [1] recursive %}{{ loop([1]) }}{% endfor %}`,
		"deep brackets":    strings.Repeat("{{ (", 1) + strings.Repeat("(", 100000) + "1" + strings.Repeat(")", 100001) + " }}",
		"repetition":       `{{ 'a' * 100000000000 }}`,
		"open tag":         `{{ 1`,
		"open string":      `{{ 'a }}`,
		"open block":       `{% if true %}`,
		"unknown tag":      `{% nonsense %}`,
		"unknown filter":   `{{ 1 | nonsense }}`,
		"missing variable": `{{ nothing.role }}`,
		"missing function": `{{ nothing() }}`,
		"other file":       `{% include '/etc/passwd' %}`,
		"modulo zero":      `{{ 1 % 0 }}`,
		"bad index":        `{{ messages[[]] }}`,
		"divide by zero":   `{{ 1 / 0 }}`,
		"floor by zero":    `{{ 1.5 // 0 }}`,
		"text and number":  `{{ 'a' + 1 }}`,
		"many operators":   `{{ 1` + strings.Repeat(" + 1", 1000) + ` }}`,
		"held by itself":   `{% set n = namespace() %}{% set n.n = n %}{{ n }}`,
		"in a circle":      `{% set a = namespace() %}{% set b = namespace(a=a) %}{% set a.b = b %}{{ a ~ b }}`,
		"list in itself":   `{% set l = [1] %}{% set l[0] = l %}{{ l }}`,
		"huge join":        `{% set s = 'a' * 1000000 %}{{ range(100000) | join(s) }}`,
		"huge str.join":    `{% set s = 'a' * 1000000 %}{{ s.join(range(100000)) }}`,
		"huge replace":     `{% set s = 'a' * 1000000 %}{{ s | replace('a', s) }}`,
		"huge indent":      `{{ ('\n' * 1000000) | indent(1000) }}`,
		"huge format":      `{{ ('%999999d' * 100000) | format(1) }}`,
		"doubled list":     `{% set n = namespace(l=[1]) %}{% for i in range(60) %}{% set n.l = [n.l, n.l] %}{% endfor %}{{ n.l }}`,
		"added list":       `{% set n = namespace(l=[1]) %}{% for i in range(60) %}{% set n.l = n.l + n.l %}{% endfor %}{{ n.l }}`,
		"doubled text":     `{% set n = namespace(t='a') %}{% for i in range(60) %}{% set n.t = n.t ~ n.t %}{% endfor %}`,
		"doubled in with":  strings.Repeat(`{% with x = [x, x] %}`, 60) + `{{ x }}` + strings.Repeat(`{% endwith %}`, 60),
		"doubled in for":   `{% set x = 'a' %}` + strings.Repeat(`{% for x in [x ~ x] %}`, 60) + `{{ x }}` + strings.Repeat(`{% endfor %}`, 60),
		"doubled by macro": `{% macro m(x) %}{{ x }}{{ x }}{% endmacro %}{{ ` + strings.Repeat("m(", 60) + "'a'" + strings.Repeat(")", 60) + ` }}`,
		"huge block":       `{% set x %}{% for i in range(1000000) %}` + strings.Repeat("x", 100000) + `{% endfor %}{% endset %}`,
		"slow conditions":  `{% set r = range(60000) %}{% for i in r if i in r and false %}{% endfor %}`,
	} {
		text, err := withTemplate(source, "", "").ApplyChat(nil, ChatOptions{})
		if err == nil {
			t.Errorf("%s: no error, rendered %.100q", name, text)
		} else if strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error of several lines: %v", name, err)
		}
	}
}

// Ensure that a checkpoint's several templates are told apart, and that a missing one is named.
func TestTemplateChoice(t *testing.T) {
	tok := withTemplate("plain", "", "")
	tok.config.templates["tool_use"] = "tools: {{ tools | length }}"
	for _, c := range []struct {
		options ChatOptions
		want    string
	}{
		{ChatOptions{}, "plain"},
		{ChatOptions{Tools: []string{"a", "b"}}, "tools: 2"},
		{ChatOptions{Tools: []string{"a"}, Template: "default"}, "plain"},
	} {
		if text, err := tok.ApplyChat(nil, c.options); err != nil || text != c.want {
			t.Errorf("%+v: %q, %v; want %q", c.options, text, err, c.want)
		}
	}
	if _, err := tok.ApplyChat(nil, ChatOptions{Template: "rag"}); err == nil || !strings.Contains(err.Error(), "default, tool_use") {
		t.Errorf("missing template: %v", err)
	}
	if _, err := new(Tokenizer).ApplyChat(nil, ChatOptions{}); err == nil {
		t.Error("no template: no error")
	}
}

// Ensure that messages that were written as JSON are read as they were.
func TestMessagesAsJSON(t *testing.T) {
	want := []Message{
		{Role: "user", Content: "a \"word\"\n"},
		{Role: "assistant", Extra: map[string]any{"tool_calls": json.RawMessage(`[{"b":1,"a":2}]`)}},
		{Role: "user", Extra: map[string]any{"content": json.RawMessage(`[{"type":"text"}]`)}},
	}
	data, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got []Message
	if err := json.Unmarshal(data, &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v (%v), want %+v", got, err, want)
	}
}
