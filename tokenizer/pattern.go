package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dlclark/regexp2"
)

// pattern is what a Split or Replace looks for: {"String": s}, {"Regex": r} or a plain string.
type pattern struct {
	literal string
	regex   string
}

func (p *pattern) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '"' {
		return json.Unmarshal(data, &p.literal)
	}
	var s struct{ String, Regex *string }
	if err := json.Unmarshal(data, &s); err != nil {
		return err
	}
	switch {
	case s.String != nil:
		p.literal = *s.String
	case s.Regex != nil && *s.Regex != "":
		p.regex = *s.Regex
	case s.Regex == nil:
		return errors.New(`a pattern needs a "String" or a "Regex"`)
	}
	return nil
}

// eachMatch calls found with every match in text, from left to right, non-overlapping and not empty.
type eachMatch func(text string, found func(start, end int)) error

// finder compiles the pattern; path names it in errors.
func (p *pattern) finder(path string) (eachMatch, error) {
	if p.regex == "" {
		return p.findLiteral, nil
	}
	if scan := knownScanner(p.regex); scan != nil {
		return scan.each, nil
	}
	re, err := compileRegex(p.regex)
	if err != nil {
		return nil, fmt.Errorf("%s.pattern: %w", path, err)
	}
	return func(text string, found func(start, end int)) error { return findRegex(re, path, text, found) }, nil
}

// replacer makes a normalizer that puts content in the place of each match.
func (p *pattern) replacer(path, content string) (normalizer, error) {
	if p.regex == "" {
		if p.literal == "" {
			return nil, nil
		}
		return infallible(func(text string) string { return strings.ReplaceAll(text, p.literal, content) }), nil
	}
	if re := linearRegex(p.regex); re != nil {
		return infallible(func(text string) string { return re.ReplaceAllLiteralString(text, content) }), nil
	}
	find, err := p.finder(path)
	if err != nil {
		return nil, err
	}
	return func(text string) (string, error) {
		var out strings.Builder
		done := 0
		err := find(text, func(start, end int) {
			out.WriteString(text[done:start])
			out.WriteString(content)
			done = end
		})
		out.WriteString(text[done:])
		return out.String(), err
	}, nil
}

func (p *pattern) findLiteral(text string, found func(start, end int)) error {
	if p.literal == "" {
		return nil
	}
	for from := 0; ; {
		at := strings.Index(text[from:], p.literal)
		if at < 0 {
			return nil
		}
		from += at
		found(from, from+len(p.literal))
		from += len(p.literal)
	}
}

// linearRegex compiles the few expressions that mean the same in Go's own linear engine: no class or anchor whose
// meaning differs from Oniguruma's. It returns nil for all others.
func linearRegex(expr string) *regexp.Regexp {
	switch expr {
	case `\s+`:
		return regexp.MustCompile(`[\s\x0B\x{85}\p{Z}]+`)
	case ` {2,}`:
		return regexp.MustCompile(` {2,}`)
	}
	return nil
}

// compileRegex compiles an Oniguruma expression with regexp2.
func compileRegex(expr string) (*regexp2.Regexp, error) {
	re, err := regexp2.Compile(possessive(expr), regexp2.None)
	if err != nil {
		return nil, fmt.Errorf("regular expression %q does not compile: %s", expr, firstLine(err))
	}
	re.MatchTimeout = regexTimeout
	return re, nil
}

// regexTimeout bounds one match and regexRate the whole search, so that an expression that backtracks badly ends in an
// error and not in a hang. A well-behaved expression runs at several megabytes a second.
const (
	regexTimeout = 20 * time.Second
	regexRate    = 100 << 10 // bytes a second
)

func findRegex(re *regexp2.Regexp, path, text string, found func(start, end int)) error {
	slow := func() error {
		return fmt.Errorf("%s: regular expression %q takes too long on a text of %d bytes; split the text", path,
			re.String(), len(text))
	}
	deadline := time.Now().Add(regexTimeout + time.Duration(len(text)/regexRate)*time.Second)
	// regexp2 counts in runes: convert once and walk the byte offset along.
	runes := []rune(text)
	at, offset := 0, 0
	advance := func(to int) int {
		for ; at < to; at++ {
			offset += utf8.RuneLen(runes[at]) // text is valid UTF-8
		}
		return offset
	}
	m, err := re.FindRunesMatch(runes)
	for n := 0; m != nil && err == nil; n++ {
		start := advance(m.Index)
		end := advance(m.Index + m.Length)
		if end > start {
			found(start, end)
		}
		if n%1024 == 1023 && time.Now().After(deadline) {
			return slow()
		}
		m, err = re.FindNextMatch(m)
	}
	if err != nil {
		return slow()
	}
	return nil
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
