package eval

import (
	"slices"
	"strings"
	"unicode"
)

// Case is a question about something that stands in a long text.
type Case struct {
	ID      string   `json:"id"`
	Length  int      `json:"length"`  // in tokens, of prompt and answer
	Depth   float64  `json:"depth"`   // the share of the text before what is asked for
	Prompt  string   `json:"prompt"`  // given as it is, or as a chat's first message where Chat says so
	Answers []string `json:"answers"` // what the model should say
	Chat    bool     `json:"chat,omitempty"`
	Tokens  int      `json:"max_tokens"` // that the answer may take
}

// Judge says how far an output answers a case: 1 means right.
type Judge func(c *Case, output string) (share float64)

// Outcome is a case with what the model made of it.
type Outcome struct {
	ID      string  `json:"id"`
	Length  int     `json:"length"`
	Depth   float64 `json:"depth"`
	Prompt  int     `json:"prompt_tokens"`
	Output  string  `json:"output"`
	Answer  string  `json:"answer"`
	Right   bool    `json:"right"`
	Share   float64 `json:"share"`   // of digits, or of answers
	Seconds float64 `json:"seconds"` // from when it was asked, with others that are asked at the same time
}

// Digits judges a number, which must come first: the share of its characters that are right, each in its place.
func Digits(c *Case, output string) float64 {
	want, got := strings.TrimSpace(c.Answers[0]), strings.TrimSpace(output)
	right := 0
	for i := range want {
		if i < len(got) && got[i] == want[i] {
			right++
		}
	}
	return float64(right) / float64(max(1, len(want)))
}

// FirstNumber judges a number: the first that the output names must be it, whatever words are around (as the reference of
// LongChat-Lines does, arXiv 2308.10882). A wrong one has the share of its digits that are right.
func FirstNumber(c *Case, output string) float64 {
	said := numbersIn(output)
	if len(said) == 0 {
		return 0
	}
	want := len(strings.TrimSpace(c.Answers[0]))
	return Digits(c, said[0]) * float64(want) / float64(max(want, len(said[0])))
}

// numbersIn are the numbers that a text names.
func numbersIn(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsDigit(r) })
}

// Numbers judges several numbers: the share of them that are among those of the output.
func Numbers(c *Case, output string) float64 {
	said := numbersIn(output)
	right := 0
	for _, want := range c.Answers {
		if slices.Contains(said, strings.TrimSpace(want)) {
			right++
		}
	}
	return float64(right) / float64(max(1, len(c.Answers)))
}

// Presence judges an answer in words: it must stand somewhere in the output, in letters of any case (Giraffe's measure,
// arXiv 2308.10882). Any one of several answers will do.
func Presence(c *Case, output string) float64 {
	for _, want := range c.Answers {
		if strings.Contains(strings.ToLower(output), strings.ToLower(strings.TrimSpace(want))) {
			return 1
		}
	}
	return 0
}
