package lrun

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/backend/webgpu"
)

// Trial is a choice between kernels that was measured.
type Trial = backend.Trial

// Tuning says what Tune is to do.
type Tuning struct {
	Adapter  string              // as for WithAdapter
	Time     time.Duration       // what measuring may take, about; what there is no time for stays as it is by default
	DryRun   bool                // nothing is remembered
	Progress func(made, all int) // hears how many of all choices are made; nil: none
}

// Tuned is what Tune measured.
type Tuned struct {
	Adapter string  `json:"adapter"`
	Trials  []Trial `json:"trials"`
	File    string  `json:"file,omitempty"` // where the choices are remembered
}

// Tune measures which kernels, and which sizes of their parts, are fastest on an adapter, and remembers them in the user's
// cache directory for every model that is opened on it later, by the same lrun and driver. Adapters tells what is remembered.
func Tune(ctx context.Context, t Tuning) (_ *Tuned, err error) {
	b, err := openBackend("webgpu", t.Adapter)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	tuner, ok := b.(backend.Tuner)
	if !ok {
		return nil, errors.New("this backend has nothing to tune")
	}
	progress := t.Progress
	if progress == nil {
		progress = func(made, all int) {}
	}
	r := &Tuned{Adapter: b.Adapter()}
	r.Trials, err = tuner.Tune(ctx, t.Time, progress)
	measured := slices.ContainsFunc(r.Trials, func(t Trial) bool { return t.Rounds > 0 })
	if err != nil || t.DryRun || !measured {
		return r, err
	}
	r.File, err = tuner.RememberTuning()
	return r, err
}

// ForgetTuning drops what Tune remembered for an adapter, named as for WithAdapter, and returns the file.
func ForgetTuning(adapter string) (string, error) { return webgpu.ForgetTuning(adapter) }
