package lrun

import (
	"context"
	"errors"

	"github.com/lrun/lrun/backend"
)

// KernelTime is what all launches of a kernel took together.
type KernelTime = backend.KernelTime

// Speed is what a device can do at best.
type Speed = backend.Speed

// ErrNoProfile is the error of a backend that does not time its kernels: the CPU's.
var ErrNoProfile = errors.New("this backend does not time its kernels; use --backend webgpu")

// Speed measures the device that the model runs on, for up to some seconds. Its error is ErrNoProfile on the CPU.
func (m *Model) Speed(ctx context.Context) (Speed, error) {
	p, ok := m.backend.(backend.Profiler)
	if !ok {
		return Speed{}, ErrNoProfile
	}
	return p.Speed(ctx)
}

// StartProfile has the kernels of all sessions timed by themselves until StopProfile; steps take longer for it. Its error is
// ErrNoProfile on the CPU.
func (m *Model) StartProfile() error {
	p, ok := m.backend.(backend.Profiler)
	if !ok {
		return ErrNoProfile
	}
	return p.StartProfile()
}

// StopProfile is what the kernels took since StartProfile, those that took longest first; none where there was no profile.
func (m *Model) StopProfile() []KernelTime {
	if p, ok := m.backend.(backend.Profiler); ok {
		return p.StopProfile()
	}
	return nil
}
