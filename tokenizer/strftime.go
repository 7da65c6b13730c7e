package tokenizer

import (
	"fmt"
	"strings"
	"time"
)

// strftimeNow is strftime_now(format), the present time for templates that tell the model the date.
func strftimeNow(format string) string { return strftime(format, time.Now()) }

// strftimeLayouts are the directives of strftime in Go's layout language.
var strftimeLayouts = map[byte]string{
	'd': "02", 'm': "01", 'Y': "2006", 'y': "06", 'b': "Jan", 'B': "January", 'a': "Mon", 'A': "Monday", 'H': "15",
	'I': "03", 'M': "04", 'S': "05", 'p': "PM", 'Z': "MST", 'z': "-0700", 'F': "2006-01-02", 'T': "15:04:05", 'D': "01/02/06",
	'e': "_2", 'R': "15:04",
}

// strftime formats t as C's strftime does in the C locale; unknown directives stay as they are.
func strftime(format string, t time.Time) string {
	var out strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			out.WriteByte(format[i])
			continue
		}
		i++
		bare := format[i] == '-' && i+1 < len(format) // %-d: no leading zero
		if bare {
			i++
		}
		text, ok := directive(format[i], t)
		switch {
		case !ok && bare:
			text = "%-" + string(format[i])
		case !ok:
			text = "%" + string(format[i])
		case bare:
			text = strings.TrimLeft(text, "0")
			if text == "" {
				text = "0"
			}
		}
		out.WriteString(text)
	}
	return out.String()
}

func directive(c byte, t time.Time) (string, bool) {
	switch c {
	case '%':
		return "%", true
	case 'j':
		return fmt.Sprintf("%03d", t.YearDay()), true
	}
	layout, ok := strftimeLayouts[c]
	if !ok {
		return "", false
	}
	return t.Format(layout), true
}
