package webgpu

import (
	"errors"

	"github.com/lrun/lrun/backend"
)

var errInterim = errors.New("not there yet")

func (s *step) Conv(dst, x backend.Tensor, a backend.Conv)                   { s.refused(errInterim) }
func (s *step) SelectiveScan(dst, u backend.Tensor, a backend.SelectiveScan) { s.refused(errInterim) }
func (s *step) PartNorm(dst, x backend.Tensor, a backend.PartNorm)           { s.refused(errInterim) }
func (s *step) SSD(dst, x backend.Tensor, a backend.SSD)                     { s.refused(errInterim) }
func (s *step) RGLRU(dst, x backend.Tensor, a backend.RGLRU)                 { s.refused(errInterim) }
