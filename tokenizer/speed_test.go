package tokenizer

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// Ensure that ten megabytes without a space do not hang any model type, nor do long runs of spaces and of many classes.
// The guard is generous; the times are in the log.
func TestLongTextIsLinear(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	const size, guard = 10 << 20, 2 * time.Minute
	for name, tok := range everyTokenizer(t) {
		for kind, text := range map[string]string{
			"a":      strings.Repeat("a", size),
			"spaces": strings.Repeat(" ", size/10),
			"mixed":  strings.Repeat("ab1é,日", size/100),
		} {
			start := time.Now()
			ids, err := tok.Encode(text, false)
			if err != nil {
				t.Fatalf("%s, %s: %v", name, kind, err)
			}
			took := time.Since(start)
			t.Logf("%-20s %-7s %9d bytes %9d tokens %6.2f s", name, kind, len(text), len(ids), took.Seconds())
			if took > guard {
				t.Errorf("%s, %s: %v", name, kind, took)
			}
		}
	}
}

// Ensure that one tokenizer serves many goroutines, each with its own result.
func TestConcurrentUse(t *testing.T) {
	for name, tok := range everyTokenizer(t) {
		tok.config.templates = map[string]string{defaultTemplate: `{% for m in messages %}{{ m.content }}{% endfor %}`}
		texts := []string{"hello world hello", "ab aé ab", "unaff, a word", strings.Repeat("one two ", 50)}
		want := make([]string, len(texts))
		for i, text := range texts {
			ids, _ := tok.Encode(text, true)
			want[i] = tok.Decode(ids, true)
		}
		var group sync.WaitGroup
		for worker := range 8 {
			group.Go(func() {
				for i := range 50 {
					n := (i + worker) % len(texts)
					ids, _ := tok.Encode(texts[n], true)
					if got := tok.Decode(ids, true); got != want[n] {
						t.Errorf("%s: %q; want %q", name, got, want[n])
					}
					if text, err := tok.ApplyChat([]Message{{Role: "user", Content: texts[n]}}, ChatOptions{}); err != nil || text != texts[n] {
						t.Errorf("%s: chat %q, %v", name, text, err)
					}
				}
			})
		}
		group.Wait()
	}
}

// english is about a megabyte of stories.
func english(b *testing.B) string {
	data, err := os.ReadFile("../../shared/models/tiny-data/heldout.txt")
	if err != nil {
		b.Skip("no text at ../../shared/models/tiny-data")
	}
	return strings.Repeat(string(data), 5)
}

// BenchmarkEncodeEnglish is the speed of each reference tokenizer on English text, on one goroutine.
func BenchmarkEncodeEnglish(b *testing.B) {
	text := english(b)
	for _, name := range sharedNames() {
		b.Run(name, func(b *testing.B) {
			tok := openShared(b, name)
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if _, err := tok.Encode(text, false); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkDecode is the speed of streaming decode in bytes of text.
func BenchmarkDecode(b *testing.B) {
	text := english(b)
	for _, name := range sharedNames() {
		b.Run(name, func(b *testing.B) {
			tok := openShared(b, name)
			ids, err := tok.Encode(text, false)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				stream := tok.NewStream(true)
				for _, id := range ids {
					stream.Next(id)
				}
				stream.Flush()
			}
		})
	}
}

// BenchmarkOpen is how long a tokenizer takes to load.
func BenchmarkOpen(b *testing.B) {
	for _, name := range sharedNames() {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := Open(filepath.Join(sharedTokenizers, name)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
