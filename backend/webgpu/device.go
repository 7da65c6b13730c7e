//go:build cgo && !nogpu && ((linux && amd64) || (darwin && (amd64 || arm64)) || (windows && amd64))

package webgpu

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/rajveermalviya/go-webgpu/wgpu"

	"github.com/lrun/lrun/backend"
)

var errClosed = errors.New("webgpu: the device is closed")

// device is the backend: one WebGPU device and its queue.
type device struct {
	info         AdapterInfo
	bindingLimit int // bytes that one binding may have
	memoryLimit  int64
	debug        bool

	memory     atomic.Int64 // bytes of live buffers that callers made
	overhead   atomic.Int64 // bytes of scratch
	dispatches atomic.Int64

	graveyard graveyard
	compiling sync.WaitGroup // what is compiled ahead
	compilers chan struct{}  // filled by those at work

	// mu is held by whoever talks to the device; everything below is its. Do holds it while a step is recorded.
	mu        sync.Mutex
	instance  *wgpu.Instance
	gpu       gpu
	tuning    Tuning
	closed    bool
	lost      bool
	submitted uint64 // submissions so far
	unsent    int    // bytes written since the last submission
	sent      uint64 // the submission that held the write batch before this one
	nextID    uint32
	live      map[*buffer]struct{}
	readbacks map[*readback]struct{}
	orphans   []staging // given up while they were being mapped
	uniforms  handle
	absent    [2]*buffer // zeros, bound where an operand is absent: read, and written
	scratch   map[string]*buffer
	layouts   map[layoutKey]*layout
	pipelines map[pipelineKey]*pipeline
	groups    map[groupKey]*group
	step      step
	profile   *profile // nil: kernels are not timed
}

// Open makes a backend on an adapter. The error says what there is to choose from, or what to install.
func Open(o Options) (backend.Backend, error) {
	listing() // so that this instance is not the only one, whose end would unload the drivers
	instance := newInstance()
	d, err := open(instance, o)
	if err != nil {
		instance.Release()
		return nil, err
	}
	d.instance = instance
	if err := d.makeFixed(); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// open makes a device on an adapter of an instance.
func open(instance *wgpu.Instance, o Options) (*device, error) {
	all, err := adapters(instance)
	if err != nil {
		return nil, err
	}
	defer func() {
		for _, a := range all {
			a.native.Release()
		}
	}()
	infos := make([]AdapterInfo, len(all))
	for i := range all {
		infos[i] = all[i].info
	}
	i, err := choose(infos, o.Adapter)
	if err != nil {
		return nil, err
	}
	if o.Tuning != nil {
		if err := o.Tuning.check(); err != nil {
			return nil, fmt.Errorf("webgpu: the tuning: %w", err)
		}
	}
	g, err := openGPU(all[i].native, infos[i])
	if err != nil {
		return nil, err
	}
	return newDevice(g, infos[i], o), nil
}

func newDevice(g gpu, info AdapterInfo, o Options) *device {
	d := &device{
		info:         info,
		gpu:          g,
		bindingLimit: int(min(info.MaxBinding, info.MaxBuffer)),
		memoryLimit:  o.MemoryLimit,
		debug:        o.Debug,
		tuning:       o.tune(info),
		compilers:    make(chan struct{}, compileAtOnce),
		live:         map[*buffer]struct{}{},
		readbacks:    map[*readback]struct{}{},
		scratch:      map[string]*buffer{},
		layouts:      map[layoutKey]*layout{},
		pipelines:    map[pipelineKey]*pipeline{},
		groups:       map[groupKey]*group{},
	}
	if o.BindingLimit > 0 {
		d.bindingLimit = min(d.bindingLimit, o.BindingLimit)
	}
	d.step = step{dev: d, uniforms: make([]uint32, slots*slotWords)}
	return d
}

// makeFixed makes what every device has: the uniform buffer and the buffers bound for absent operands.
func (d *device) makeFixed() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var err error
	if d.uniforms, err = d.gpu.newBuffer(slots*slotBytes, useUniform); err != nil {
		d.lost = errors.Is(err, errLost)
		return err
	}
	for i := range d.absent {
		if d.absent[i], err = d.newBuffer(1, &d.overhead); err != nil {
			return err
		}
	}
	return nil
}

// Name implements backend.Backend.
func (d *device) Name() string { return "webgpu" }

// Adapter implements backend.Backend.
func (d *device) Adapter() string { return d.info.String() }

// Info describes the adapter in full.
func (d *device) Info() AdapterInfo { return d.info }

// IsSoftware reports whether the adapter is a CPU, which lrun's own CPU backend uses better.
func (d *device) IsSoftware() bool { return d.info.Kind == Software }

// Ahead is one step: the device works on it while the host reads the one before.
func (d *device) Ahead() int { return 1 }

// MaxHeadDim implements backend.Backend.
func (d *device) MaxHeadDim() int { return maxHeadDim }

// Chunk implements backend.Backend.
func (d *device) Chunk() int { return d.tuning.Chunk }

// Dispatches implements backend.Backend.
func (d *device) Dispatches() int64 { return d.dispatches.Load() }

// Memory implements backend.Backend. Scratch memory of the backend's own is left out.
func (d *device) Memory() int64 { return d.memory.Load() }

// Do implements backend.Backend.
func (d *device) Do(record func(backend.Ops)) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.enter(); err != nil {
		return err
	}
	s := &d.step
	s.begin()
	record(s)
	s.flush()
	if s.err != nil {
		s.abandon()
		return s.err
	}
	d.gpu.poll()
	return d.check()
}

// enter readies the device for a call under the lock: it refuses when closed or lost, and frees what was released.
func (d *device) enter() error {
	if d.closed {
		return errClosed
	}
	if d.lost {
		return errLost
	}
	d.bury()
	d.freeOrphans()
	return nil
}

// check takes the device's error, and remembers a loss.
func (d *device) check() error {
	err := d.gpu.err()
	d.lost = d.lost || errors.Is(err, errLost)
	return err
}

// Close implements backend.Backend. Buffers that are still alive are released; a second call does nothing.
func (d *device) Close() error {
	d.mu.Lock()
	closed := d.closed
	d.closed = true
	d.mu.Unlock()
	if closed {
		return nil
	}
	d.compiling.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.lost {
		return nil // wgpu aborts the process when told to free a lost device
	}
	err := d.awaitLocked(d.submitted)
	if d.lost {
		return err
	}
	if d.profile != nil {
		d.profile.free()
		d.profile = nil
	}
	for r := range d.readbacks {
		r.free()
	}
	d.gpu.poll() // mappings asked for after the last submission had finished come true now
	d.freeOrphans()
	for b := range d.live {
		b.Release()
	}
	d.bury()
	for _, g := range d.groups {
		freeGroup(g.handle)
	}
	for _, p := range d.pipelines {
		if p.handle != 0 {
			freePipeline(p.handle)
		}
	}
	for _, l := range d.layouts {
		freeLayout(l.group, l.pipeline)
	}
	if d.uniforms != 0 {
		freeBuffer(d.uniforms)
	}
	d.gpu.close()
	d.instance.Release()
	return err
}
