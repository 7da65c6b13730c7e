package backend

import (
	"context"
	"time"
)

// Tuner is a backend that can choose between its kernels by measuring them.
type Tuner interface {
	// Tune measures what there is to choose, in about the time it is given, and uses what is best from the next step on;
	// progress hears how many of all choices are made. Steps of others wait. An error leaves the choices as they were.
	Tune(ctx context.Context, time time.Duration, progress func(made, all int)) ([]Trial, error)
	// RememberTuning keeps the choices for all who open the same adapter later, and returns the file.
	RememberTuning() (string, error)
}

// Trial is a choice that was measured. The default is the first of its candidates, and is chosen unless another was faster by
// more than chance explains.
type Trial struct {
	Name       string      `json:"name"`
	Candidates []Candidate `json:"candidates"`
	Rounds     int         `json:"rounds"` // in which each candidate was timed; 0: there was no time for it
	Chosen     string      `json:"chosen"` // the value of a candidate
}

// Candidate is one of the values that there are to choose from.
type Candidate struct {
	Value string  `json:"value"`
	Ratio float64 `json:"ratio"` // of its time to the default's, the median of all rounds; 0: not measured
}
