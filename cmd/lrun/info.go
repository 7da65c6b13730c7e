package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/lrun/lrun"
	"github.com/lrun/lrun/eval"
)

// report is what lrun info prints.
type report struct {
	Adapters     []lrun.Adapter `json:"adapters"`
	AdapterError string         `json:"adapters_error,omitempty"` // why there are none
	Auto         choice         `json:"auto"`
	Model        lrun.Info      `json:"model"`
	Dispatches   *dispatches    `json:"dispatches,omitempty"`
}

// choice is the backend that auto takes.
type choice struct {
	Backend string `json:"backend"`
	Why     string `json:"why"`
}

// dispatches are the kernels that one decoded token takes.
type dispatches struct {
	Backend  string  `json:"backend"`
	Adapter  string  `json:"adapter"`
	PerToken float64 `json:"per_token"`
	PerLayer float64 `json:"per_layer"` // embedding, head and sampling shared out
}

func newInfo(s *settings) *cobra.Command {
	var asJSON, count bool
	var plot string
	cmd := &cobra.Command{
		Use:   "info",
		Short: "Show the GPUs, the model and the memory that it needs",
		Long: `Show the GPU adapters with their limits, the backend that auto takes, what the model is, and the memory that its weights
and a full context of keys and values need. Nothing is loaded, except with --dispatches.`,
		Example: `  lrun info
  lrun info -m checkpoints/Qwen3-0.6B --context 32768 --kv f16
  lrun info -m checkpoints/Qwen3-0.6B --rope yarn:4 --plot rope.png
  lrun info -m checkpoints/Qwen3-0.6B --backend webgpu --dispatches --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			r := &report{Adapters: []lrun.Adapter{}}
			r.findAdapters()
			var err error
			if r.Model, err = s.describe(cmd.Flags()); err != nil {
				return err
			}
			if count {
				err = s.withModel(cmd, func(ctx context.Context, m *lrun.Model) (err error) {
					r.Dispatches, err = countDispatches(ctx, m)
					return err
				})
				if err != nil {
					return err
				}
			}
			if plot != "" {
				if err := r.plot(plot); err != nil {
					return err
				}
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), r)
			}
			return r.print(cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.BoolVar(&count, "dispatches", false, "load the model and count the kernels that one decoded token takes")
	f.StringVar(&plot, "plot", "", "draw the wavelengths of the rope, with and without its scaling, into a PNG")
	f.BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

func (r *report) findAdapters() {
	all, err := lrun.Adapters()
	if err != nil {
		r.AdapterError = err.Error()
	}
	r.Adapters = append(r.Adapters, all...)
	r.Auto.Backend, r.Auto.Why = lrun.Automatic()
}

// countDispatches decodes a few tokens and then more: the difference is free of prefill.
func countDispatches(ctx context.Context, m *lrun.Model) (*dispatches, error) {
	run := func(tokens int) (made int, launched int64, err error) {
		var r lrun.Result
		before := m.Dispatches()
		options := []lrun.GenerateOption{
			lrun.WithTemperature(0), lrun.WithIgnoreEOS(), lrun.WithMaxTokens(tokens), lrun.WithResult(&r),
		}
		for _, err := range m.GenerateIDs(ctx, []int32{0}, options...) {
			if err != nil {
				return 0, 0, err
			}
		}
		return r.Generated, m.Dispatches() - before, nil
	}
	few, a, err := run(4)
	if err != nil {
		return nil, err
	}
	more, b, err := run(12)
	if err != nil {
		return nil, err
	}
	if more == few {
		return nil, fmt.Errorf("a context of %d tokens is too short to count dispatches", m.Info().Context)
	}
	info := m.Info()
	perToken := float64(b-a) / float64(more-few)
	return &dispatches{info.Backend, info.Adapter, perToken, perToken / float64(info.Layers)}, nil
}

// plot draws how fast the pairs of channels turn, before and after the scaling.
func (r *report) plot(path string) error {
	if len(r.Model.Ropes) == 0 {
		return fmt.Errorf("%s has no rotary positions to draw", r.Model.Name)
	}
	var curves []eval.Curve
	for _, rope := range r.Model.Ropes {
		name, _, _ := strings.Cut(rope.Summary, ", theta")
		curves = append(curves, eval.Curve{Name: "plain", Y: wavelengths(rope.Plain)}, eval.Curve{Name: name, Y: wavelengths(rope.InvFreq)})
	}
	return eval.PlotWavelengths(path, curves)
}

func wavelengths(freq []float64) []float64 {
	all := make([]float64, len(freq))
	for i, w := range freq {
		all[i] = lrun.Wavelength(w)
	}
	return all
}

// print writes the report for people.
func (r *report) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	if r.AdapterError != "" {
		fmt.Fprintf(w, "adapters\tnone: %s\n", r.AdapterError)
	}
	for _, a := range r.Adapters {
		fmt.Fprintf(w, "adapter %d\t%s (%s, %s), driver %s\n", a.Index, a.Name, a.Kind, a.API, a.Driver)
		fmt.Fprintf(w, "\tbindings to %s, buffers to %s, workgroups of %d threads with %s\n",
			bytesText(a.MaxBinding), bytesText(a.MaxBuffer), a.Invocations, bytesText(int64(a.WorkgroupMemory)))
		fmt.Fprintf(w, "\ttuning: %s\n", a.Tuning)
	}
	fmt.Fprintf(w, "auto\t%s: %s\n", r.Auto.Backend, r.Auto.Why)
	m := r.Model
	fmt.Fprintf(w, "model\t%s: %s, %s parameters in %s\n", m.Name, m.Type, countText(m.Parameters), m.DType)
	asStored := strings.EqualFold(m.Quant, m.DType)
	switch {
	case asStored:
		fmt.Fprintf(w, "quantised\t%s; loaded as they are\n", m.Quantised)
	case m.Quantised != "":
		fmt.Fprintf(w, "quantised\t%s; decoded to %s as the model is loaded\n", m.Quantised, m.DType)
	}
	if m.Quant != "" && !asStored {
		fmt.Fprintf(w, "\tmatrices in %s\n", m.Quant)
	}
	heads := ""
	if m.Heads > 0 {
		heads = fmt.Sprintf(", %d heads, %d of keys and values", m.Heads, m.KVHeads)
	}
	fmt.Fprintf(w, "\t%d layers of width %d%s; vocabulary %d\n", m.Layers, m.Dim, heads, m.Vocab)
	context := "no end"
	if m.Context > 0 {
		context = fmt.Sprintf("%d tokens", m.Context)
	}
	fmt.Fprintf(w, "context\t%s, trained for %d\n", context, m.Trained)
	fmt.Fprintf(w, "attention\t%s\n", m.Memory)
	if m.Mitigation != "" {
		fmt.Fprintf(w, "mitigation\t%s\n", m.Mitigation)
	}
	for _, rope := range m.Ropes {
		fmt.Fprintf(w, "rope\t%s (%d layers)\n", rope.Summary, rope.Layers)
	}
	states := ""
	if m.StateBytes > 0 {
		states = fmt.Sprintf(" + states %s", bytesText(m.StateBytes))
	}
	fmt.Fprintf(w, "memory\tweights %s + cache %s (%s a token)%s = %s, and working memory\n",
		bytesText(m.TotalBytes-m.KVBytes-m.StateBytes), bytesText(m.KVBytes), bytesText(m.KVTokenBytes), states, bytesText(m.TotalBytes))
	for _, c := range m.Costs {
		fmt.Fprintf(w, "\ta text of %s tokens: %s on the device, %s on the host, %s in a file\n", humanize.Comma(int64(c.Tokens)),
			bytesText(c.DeviceBytes), bytesText(c.HostBytes), bytesText(c.FileBytes))
	}
	if d := r.Dispatches; d != nil {
		fmt.Fprintf(w, "dispatches\t%.4g a token, %.4g a layer, on %s (%s)\n", d.PerToken, d.PerLayer, d.Backend, d.Adapter)
	}
	return w.Flush()
}

// bytesText is a size in binary units.
func bytesText(n int64) string { return scaled(float64(n), 1024, "B", "KiB", "MiB", "GiB", "TiB") }

// countText is a number in thousands.
func countText(n int64) string { return scaled(float64(n), 1000, "", "K", "M", "G", "T") }

func scaled(v, step float64, units ...string) string {
	i := 0
	for ; v >= step && i < len(units)-1; i++ {
		v /= step
	}
	if units[i] == "" {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.4g %s", v, units[i])
}
