package tokenizer

import (
	"errors"
	"fmt"
	"strings"

	"github.com/nikolalohinski/gonja/v2/exec"
)

// Gonja repeats strings without a bound: 'a' * 10 ** 11 would take the process down. So A * B is rewritten as a call
// of timesName(A, B), which has one.
const timesName = "_lrun_times"

// rewriteTimes rewrites the products in one expression, which holds no comma outside brackets.
func rewriteTimes(tokens []string) ([]string, error) {
	for i, count := 0, 0; i < len(tokens); i++ {
		if tokens[i] != "*" || i == 0 || i+1 == len(tokens) {
			continue
		}
		start, end := operandStart(tokens, i), operandEnd(tokens, i+1)
		if start == i || end == i+1 {
			continue
		}
		if count++; count > maxNesting {
			return nil, fmt.Errorf("more than %d products in one expression", maxNesting)
		}
		call := append([]string{timesName, "("}, tokens[start:i]...)
		call = append(call, ",")
		call = append(call, tokens[i+1:end]...)
		call = append(call, ")")
		i = start + len(call) - 1
		tokens = append(append(tokens[:start:start], call...), tokens[end:]...)
	}
	return tokens, nil
}

// operandStart is where the operand that ends before end begins: a name, number, string or bracket with its
// attributes, indices, calls and filters.
func operandStart(tokens []string, end int) int {
	at := end
	for at > 0 {
		at--
		if strings.Contains(")]}", tokens[at]) {
			depth := 1
			for at > 0 && depth > 0 {
				at--
				if strings.Contains(")]}", tokens[at]) {
					depth++
				} else if strings.Contains("([{", tokens[at]) {
					depth--
				}
			}
			if at > 0 && isOperand(tokens[at-1]) {
				continue
			}
		} else if !isOperand(tokens[at]) && tokens[at][0] != '"' {
			return at + 1
		}
		if at > 0 && (tokens[at-1] == "." || tokens[at-1] == "|" || tokens[at-1] == "**") {
			at--
			continue
		}
		return at
	}
	return at
}

// operandEnd is where the operand that begins at start ends.
func operandEnd(tokens []string, start int) int {
	at := start
	if at < len(tokens) && tokens[at] == "-" {
		at++
	}
	for at < len(tokens) {
		switch tokens[at] {
		case "(", "[", "{":
			if at = closing(tokens, at); at < 0 {
				return start
			}
		default:
			if !isOperand(tokens[at]) && tokens[at][0] != '"' {
				return start
			}
		}
		at++
		for at < len(tokens) && (tokens[at] == "(" || tokens[at] == "[") {
			if at = closing(tokens, at) + 1; at == 0 {
				return start
			}
		}
		if at == len(tokens) || tokens[at] != "." && tokens[at] != "|" && tokens[at] != "**" {
			return at
		}
		at++
	}
	return at
}

// times is the product of numbers, or a string or list repeated.
func (r *rendering) times(params *exec.VarArgs) (any, error) {
	if len(params.Args) != 2 {
		return nil, errors.New("* takes two operands")
	}
	a, b := params.Args[0], params.Args[1]
	if a.IsInteger() && (b.IsString() || b.IsList()) {
		a, b = b, a
	}
	switch {
	case a.IsInteger() && b.IsInteger():
		return a.Integer() * b.Integer(), nil
	case a.IsNumber() && b.IsNumber():
		return a.Float() * b.Float(), nil
	case (a.IsString() || a.IsList()) && b.IsInteger():
		count := max(b.Integer(), 0)
		if count > 0 && a.Len() > maxRendered/16/count {
			return nil, r.refuse(errTemplateSize)
		}
		if a.IsString() {
			return strings.Repeat(a.String(), count), nil
		}
		list := jinjaList{}
		for range count {
			list = append(list, toList(a).Interface().(jinjaList)...)
		}
		return list, nil
	}
	return nil, fmt.Errorf("* does not go with %.40q and %.40q", a.String(), b.String())
}

// checkSize refuses a variable that has grown beyond all need, such as a string that a loop keeps doubling.
func (r *rendering) checkSize(c *exec.Context, name string) error {
	value, _ := c.Get(name)
	v := exec.ToValue(value)
	if space, ok := v.Interface().(map[string]any); ok {
		for _, attribute := range space {
			if a := exec.ToValue(attribute); a.IsString() && a.Val.Len() > maxRendered {
				return r.refuse(errTemplateSize)
			}
		}
	}
	if v.IsString() && len(v.String()) > maxRendered || v.IsList() && v.Len() > maxRangeItems {
		return r.refuse(errTemplateSize)
	}
	return nil
}
