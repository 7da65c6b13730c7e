package tokenizer

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// alphabet is characters on which split expressions decide: every class, every case, and the odd ones of each.
var alphabet = []rune("aZséßſKÄŉǅʰªßあ中한א'''’ \t\n\r\v\f\u0085\u00a0\u2028\u3000  019٣Ⅷ½²_-.,!/()$€😀\u0301\u0303\u200d\ufe0f\x00\ufffdstmdrevlSTMDREVL")

// randomText is up to n characters of the alphabet, with runs, and now and then any character at all.
func randomText(rng *rand.Rand, n int) string {
	var text strings.Builder
	for range rng.IntN(n) {
		r := alphabet[rng.IntN(len(alphabet))]
		if rng.IntN(20) == 0 {
			if r = rune(rng.IntN(utf8.MaxRune)); !utf8.ValidRune(r) {
				r = 'x'
			}
		}
		for range 1 + rng.IntN(4)*rng.IntN(2) {
			text.WriteRune(r)
		}
	}
	return text.String()
}

// Ensure that each hand-written scanner cuts as the expression it stands for, run by the regexp engine.
func TestScannersMatchTheirExpressions(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for expr, scan := range scanners {
		// Oniguruma folds ſ to s, which the engine here does not: say it in the expression.
		folded := strings.ReplaceAll(expr, "(?i:'s|", "(?i:'s|'ſ|")
		folded = strings.ReplaceAll(folded, "(?i:[sdmt]|", "(?i:[sſdmt]|")
		re, err := compileRegex(folded)
		if err != nil {
			t.Fatal(err)
		}
		for range 20_000 {
			text := randomText(rng, 24)
			var got, want []int
			if err := scan.each(text, func(_, end int) { got = append(got, end) }); err != nil {
				t.Fatal(err)
			}
			if err := findRegex(re, "test", text, func(_, end int) { want = append(want, end) }); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, want) {
				t.Fatalf("%s\non %q: cuts at %v; want %v", expr, text, got, want)
			}
		}
	}
}

// Ensure that possessive quantifiers become atomic groups, and everything else stays.
func TestPossessiveQuantifiers(t *testing.T) {
	for expr, want := range map[string]string{
		`a++b`:              `(?>a+)b`,
		`[^\r\n\p{L}]?+\pL`: `(?>[^\r\n\p{L}]?)\pL`,
		`(?:ab|c)*+`:        `(?>(?:ab|c)*)`,
		`\p{L}++ ?[+?]++`:   `(?>\p{L}+) ?(?>[+?]+)`,
		`a+b*?c{1,3}`:       `a+b*?c{1,3}`,
		`\++`:               `\++`,
		`(a(b)?+)++`:        `(?>(a(?>(b)?))+)`,
	} {
		if got := possessive(expr); got != want {
			t.Errorf("possessive(%q) = %q; want %q", expr, got, want)
		}
	}
}

// Ensure that long runs of combining marks are put in order without the joiners that the norm package inserts.
func TestLongMarksNormalize(t *testing.T) {
	below, above := "\u0323", "\u0301" // classes 220 and 230
	text := "xe" + strings.Repeat(above, 40) + strings.Repeat(below, 3) + "y"
	if got, want := nfd(text), "xe"+strings.Repeat(below, 3)+strings.Repeat(above, 40)+"y"; got != want {
		t.Errorf("nfd = %+q; want %+q", got, want)
	}
	if got, want := nfc(text), "xẹ"+strings.Repeat(below, 2)+strings.Repeat(above, 40)+"y"; got != want {
		t.Errorf("nfc = %+q; want %+q", got, want)
	}
	rng := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		short := randomText(rng, 8)
		if strings.Contains(nfc(short), "\u034f") != strings.Contains(short, "\u034f") {
			t.Fatalf("nfc(%+q) = %+q has a joiner", short, nfc(short))
		}
	}
}
