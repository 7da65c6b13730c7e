package trace

import (
	"bytes"
	"encoding/json"
	"maps"
	"strings"
	"testing"
)

// draw is the page of a trace.
func draw(t *testing.T, trace *Trace) string {
	t.Helper()
	var page bytes.Buffer
	if err := trace.Page(&page); err != nil {
		t.Fatal(err)
	}
	return page.String()
}

// shownBy is the trace that a page hands to its script.
func shownBy(t *testing.T, trace *Trace) *Trace {
	t.Helper()
	_, rest, ok := strings.Cut(draw(t, trace), `<script type="application/json" id="trace">`)
	data, _, closed := strings.Cut(rest, "</script>")
	shown := &Trace{}
	if err := json.Unmarshal([]byte(data), shown); err != nil || !ok || !closed {
		t.Fatalf("%v in %q", err, data)
	}
	return shown
}

// Ensure that a page holds every text.
func TestPageHoldsEveryText(t *testing.T) {
	want := sample()
	if shown := shownBy(t, want); len(want.Texts) < 100 || !maps.Equal(shown.Texts, want.Texts) {
		t.Errorf("%d texts of %d", len(shown.Texts), len(want.Texts))
	}
	page := draw(t, want)
	for _, text := range []string{"<em>tiny</em>", "<b>65,536</b> tokens read", "<b>4,000</b> blocks of 16", "infllm: 16 blocks a layer", "What is the pass key?"} {
		if !strings.Contains(page, text) {
			t.Errorf("no %q", text)
		}
	}
}

// Ensure that no text, prompt, model or memory can leave its place in the page, and that what is not UTF-8 is replaced.
func TestPageEscapes(t *testing.T) {
	nasty := "</script><script>alert(1)</script><!--<script>\u2028]]>&amp;'\"`${x}"
	spoilt := small()
	plain := draw(t, spoilt)
	spoilt.Model, spoilt.Memory, spoilt.Prompt, spoilt.Answer, spoilt.Steps[0].Token = nasty, nasty, nasty, nasty, nasty
	spoilt.Texts[1] = Block{16, 32, nasty}
	spoilt.Texts[3] = Block{48, 64, "half \xe2\x82 a letter"}
	page := draw(t, spoilt)
	for _, mark := range []string{"<script", "</script", "<!--", "alert(1)<"} {
		if got, want := strings.Count(page, mark), strings.Count(plain, mark); got != want {
			t.Errorf("%q is there %d times, want %d", mark, got, want)
		}
	}
	shown := shownBy(t, spoilt)
	if shown.Texts[1].Text != nasty || shown.Steps[0].Token != nasty || shown.Prompt != nasty {
		t.Errorf("%+v", shown)
	}
	if got := shown.Texts[3].Text; strings.ReplaceAll(got, "\ufffd\ufffd", "\ufffd") != "half \ufffd a letter" {
		t.Errorf("%q", got)
	}
}

// Ensure that a page asks nothing of the network.
func TestPageIsAlone(t *testing.T) {
	page := draw(t, small())
	for _, mark := range []string{"http:", "https:", "src=", "url(", "@import", "fetch("} {
		if strings.Contains(page, mark) {
			t.Errorf("the page has %s", mark)
		}
	}
}
