package trace

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// chromium finds the browser. Where there is none the test is skipped, unless LRUN_CHROMIUM=require.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "google-chrome", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("LRUN_CHROMIUM") == "require" {
		t.Fatal("no chromium, google-chrome or chrome on the PATH")
	}
	t.Skip("no chromium, google-chrome or chrome on the PATH")
	return ""
}

// tab is a page in a headless browser.
type tab struct {
	testing.TB
	ctx     context.Context
	address string
}

// open starts a browser with the page of a trace. What the page complains about, or asks of the network, fails the test.
func open(t *testing.T, trace *Trace) *tab {
	t.Helper()
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(chromium(t)), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.UserDataDir(t.TempDir()), chromedp.WSURLReadTimeout(time.Minute),
	}
	for _, flag := range []string{"disable-quic", "disable-background-networking", "disable-component-update", "disable-sync"} {
		options = append(options, chromedp.Flag(flag, true))
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	file := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(file, []byte(draw(t, trace)), 0o600); err != nil {
		t.Fatal(err)
	}
	b := &tab{t, ctx, (&url.URL{Scheme: "file", Path: file}).String()}
	if err := chromedp.Listen(ctx, b.hear); err != nil {
		t.Fatal(err)
	}
	call(b, log.Enable, cdp.Empty{})
	call(b, network.Enable, network.EnableParams{})
	b.do(chromedp.EmulateViewport(1200, 900), chromedp.Navigate(b.address))
	return b
}

// hear fails the test for what the browser says of errors.
func (b *tab) hear(event any) {
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		b.Errorf("console: %s %v", e.Type, e.Args)
	case *runtime.EventExceptionThrown:
		b.Errorf("exception at line %d: %s", e.ExceptionDetails.LineNumber, e.ExceptionDetails.Exception.Description)
	case *log.EventEntryAdded:
		b.Errorf("log: %s", e.Entry.Text)
	case *network.EventRequestWillBeSent:
		if e.Request.URL != b.address && e.Request.URL != "data:," {
			b.Errorf("the page asks for %s", e.Request.URL)
		}
	}
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.Fatal(err)
	}
}

// get runs an action that has a result.
func get[T any](b *tab, action chromedp.Action[T]) T {
	b.Helper()
	v, err := chromedp.Run(b.ctx, action)
	if err != nil {
		b.Fatal(err)
	}
	return v
}

// call sends a command of the browser's protocol.
func call[P, R any](b *tab, command cdp.Command[P, R], params P) {
	b.Helper()
	if _, err := chromedp.Call(b.ctx, command, params); err != nil {
		b.Fatal(err)
	}
}

// text is what an element shows.
func (b *tab) text(selector string) string {
	b.Helper()
	return get(b, chromedp.Text(chromedp.CSS(selector)))
}

// shows fails unless an element shows what is wanted.
func (b *tab) shows(selector, want string) {
	b.Helper()
	if got := b.text(selector); !strings.Contains(got, want) {
		b.Errorf("%s shows %q, want %q", selector, got, want)
	}
}

// value evaluates an expression in the page.
func value[T any](b *tab, expression string) T {
	b.Helper()
	return get(b, chromedp.Evaluate[T](expression))
}

// hover puts the pointer on a part of the text in a layer, from 0 to 1 in both directions.
func (b *tab) hover(x, y float64) {
	b.Helper()
	box := value[[]float64](b, `(({x, y, width, height}) => [x, y, width, height])(document.querySelector("#map").getBoundingClientRect())`)
	b.do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, box[0]+x*box[2], box[1]+y*box[3]))
}

// look changes the size and the colours of the page, and keeps a picture where go test -artifacts says.
func (b *tab) look(width, height int64, scheme string) {
	b.Helper()
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	b.do(chromedp.EmulateViewport(width, height), chromedp.Sleep(100*time.Millisecond)) // for the ResizeObserver
	picture := get(b, chromedp.CaptureScreenshot())
	file := filepath.Join(b.ArtifactDir(), fmt.Sprintf("%dx%d-%s.png", width, height, scheme))
	if err := os.WriteFile(file, picture, 0o600); err != nil {
		b.Fatal(err)
	}
	if wide := value[int64](b, "document.documentElement.scrollWidth"); wide > width {
		b.Errorf("%s: the page is %d pixels wide, the window %d", file, wide, width)
	}
}

// Ensure that a page shows its blocks to the pointer and to the keyboard, token by token, at each size, and without a
// complaint.
func TestPageInBrowser(t *testing.T) {
	trace := sample()
	b := open(t, trace)
	b.shows("h1", "tiny")
	b.shows("#summary", "For all 6 tokens")
	b.shows("#block-title", "Block 2,041") // most looked up
	b.shows("#list li:first-child", "The pass key is 29141.")
	for _, size := range [][2]int64{{400, 800}, {1200, 900}} {
		b.look(size[0], size[1], "dark")
		b.look(size[0], size[1], "light")
	}

	// The pointer: a block of a layer, where it is in the text.
	block := trace.Steps[3].Layers[0].LookedUp[0]
	at := trace.Texts[block]
	b.hover((float64(at.From)+8)/float64(trace.TokensRead), 0.1)
	b.shows("#block-title", "Block ")
	if b.text("#block-title") == "Block 2,041" {
		t.Error("the pointer changes nothing")
	}
	b.hover(float64(trace.Texts[needle].From+8)/float64(trace.TokensRead), 0.9)
	b.shows("#block-text", "The pass key is 29141.")
	b.shows("#block-where", "Tokens 32,672 to 32,687, 49.9 % into the text")
	b.shows("#block-layers", "layer\u00a03\u00a0×\u00a06")

	// The keyboard: tokens wherever the focus is not, then the blocks of one token.
	b.do(chromedp.KeyEvent(kb.ArrowRight), chromedp.KeyEvent(kb.ArrowRight))
	b.shows("#summary", "For token 2, at position 65,537")
	b.do(chromedp.KeyEvent(kb.ArrowLeft))
	b.shows("#summary", "For token 1, at position 65,536")
	b.do(chromedp.Focus(chromedp.CSS("#map")), chromedp.KeyEvent(kb.Home))
	first := slices.MinFunc(named(trace.Steps[:1]), func(a, b int) int { return a - b })
	b.shows("#block-text", strings.TrimSpace(trace.Texts[first].Text))
	if got := value[string](b, `document.querySelector("#map").getAttribute("aria-valuetext")`); !strings.Contains(got, trace.Texts[first].Text) {
		t.Errorf("the map is heard as %q", got)
	}
	b.do(chromedp.KeyEvent(kb.ArrowRight))
	if got := b.text("#block-text"); got == strings.TrimSpace(trace.Texts[first].Text) {
		t.Error("an arrow on the map changes nothing")
	}

	// The radio buttons, the list, and back to all tokens.
	b.do(chromedp.Click(chromedp.CSS("#tokens label:nth-child(6)")))
	b.shows("#summary", "For token 5, at position 65,540")
	b.do(chromedp.Click(chromedp.CSS("#list li:nth-child(2) button")))
	if got := value[int](b, `Number(document.querySelector("#list [aria-pressed=true]").value)`); !slices.Contains(named(trace.Steps[4:5]), got) {
		t.Errorf("block %d is chosen", got)
	}
	b.look(1199, 900, "light")
	b.do(chromedp.KeyEvent(kb.Escape))
	b.shows("#summary", "For all 6 tokens")
}

// named is every block that some steps looked up.
func named(steps []Step) []int {
	var all []int
	for _, step := range steps {
		for _, layer := range step.Layers {
			all = append(all, layer.LookedUp...)
		}
	}
	return all
}

// Ensure that a page opens without complaint where there is nothing to show, or texts that would be markup.
func TestOddPagesInBrowser(t *testing.T) {
	empty := small()
	empty.Steps, empty.Texts = nil, nil
	b := open(t, empty)
	b.shows("#summary", "For all 0 tokens: 0 look-ups of 0 blocks")
	b.do(chromedp.KeyEvent(kb.ArrowRight), chromedp.Focus(chromedp.CSS("#map")), chromedp.KeyEvent(kb.ArrowRight))
	b.hover(0.5, 0.5)

	nasty := small()
	nasty.Answer = "$&"
	nasty.Steps[0].Token = "</script><b>\n"
	nasty.Texts[3] = Block{48, 64, "</script><img src=x onerror=alert(1)>\u2028\xff"}
	b = open(t, nasty)
	b.do(chromedp.Click(chromedp.CSS("#list li:nth-child(2) button")))
	b.shows("#block-text", "</script><img src=x onerror=alert(1)>")
	b.shows("#tokens", "</script><b>↵")
}
