package trace

import (
	_ "embed" // the parts of the page
	"html/template"
	"io"

	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

//go:embed page.html
var pageHTML string

//go:embed page.css
var pageCSS string

//go:embed page.js
var pageJS string

// html/template escapes the trace for where it stands: in the script element of the data nothing that a text holds can
// end the element, and what is not UTF-8 becomes U+FFFD.
var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"count": message.NewPrinter(language.English).Sprint, // 65,536
}).Parse(pageHTML))

// Page writes the trace as a page of HTML that holds all it needs. A trace that does not hold together is an error, and
// nothing is written.
func (t *Trace) Page(w io.Writer) error {
	if err := t.validate(); err != nil {
		return err
	}
	return page.Execute(w, struct {
		*Trace
		Style  template.CSS
		Script template.JS
	}{t, template.CSS(pageCSS), template.JS(pageJS)})
}
