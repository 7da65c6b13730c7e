//go:build cgo && !nogpu && ((linux && amd64) || (darwin && (amd64 || arm64)) || (windows && amd64))

package webgpu

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/rajveermalviya/go-webgpu/wgpu"
)

// listing is the instance that adapters are listed from. It is kept, for drivers dislike being loaded and unloaded; devices have
// instances of their own, since this wgpu frees a device with its instance.
var listing = sync.OnceValue(newInstance)

var quiet = sync.OnceFunc(func() {
	// Mesa's device-select layer asks the desktop which GPU it uses, and complains on stderr where there is no desktop;
	// lrun chooses by itself.
	os.Setenv("NODEVICE_SELECT", "1")
	wgpu.SetLogLevel(wgpu.LogLevel_Off) // what matters comes back as an error
})

func newInstance() *wgpu.Instance {
	quiet()
	return wgpu.CreateInstance(&wgpu.InstanceDescriptor{Backends: wgpu.InstanceBackend_Primary})
}

// adapter is a native adapter and what it says of itself.
type adapter struct {
	native *wgpu.Adapter
	info   AdapterInfo
}

// Adapters lists the GPUs that can be opened, the best first: discrete, integrated, other, software.
func Adapters() ([]AdapterInfo, error) {
	all, err := adapters(listing())
	if err != nil {
		return nil, err
	}
	infos := make([]AdapterInfo, len(all))
	for i, a := range all {
		infos[i] = a.info
		a.native.Release()
	}
	return infos, nil
}

// ForgetTuning drops what is remembered for an adapter, named as in Options, and returns the file.
func ForgetTuning(adapter string) (string, error) {
	infos, err := Adapters()
	if err != nil {
		return "", err
	}
	i, err := choose(infos, adapter)
	if err != nil {
		return "", err
	}
	return forget(infos[i])
}

// adapters lists the adapters of an instance; the caller releases them. An empty list is an error.
func adapters(instance *wgpu.Instance) ([]adapter, error) {
	var all []adapter
	for _, a := range instance.EnumerateAdapters(nil) {
		all = append(all, adapter{a, describe(a)})
	}
	if len(all) == 0 {
		return nil, errors.New("webgpu: no GPU found: " + remedy() + ", or use --backend cpu")
	}
	slices.SortStableFunc(all, func(a, b adapter) int { return cmp.Compare(rank(a.info.Kind), rank(b.info.Kind)) })
	for i := range all {
		all[i].info.Index = i
	}
	return all, nil
}

func remedy() string {
	switch runtime.GOOS {
	case "linux":
		return "install a Vulkan driver (on Debian and Ubuntu mesa-vulkan-drivers, or the vendor's)"
	case "windows":
		return "install the GPU vendor's driver"
	}
	return "lrun needs Metal"
}

func rank(k Kind) int { return slices.Index([]Kind{Discrete, Integrated, Other, Software}, k) }

func describe(a *wgpu.Adapter) AdapterInfo {
	p, l := a.GetProperties(), a.GetLimits().Limits
	info := AdapterInfo{
		Name:            strings.TrimSpace(p.Name),
		Vendor:          vendor(p.VendorId, p.VendorName),
		Driver:          strings.TrimSpace(p.DriverDescription),
		Kind:            kind(p.AdapterType),
		API:             api(p.BackendType),
		MaxBinding:      bytesOf(l.MaxStorageBufferBindingSize),
		MaxBuffer:       bytesOf(l.MaxBufferSize),
		WorkgroupMemory: int(l.MaxComputeWorkgroupStorageSize),
		Invocations:     int(l.MaxComputeInvocationsPerWorkgroup),
	}
	_, info.Tuning = tuningOf(info)
	return info
}

// bytesOf is a limit in bytes; NVIDIA's driver gives the largest uint64 where it has none.
func bytesOf(limit uint64) int64 { return int64(min(limit, math.MaxInt64)) }

func kind(t wgpu.AdapterType) Kind {
	switch t {
	case wgpu.AdapterType_DiscreteGPU:
		return Discrete
	case wgpu.AdapterType_IntegratedGPU:
		return Integrated
	case wgpu.AdapterType_CPU:
		return Software
	}
	return Other
}

func api(t wgpu.BackendType) string {
	switch t {
	case wgpu.BackendType_Vulkan:
		return "Vulkan"
	case wgpu.BackendType_Metal:
		return "Metal"
	case wgpu.BackendType_D3D12:
		return "DX12"
	}
	return t.String()
}

// vendor is the maker's name, by PCI id where the driver gives none.
func vendor(id uint32, name string) string {
	if name != "" {
		return name
	}
	switch id {
	case 0x1002, 0x1022:
		return "AMD"
	case 0x106b:
		return "Apple"
	case 0x10de:
		return "NVIDIA"
	case 0x13b5:
		return "Arm"
	case 0x5143:
		return "Qualcomm"
	case 0x8086:
		return "Intel"
	case 0x10005:
		return "Mesa"
	}
	return fmt.Sprintf("%#04x", id)
}

// choose picks from the list by index or by a part of the name; "" picks the first.
func choose(infos []AdapterInfo, want string) (int, error) {
	if want == "" {
		return 0, nil
	}
	if i, err := strconv.Atoi(want); err == nil && i >= 0 && i < len(infos) {
		return i, nil
	}
	for i, a := range infos {
		if strings.Contains(strings.ToLower(a.Name), strings.ToLower(want)) {
			return i, nil
		}
	}
	names := make([]string, len(infos))
	for i, a := range infos {
		names[i] = fmt.Sprintf("%d: %s", i, a)
	}
	return 0, fmt.Errorf("webgpu: no adapter %q among %s", want, strings.Join(names, "; "))
}
