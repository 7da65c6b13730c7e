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

// openBackend opens the backend of a name; see WithBackend.
func openBackend(name, adapter string) (backend.Backend, error) {
	if name == "auto" {
		name = automatic(adapter)
	}
	if name == "cpu" {
		return cpu.Open(), nil
	}
	b, err := webgpu.Open(webgpu.Options{Adapter: adapter})
	if err != nil {
		return nil, fmt.Errorf("backend webgpu: %w", err)
	}
	return b, nil
}

// automatic is "webgpu" where an adapter was asked for or a real GPU is there. A software adapter is far slower than the
// CPU backend on the same cores.
func automatic(adapter string) string {
	if adapter != "" {
		return "webgpu"
	}
	adapters, err := webgpu.Adapters()
	if err == nil && len(adapters) > 0 && adapters[0].Kind != webgpu.Software {
		return "webgpu"
	}
	return "cpu"
}
