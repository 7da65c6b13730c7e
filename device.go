package lrun

import (
	"fmt"

	"github.com/lrun/lrun/backend"
	"github.com/lrun/lrun/backend/cpu"
	"github.com/lrun/lrun/backend/webgpu"
)

// Adapter describes a GPU that WebGPU finds on this machine.
type Adapter = webgpu.AdapterInfo

// Adapters lists the GPUs of this machine, best first. An error says why there are none and what to install.
func Adapters() ([]Adapter, error) { return webgpu.Adapters() }

// Automatic is the backend that "auto" takes on this machine, and why. A software adapter is far slower than the CPU
// backend on the same cores, and is taken only when asked for.
func Automatic() (backend, why string) {
	adapters, err := webgpu.Adapters()
	switch {
	case err != nil:
		return "cpu", err.Error()
	case len(adapters) == 0:
		return "cpu", "there is no GPU adapter"
	case adapters[0].Kind == webgpu.Software:
		return "cpu", fmt.Sprintf("the only GPU adapter, %s, is software, which is slower", adapters[0].Name)
	}
	return "webgpu", adapters[0].String()
}

// openBackend opens the backend of a name; see WithBackend.
func openBackend(name, adapter string) (backend.Backend, error) {
	if name == "auto" && adapter == "" {
		name, _ = Automatic()
	}
	if name == "cpu" {
		if adapter != "" {
			return nil, fmt.Errorf("adapter %q: the CPU backend has none", adapter)
		}
		return cpu.Open(), nil
	}
	return webgpu.Open(webgpu.Options{Adapter: adapter})
}
