//go:build cgo && !nogpu && ((linux && amd64) || (darwin && (amd64 || arm64)) || (windows && amd64))

package webgpu

import "github.com/lrun/lrun/backend"

func (s *step) Conv(dst, x backend.Tensor, a backend.Conv) { s.fail("conv", "not there yet") }
func (s *step) SelectiveScan(dst, x backend.Tensor, a backend.SelectiveScan) {
	s.fail("selective_scan", "not there yet")
}
func (s *step) SSD(dst, x backend.Tensor, a backend.SSD) { s.fail("ssd", "not there yet") }
func (s *step) PartNorm(dst, x backend.Tensor, a backend.PartNorm) {
	s.fail("part_norm", "not there yet")
}
func (s *step) RGLRU(dst, x backend.Tensor, a backend.RGLRU) { s.fail("rglru", "not there yet") }
