package bench

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// Print writes the result as tables; with kernels, one of those of each row.
func (r *Result) Print(out io.Writer, kernels bool) error {
	fmt.Fprintf(out, "model    %s, %s, %.3g GB\nmemory   %s\nadapter  %s: %s", r.Model, r.DType, float64(r.WeightBytes)/1e9, r.Memory, r.Backend, r.Adapter)
	if r.Speed != nil {
		fmt.Fprintf(out, "; copies %.1f GB/s, multiplies and adds %.1f GFLOP/s", r.Speed.Bytes/1e9, r.Speed.Flops/1e9)
	}
	fmt.Fprintf(out, "\nstart    %s to open, %s more to the first token\n", duration(r.OpenSeconds), duration(r.FirstSeconds))
	fmt.Fprintf(out, "held     %.1f MiB on the device, %.1f MiB of blocks on the host\n\n", float64(r.DeviceBytes)/(1<<20), float64(r.HostBytes)/(1<<20))
	if err := r.printRows(out); err != nil {
		return err
	}
	if !kernels {
		return nil
	}
	for _, row := range r.Rows {
		if err := r.printKernels(out, row); err != nil {
			return err
		}
	}
	return nil
}

func newTable(out io.Writer) *tabwriter.Writer {
	return tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
}

// printRows writes a line for each row. Shares are of what the adapter was measured to do.
func (r *Result) printRows(out io.Writer) error {
	w := newTable(out)
	fmt.Fprintln(w, "test\ttokens/s\tmin\tmax\tratio\tof GB/s\tof GFLOP/s\tkernels\tround trips\tblocks looked up\tfetched\t")
	for _, row := range r.Rows {
		ratio, bytes, flops := "-", "-", "-"
		if row.Ratio > 0 {
			ratio = fmt.Sprintf("%.2f", row.Ratio)
		}
		total := row.Total()
		if r.Speed != nil && len(row.Kernels) > 0 {
			bytes = share(float64(total.Bytes)/row.Step(), r.Speed.Bytes)
			flops = share(float64(total.Flops)/row.Step(), r.Speed.Flops)
		}
		fmt.Fprintf(w, "%s\t%.1f\t%.1f\t%.1f\t%s\t%s\t%s\t", row.Name, row.Rate.Median, row.Rate.Min, row.Rate.Max, ratio, bytes, flops)
		if row.generates() {
			fmt.Fprintf(w, "%.1f\t%.2f\t%.1f\t%.2f\t\n", row.Dispatches, row.RoundTrips, row.LookedUp, row.Fetched)
		} else {
			fmt.Fprint(w, "-\t-\t-\t-\t\n")
		}
	}
	return w.Flush()
}

// printKernels writes what the kernels of a row's step take. The last lines account for the rest of the step as it is without
// timing: what the host does and the device's pauses, or, where kernels take longer one after another, what that adds.
func (r *Result) printKernels(out io.Writer, row Row) error {
	if len(row.Kernels) == 0 {
		_, err := fmt.Fprintf(out, "\n%s: the %s backend does not time its kernels\n", row.Name, r.Backend)
		return err
	}
	what := "the prompt"
	if row.generates() {
		what = "a token"
	}
	fmt.Fprintf(out, "\n%s: %s takes %s\n", row.Name, what, duration(row.Step()))
	w := newTable(out)
	fmt.Fprintln(w, "count\ttime\tshare\tGB/s\tGFLOP/s\t  kernel")
	steps := float64(row.Steps)
	for _, k := range row.Kernels {
		seconds := float64(k.Nanoseconds) / 1e9
		fmt.Fprintf(w, "%.1f\t%s\t%s\t%s\t%s\t  %s %s\n", float64(k.Count)/steps, duration(seconds/steps), share(seconds/steps, row.Step()),
			rate(k.Bytes, seconds), rate(k.Flops, seconds), k.Name, k.Variant)
	}
	total := row.Total()
	sum := float64(total.Nanoseconds) / 1e9
	rest, label := row.Step()-sum, "host and gaps"
	if rest < 0 {
		label = "saved where kernels are not timed one by one"
	}
	fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t  all of these\n", total.Count, duration(sum), share(sum, row.Step()), rate(total.Bytes, sum), rate(total.Flops, sum))
	fmt.Fprintf(w, "\t%s\t%s\t\t\t  %s\n", duration(rest), share(rest, row.Step()), label)
	return w.Flush()
}

// duration is some seconds in four digits at most.
func duration(seconds float64) string {
	d := time.Duration(seconds * 1e9)
	unit := time.Nanosecond
	for limit := 10 * time.Microsecond; limit <= d.Abs(); limit *= 10 {
		unit *= 10
	}
	return d.Round(unit).String()
}

func share(part, whole float64) string { return fmt.Sprintf("%.1f %%", 100*part/whole) }

// rate is in thousands of millions a second, or nothing.
func rate(n int64, seconds float64) string {
	if n == 0 || seconds == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", float64(n)/seconds/1e9)
}
