package cpu_test

import (
	"testing"

	"github.com/lrun/lrun/backend/backendtest"
	"github.com/lrun/lrun/backend/cpu"
)

// Ensure that a scan neither drifts nor overflows over a million tokens.
func TestScansOfManyTokens(t *testing.T) {
	backendtest.LongScans(t, cpu.Open(), backendtest.LongTokens())
}
