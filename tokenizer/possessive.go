package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// possessive rewrites the possessive quantifiers of Oniguruma (X?+, X*+, X++), which regexp2 does not know, as atomic
// groups (?>X?). Everything else stays.
func possessive(expr string) string {
	if !strings.Contains(expr, "?+") && !strings.Contains(expr, "*+") && !strings.Contains(expr, "++") {
		return expr
	}
	var out []byte
	atom := 0        // where in out the last atom begins
	var opened []int // where in out the open groups begin
	for i := 0; i < len(expr); {
		c := expr[i]
		switch {
		case (c == '?' || c == '*' || c == '+') && i+1 < len(expr) && expr[i+1] == '+' && atom < len(out):
			group := "(?>" + string(out[atom:]) + string(c) + ")"
			out = append(out[:atom], group...)
			i += 2
			continue
		case c == '?' || c == '*' || c == '+' || c == '{':
			end := i + 1
			if c == '{' {
				end = i + max(strings.IndexByte(expr[i:], '}'), 0) + 1
			}
			out = append(out, expr[i:end]...)
			i = end
			continue
		case c == ')':
			if n := len(opened); n > 0 {
				atom, opened = opened[n-1], opened[:n-1]
			}
			out = append(out, c)
			i++
			continue
		}
		atom = len(out)
		end := i + atomLength(expr[i:])
		if c == '(' {
			opened = append(opened, len(out))
		}
		out = append(out, expr[i:end]...)
		i = end
	}
	return string(out)
}

// atomLength is the length of the class, escape, group opening or character that expr begins with.
func atomLength(expr string) int {
	switch expr[0] {
	case '\\':
		return escapeLength(expr)
	case '(':
		// The ? of (?: or (?= is no quantifier.
		if strings.HasPrefix(expr, "(?") {
			return 2
		}
		return 1
	case '[':
		depth := 0
		for i := 0; i < len(expr); i++ {
			switch expr[i] {
			case '\\':
				i++
			case '[':
				depth++
			case ']':
				if depth--; depth == 0 {
					return i + 1
				}
			}
		}
		return len(expr)
	}
	_, size := utf8.DecodeRuneInString(expr)
	return size
}

// escapeLength is the length of an escape, with the braces of \p{L} and \x{3000}.
func escapeLength(expr string) int {
	if len(expr) > 2 && expr[2] == '{' && strings.IndexByte("pPx", expr[1]) >= 0 {
		if end := strings.IndexByte(expr, '}'); end > 0 {
			return end + 1
		}
	}
	if len(expr) < 2 {
		return len(expr)
	}
	_, size := utf8.DecodeRuneInString(expr[1:])
	return 1 + size
}
