package eval

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/lrun/lrun"
)

// Header identifies a file of results: those of another run cannot be gone on with.
type Header struct {
	Task   string `json:"task"`
	Model  string `json:"model"`
	Rope   string `json:"rope"`   // the method of lrun.WithRope, "own" for the checkpoint's own
	Memory string `json:"memory"` // which tokens were seen, as lrun.Info says it
	Cases  string `json:"cases"`  // a digest of all that is asked, which Run fills in
}

// Run puts cases to a model. Outcomes are appended to the file out, unless that is "", as they come, one JSON object a
// line after the header; with resume those that it holds already are not asked for again. done, unless nil, hears of every
// case. On an error, that of a cancelled context too, it returns the outcomes so far, in the cases' order.
func Run(ctx context.Context, m *lrun.Model, cases []Case, judge Judge, h Header, out string, resume bool, done func(n int)) ([]Outcome, error) {
	var err error
	if h.Cases, err = digest(cases); err != nil {
		return nil, err
	}
	file, had, err := openResults(out, h, resume)
	if err != nil {
		return nil, err
	}
	if file != nil {
		defer file.Close()
	}
	a := &asking{m: m, judge: judge}
	for i := range cases {
		if _, ok := had[cases[i].ID]; !ok {
			a.cases = append(a.cases, &cases[i])
		}
	}
	n, came := len(cases)-len(a.cases), map[*Case]Outcome{}
	err = a.run(ctx, func(c *Case, o Outcome) error {
		came[c] = o
		n++
		if done != nil {
			done(n)
		}
		return appendLine(file, o)
	})
	var all []Outcome
	for i := range cases {
		o, ok := came[&cases[i]]
		if !ok {
			o, ok = had[cases[i].ID]
		}
		if ok {
			all = append(all, o)
		}
	}
	return all, err
}

// digest tells cases from others.
func digest(cases []Case) (string, error) {
	data, err := json.Marshal(cases)
	return fmt.Sprintf("%x", sha256.Sum256(data))[:16], err
}

// openResults opens a file of results for more, and returns those it holds. A last line that was torn is cut off.
func openResults(path string, h Header, resume bool) (*os.File, map[string]Outcome, error) {
	if path == "" {
		if resume {
			return nil, nil, errors.New("there is nothing to resume from: name the file of results")
		}
		return nil, nil, nil
	}
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		data = nil
	case err != nil:
		return nil, nil, err
	case len(data) > 0 && !resume:
		return nil, nil, fmt.Errorf("%s holds results already: resume them, or name another file", path)
	}
	whole := data[:bytes.LastIndexByte(data, '\n')+1]
	if first, _ := json.Marshal(h); len(whole) == 0 && !bytes.HasPrefix(first, data) {
		return nil, nil, fmt.Errorf("%s is no file of results; name another", path)
	}
	had, err := readResults(path, whole, h)
	if err != nil {
		return nil, nil, err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o666)
	if err != nil {
		return nil, nil, err
	}
	err = file.Truncate(int64(len(whole)))
	if err == nil {
		_, err = file.Seek(0, 2)
	}
	if err == nil && len(whole) == 0 {
		err = appendLine(file, h)
	}
	if err != nil {
		file.Close()
		return nil, nil, err
	}
	return file, had, nil
}

// readResults reads the whole lines of a file of results.
func readResults(path string, data []byte, h Header) (map[string]Outcome, error) {
	had := map[string]Outcome{}
	for i, line := range bytes.Split(bytes.TrimSuffix(data, []byte("\n")), []byte("\n")) {
		if len(data) == 0 {
			break
		}
		if i == 0 {
			var of Header
			if err := json.Unmarshal(line, &of); err != nil || of != h {
				return nil, fmt.Errorf("%s holds the results of another run (%.120s); name another file", path, line)
			}
			continue
		}
		var o Outcome
		if err := json.Unmarshal(line, &o); err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", path, i+1, err)
		}
		had[o.ID] = o
	}
	return had, nil
}

// appendLine writes a JSON object as a line, in one write.
func appendLine(file *os.File, v any) error {
	if file == nil {
		return nil
	}
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = file.Write(append(line, '\n'))
	return err
}
