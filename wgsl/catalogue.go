package wgsl

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

//go:embed *.wgsl fragments/*.wgsl
var files embed.FS

// Access is how a kernel uses a storage buffer.
type Access uint8

// A buffer is only read, or written too.
const (
	Read Access = iota
	ReadWrite
)

// Kernel is one shader: <Name>.wgsl with the entry point main.
type Kernel struct {
	Name     string
	Bindings []Access  // of bindings 1, 2, …
	Variants []Variant // those in use, for tests and warming up
}

// Variant chooses fragments and tunables, as "weights=f16 COLS=4": a lower-case name is a section's fragment, any other a
// constant's value, WG the size of a workgroup, and UNROLL that marked loops are written out. The empty variant is the file as it stands, stubs of sections without a choice filled in.
type Variant string

// Sample is the kernel's variants, or some twenty all over them where there are more: for tests that compile.
func (k *Kernel) Sample() []Variant {
	const enough = 20
	stride := max(1, len(k.Variants)/enough) | 1 // odd, so that it meets every choice that comes in twos and fours
	var some []Variant
	for i := 0; i < len(k.Variants); i += stride {
		some = append(some, k.Variants[i])
	}
	return some
}

// Version names the kernels and their variants: other texts, other name.
var Version = sync.OnceValue(func() string {
	h := sha256.New()
	for _, k := range Kernels {
		fmt.Fprintln(h, k.Name, k.Variants)
	}
	err := fs.WalkDir(files, ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := files.ReadFile(path)
		fmt.Fprintln(h, path, len(text))
		h.Write(text)
		return err
	})
	if err != nil {
		panic(err) // the files are part of the program
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
})

// The section markers; a section's default is what stands between them.
var (
	section  = regexp.MustCompile(`(?s)// @section (\w+)\n(.*?)// @end\n`)
	tunables = regexp.MustCompile(`const (\w+): u32 = (\d+)u;`)
	sizes    = regexp.MustCompile(`@workgroup_size\([\d, ]+\)`)
	loops    = regexp.MustCompile(`(?s)for \(var (\w+) = 0u; \w+ < (\w+); \w+\+\+\) \{ // @unroll\n([^@]*?)\} // @end\n`)
)

// Source is the kernel's text with the variant's choices filled in.
func (k *Kernel) Source(v Variant) (string, error) {
	file, err := files.ReadFile(k.Name + ".wgsl")
	if err != nil {
		return "", fmt.Errorf("wgsl: no kernel %q", k.Name)
	}
	choice := map[string]string{}
	for word := range strings.FieldsSeq(string(v)) {
		name, value, ok := strings.Cut(word, "=")
		if !ok {
			return "", fmt.Errorf("wgsl: %s: %q is not a choice", k.Name, word)
		}
		choice[name] = value
	}
	text := fillSections(string(file), choice, &err)
	text = tunables.ReplaceAllStringFunc(text, func(line string) string {
		name := tunables.FindStringSubmatch(line)[1]
		value, ok := choice[name]
		if !ok {
			return line
		}
		delete(choice, name)
		return fmt.Sprintf("const %s: u32 = %su;", name, value)
	})
	if size, ok := choice["WG"]; ok {
		text = sizes.ReplaceAllString(text, "@workgroup_size("+size+")")
		delete(choice, "WG")
	}
	if _, ok := choice["UNROLL"]; ok {
		for loops.MatchString(text) { // the innermost first
			text = loops.ReplaceAllStringFunc(text, func(loop string) string { return writeOut(loop, text) })
		}
		delete(choice, "UNROLL")
	}
	if err == nil && len(choice) > 0 {
		err = fmt.Errorf("nothing to set by %v", choice)
	}
	if err != nil {
		return "", fmt.Errorf("wgsl: %s for %q: %w", k.Name, v, err)
	}
	return text, nil
}

// writeOut is a loop as that many blocks, one after another: a number, or a constant of the text. Few compilers unroll one that
// is long, or has barriers, and without that keep arrays out of registers.
func writeOut(loop, text string) string {
	part := loops.FindStringSubmatch(loop)
	variable, end, body := part[1], part[2], part[3]
	for _, constant := range tunables.FindAllStringSubmatch(text, -1) {
		if constant[1] == end {
			end = constant[2]
		}
	}
	count, err := strconv.Atoi(strings.TrimSuffix(end, "u"))
	if err != nil {
		return body // no compiler takes it: the variable is missing
	}
	var all strings.Builder
	for i := range count {
		fmt.Fprintf(&all, "{\nlet %s = %du;\n%s}\n", variable, i, body)
	}
	return all.String()
}

// fillSections replaces sections by fragments/<name>_<choice>.wgsl, or by fragments/<name>.wgsl where there is such a file
// and so no choice. It takes what it used out of choice.
func fillSections(text string, choice map[string]string, failed *error) string {
	return section.ReplaceAllStringFunc(text, func(old string) string {
		name := section.FindStringSubmatch(old)[1]
		if whole, err := files.ReadFile("fragments/" + name + ".wgsl"); err == nil {
			return string(whole)
		}
		value, ok := choice[name]
		if !ok {
			return old
		}
		delete(choice, name)
		fragment, err := files.ReadFile("fragments/" + name + "_" + value + ".wgsl")
		if err != nil {
			*failed = err
		}
		return string(fragment)
	})
}
