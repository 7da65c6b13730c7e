//go:build cgo && !nogpu && ((linux && amd64) || (darwin && (amd64 || arm64)) || (windows && amd64))

#include "native.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#ifdef _WIN32
#include <windows.h>
#else
#include <time.h>
#endif

// What follows declares the functions and structures of wgpu-native 0.17.0.2 that are used here, since the binding's
// headers lie in another module.

typedef void (*error_callback)(uint32_t type, const char *message, void *userdata);
typedef void (*status_callback)(uint32_t status, void *userdata);
typedef void (*device_callback)(uint32_t status, void *device, const char *message, void *userdata);

typedef struct {
	uint32_t texture1D, texture2D, texture3D, textureLayers, bindGroups, bindings, dynamicUniforms, dynamicStorage,
	    sampledTextures, samplers, storageBuffers, storageTextures, uniformBuffers;
	uint64_t uniformBinding, storageBinding;
	uint32_t uniformAlignment, storageAlignment, vertexBuffers;
	uint64_t bufferSize;
	uint32_t vertexAttributes, vertexStride, interStageComponents, interStageVariables, colorAttachments,
	    colorAttachmentBytes, workgroupMemory, invocations, sizeX, sizeY, sizeZ, workgroups;
} wgpu_limits;

typedef struct { const void *next; wgpu_limits limits; } required_limits;
typedef struct { const void *next; const char *label; } labelled;
typedef struct {
	const void *next;
	const char *label;
	size_t featureCount;
	const uint32_t *features;
	const required_limits *limits;
	labelled queue;
	error_callback lost;
	void *lostData;
} device_descriptor;
typedef struct { const void *next; const char *label; uint32_t usage; uint64_t size; bool mapped; } buffer_descriptor;
typedef struct { const void *next; uint32_t type; bool dynamic; uint64_t minSize; } buffer_layout;
typedef struct { const void *next; uint32_t type; } sampler_layout;
typedef struct { const void *next; uint32_t sampleType, dimension; bool multisampled; } texture_layout;
typedef struct { const void *next; uint32_t access, format, dimension; } storage_texture_layout;
typedef struct {
	const void *next;
	uint32_t binding, visibility;
	buffer_layout buffer;
	sampler_layout sampler;
	texture_layout texture;
	storage_texture_layout storageTexture;
} layout_entry;
typedef struct { const void *next; const char *label; size_t count; const layout_entry *entries; } layout_descriptor;
typedef struct { const void *next; const char *label; size_t count; void *const *groups; } pipeline_layout_descriptor;
typedef struct {
	const void *next;
	uint32_t binding;
	void *buffer;
	uint64_t offset, size;
	void *sampler, *view;
} group_entry;
typedef struct { const void *next; const char *label; void *layout; size_t count; const group_entry *entries; } group_descriptor;
typedef struct { const void *next; uint32_t type; const char *code; } wgsl_source;
typedef struct { const void *next; const char *label; size_t hintCount; const void *hints; } module_descriptor;
typedef struct {
	const void *next;
	const char *label;
	uint32_t type, count;
	const void *statistics;
	size_t statisticCount;
} query_descriptor;
typedef struct {
	const void *next;
	const char *label;
	void *layout;
	struct { const void *next; void *module; const char *entry; size_t constantCount; const void *constants; } stage;
} pipeline_descriptor;

extern bool wgpuAdapterHasFeature(void *adapter, uint32_t feature);
extern void wgpuAdapterRequestDevice(void *adapter, const device_descriptor *, device_callback, void *userdata);
extern void wgpuDeviceSetUncapturedErrorCallback(void *device, error_callback, void *userdata);
extern void *wgpuDeviceGetQueue(void *device);
extern bool wgpuDevicePoll(void *device, bool wait, const void *index);
extern void wgpuDeviceRelease(void *device);
extern void wgpuQueueRelease(void *queue);
extern void *wgpuDeviceCreateBuffer(void *device, const buffer_descriptor *);
extern void *wgpuDeviceCreateBindGroupLayout(void *device, const layout_descriptor *);
extern void *wgpuDeviceCreatePipelineLayout(void *device, const pipeline_layout_descriptor *);
extern void *wgpuDeviceCreateShaderModule(void *device, const module_descriptor *);
extern void *wgpuDeviceCreateComputePipeline(void *device, const pipeline_descriptor *);
extern void *wgpuDeviceCreateBindGroup(void *device, const group_descriptor *);
extern void *wgpuDeviceCreateQuerySet(void *device, const query_descriptor *);
extern void *wgpuDeviceCreateCommandEncoder(void *device, const void *descriptor);
extern void wgpuBufferRelease(void *);
extern void wgpuBindGroupLayoutRelease(void *);
extern void wgpuPipelineLayoutRelease(void *);
extern void wgpuShaderModuleRelease(void *);
extern void wgpuComputePipelineRelease(void *);
extern void wgpuBindGroupRelease(void *);
extern void wgpuQuerySetRelease(void *);
extern void wgpuCommandEncoderRelease(void *);
extern void wgpuComputePassEncoderRelease(void *);
extern void wgpuCommandBufferRelease(void *);
extern void *wgpuCommandEncoderBeginComputePass(void *encoder, const void *descriptor);
extern void wgpuCommandEncoderCopyBufferToBuffer(void *encoder, void *from, uint64_t p, void *to, uint64_t q, uint64_t size);
extern void wgpuCommandEncoderWriteTimestamp(void *encoder, void *queries, uint32_t index);
extern void wgpuCommandEncoderResolveQuerySet(void *encoder, void *queries, uint32_t first, uint32_t count, void *to, uint64_t offset);
extern void *wgpuCommandEncoderFinish(void *encoder, const void *descriptor);
extern void wgpuComputePassEncoderSetPipeline(void *pass, void *pipeline);
extern void wgpuComputePassEncoderSetBindGroup(void *pass, uint32_t index, void *group, size_t count, const uint32_t *offsets);
extern void wgpuComputePassEncoderDispatchWorkgroups(void *pass, uint32_t x, uint32_t y, uint32_t z);
extern void wgpuComputePassEncoderEnd(void *pass);
extern void wgpuQueueWriteBuffer(void *queue, void *buffer, uint64_t offset, const void *data, size_t size);
extern void wgpuQueueSubmit(void *queue, size_t count, void *const *commands);
extern void wgpuQueueOnSubmittedWorkDone(void *queue, status_callback, void *userdata);
extern void wgpuBufferMapAsync(void *buffer, uint32_t mode, size_t offset, size_t size, status_callback, void *userdata);
extern const void *wgpuBufferGetConstMappedRange(void *buffer, size_t offset, size_t size);
extern void wgpuBufferUnmap(void *buffer);

enum { VALIDATION = 1, OUT_OF_MEMORY = 2, DEVICE_LOST = 5 };

static void keep(char *to, size_t size, const char *message) {
	strncpy(to, message ? message : "", size - 1);
	to[size - 1] = 0;
}

// compiling is where the errors of a thread that makes a pipeline go, since wgpu reports them within the call that causes them;
// NULL in the thread that has the device.
static _Thread_local gpu_failure *compiling;

static void fail(gpu_device *d, int32_t error, const char *message) {
	gpu_failure *f = compiling != NULL ? compiling : &d->failure;
	if (f->error != GPU_OK) return;
	f->error = error;
	keep(f->message, sizeof f->message, message);
}

static void on_error(uint32_t type, const char *message, void *userdata) {
	gpu_device *d = userdata;
	if (type == DEVICE_LOST) __atomic_store_n(&d->lost, 1, __ATOMIC_RELEASE);
	fail(d, type == VALIDATION ? GPU_INVALID : type == OUT_OF_MEMORY ? GPU_OUT_OF_MEMORY : GPU_FAILED, message);
}

static void on_lost(uint32_t reason, const char *message, void *userdata) {
	gpu_device *d = userdata;
	(void)reason;
	__atomic_store_n(&d->lost, 1, __ATOMIC_RELEASE);
	fail(d, GPU_FAILED, message);
}

typedef struct { void *device; char *message; size_t size; } request;

static void on_device(uint32_t status, void *device, const char *message, void *userdata) {
	request *r = userdata;
	r->device = status == 0 ? device : NULL;
	if (status != 0) keep(r->message, r->size, message);
}

gpu_device *gpu_open(uintptr_t adapter, const gpu_limits *limits, char *message, size_t size) {
	gpu_device *d = calloc(1, sizeof *d);
	required_limits need;
	memset(&need, 0xff, sizeof need);  // all ones: the default
	need.next = NULL;
	need.limits.storageBinding = limits->binding;
	need.limits.bufferSize = limits->buffer;
	need.limits.storageBuffers = limits->storageBuffers;
	need.limits.workgroupMemory = limits->workgroupMemory;
	need.limits.invocations = limits->invocations;
	need.limits.sizeX = limits->sizeX;
	need.limits.sizeY = limits->sizeY;
	need.limits.sizeZ = limits->sizeZ;
	static const uint32_t timestamps = 3;
	d->timestamps = wgpuAdapterHasFeature((void *)adapter, timestamps);
	device_descriptor desc = {.label = "lrun", .limits = &need, .lost = on_lost, .lostData = d};
	desc.featureCount = d->timestamps;
	desc.features = &timestamps;
	request r = {NULL, message, size};
	wgpuAdapterRequestDevice((void *)adapter, &desc, on_device, &r);
	if (r.device == NULL) {
		free(d);
		return NULL;
	}
	d->device = r.device;
	wgpuDeviceSetUncapturedErrorCallback(d->device, on_error, d);
	d->queue = wgpuDeviceGetQueue(d->device);
	return d;
}

void gpu_close(gpu_device *d) {
	wgpuQueueRelease(d->queue);
	wgpuDeviceRelease(d->device);
	free(d);
}

// made gives back an object that was made with an error, and returns 0 for it: wgpu returns a handle in any case.
static uintptr_t made(const gpu_failure *f, void *object, void (*release)(void *)) {
	if (f->error == GPU_OK) return (uintptr_t)object;
	if (object != NULL) release(object);
	return 0;
}

uintptr_t gpu_buffer_new(gpu_device *d, uint64_t size, int use) {
	enum { MAP_READ = 1, COPY_SRC = 4, COPY_DST = 8, UNIFORM = 64, STORAGE = 128, RESOLVE = 512 };
	static const uint32_t usage[] = {STORAGE | COPY_SRC | COPY_DST, UNIFORM | COPY_DST, MAP_READ | COPY_DST, RESOLVE | COPY_SRC};
	buffer_descriptor desc = {.usage = usage[use], .size = size};
	return made(&d->failure, wgpuDeviceCreateBuffer(d->device, &desc), wgpuBufferRelease);
}

uintptr_t gpu_group_layout_new(gpu_device *d, const uint8_t *written, uint32_t count) {
	enum { COMPUTE = 4, UNIFORM = 1, STORAGE = 2, READ_ONLY = 3 };
	layout_entry entries[GPU_MAX_BINDINGS + 1];
	memset(entries, 0, sizeof entries);
	for (uint32_t i = 0; i <= count; i++) {
		entries[i].binding = i;
		entries[i].visibility = COMPUTE;
		entries[i].buffer.type = i == 0 ? UNIFORM : written[i - 1] ? STORAGE : READ_ONLY;
	}
	entries[0].buffer.dynamic = true;
	layout_descriptor desc = {.count = count + 1, .entries = entries};
	return made(&d->failure, wgpuDeviceCreateBindGroupLayout(d->device, &desc), wgpuBindGroupLayoutRelease);
}

uintptr_t gpu_pipeline_layout_new(gpu_device *d, uintptr_t group_layout) {
	void *groups[] = {(void *)group_layout};
	pipeline_layout_descriptor desc = {.count = 1, .groups = groups};
	return made(&d->failure, wgpuDeviceCreatePipelineLayout(d->device, &desc), wgpuPipelineLayoutRelease);
}

static uintptr_t compile(gpu_device *d, uintptr_t pipeline_layout, const char *name, const char *wgsl, const gpu_failure *f) {
	wgsl_source source = {.type = 6, .code = wgsl};
	module_descriptor text = {.next = &source, .label = name};
	void *module = wgpuDeviceCreateShaderModule(d->device, &text);
	if (made(f, module, wgpuShaderModuleRelease) == 0) return 0;
	pipeline_descriptor desc = {.label = name, .layout = (void *)pipeline_layout};
	desc.stage.module = module;
	desc.stage.entry = "main";
	void *pipeline = wgpuDeviceCreateComputePipeline(d->device, &desc);
	wgpuShaderModuleRelease(module);
	return made(f, pipeline, wgpuComputePipelineRelease);
}

uintptr_t gpu_pipeline_new(gpu_device *d, uintptr_t pipeline_layout, const char *name, const char *wgsl, gpu_failure *f) {
	compiling = f;
	uintptr_t pipeline = compile(d, pipeline_layout, name, wgsl, f);
	compiling = NULL;
	return pipeline;
}

uintptr_t gpu_group_new(gpu_device *d, uintptr_t group_layout, const gpu_range *ranges, uint32_t count) {
	group_entry entries[GPU_MAX_BINDINGS + 1];
	memset(entries, 0, sizeof entries);
	for (uint32_t i = 0; i < count; i++) {
		entries[i].binding = i;
		entries[i].buffer = (void *)ranges[i].buffer;
		entries[i].offset = ranges[i].offset;
		entries[i].size = ranges[i].size;
	}
	group_descriptor desc = {.layout = (void *)group_layout, .count = count, .entries = entries};
	return made(&d->failure, wgpuDeviceCreateBindGroup(d->device, &desc), wgpuBindGroupRelease);
}

uintptr_t gpu_queries_new(gpu_device *d) {
	enum { TIMESTAMP = 2 };
	query_descriptor desc = {.type = TIMESTAMP, .count = GPU_TIMED + 1};
	return made(&d->failure, wgpuDeviceCreateQuerySet(d->device, &desc), wgpuQuerySetRelease);
}

void gpu_buffer_free(uintptr_t buffer) { wgpuBufferRelease((void *)buffer); }
void gpu_group_layout_free(uintptr_t layout) { wgpuBindGroupLayoutRelease((void *)layout); }
void gpu_pipeline_layout_free(uintptr_t layout) { wgpuPipelineLayoutRelease((void *)layout); }
void gpu_pipeline_free(uintptr_t pipeline) { wgpuComputePipelineRelease((void *)pipeline); }
void gpu_group_free(uintptr_t group) { wgpuBindGroupRelease((void *)group); }
void gpu_queries_free(uintptr_t queries) { wgpuQuerySetRelease((void *)queries); }

void gpu_write(gpu_device *d, uintptr_t buffer, uint64_t offset, const void *data, size_t size) {
	wgpuQueueWriteBuffer(d->queue, (void *)buffer, offset, data, size);
}

static void end_pass(void **pass) {
	if (*pass == NULL) return;
	wgpuComputePassEncoderEnd(*pass);
	wgpuComputePassEncoderRelease(*pass);
	*pass = NULL;
}

static void encode(void *encoder, const gpu_command *commands, size_t count) {
	void *pass = NULL;
	uintptr_t pipeline = 0;
	for (const gpu_command *c = commands; c < commands + count; c++) {
		if (c->kind == GPU_COPY) {
			end_pass(&pass);
			wgpuCommandEncoderCopyBufferToBuffer(encoder, (void *)c->a, c->p, (void *)c->b, c->q, c->size);
			continue;
		}
		if (pass == NULL) {
			pass = wgpuCommandEncoderBeginComputePass(encoder, NULL);
			pipeline = 0;
		}
		if (c->a != pipeline) {
			pipeline = c->a;
			wgpuComputePassEncoderSetPipeline(pass, (void *)pipeline);
		}
		uint32_t slot = (uint32_t)c->p;
		wgpuComputePassEncoderSetBindGroup(pass, 0, (void *)c->b, 1, &slot);
		wgpuComputePassEncoderDispatchWorkgroups(pass, c->x, c->y, c->z);
	}
	end_pass(&pass);
}

// encode_timed is encode with the time after each command, and of the first before it.
static void encode_timed(void *encoder, const gpu_command *commands, size_t count, const gpu_ticks *ticks) {
	void *queries = (void *)ticks->queries;
	uint64_t bytes = (count + 1) * 8;
	wgpuCommandEncoderWriteTimestamp(encoder, queries, 0);
	for (size_t i = 0; i < count; i++) {
		encode(encoder, commands + i, 1);
		wgpuCommandEncoderWriteTimestamp(encoder, queries, (uint32_t)i + 1);
	}
	wgpuCommandEncoderResolveQuerySet(encoder, queries, 0, (uint32_t)count + 1, (void *)ticks->resolved, 0);
	wgpuCommandEncoderCopyBufferToBuffer(encoder, (void *)ticks->resolved, 0, (void *)ticks->staging, 0, bytes);
}

static void on_done(uint32_t status, void *userdata) {
	gpu_device *d = userdata;
	(void)status;
	__atomic_add_fetch(&d->done, 1, __ATOMIC_RELEASE);
}

void gpu_submit(gpu_device *d, const gpu_command *commands, size_t count, const gpu_ticks *ticks) {
	void *buffer = NULL;
	if (count > 0 || ticks != NULL) {
		void *encoder = wgpuDeviceCreateCommandEncoder(d->device, NULL);
		if (d->failure.error == GPU_OK && ticks == NULL) encode(encoder, commands, count);
		if (d->failure.error == GPU_OK && ticks != NULL) encode_timed(encoder, commands, count, ticks);
		if (d->failure.error == GPU_OK) buffer = wgpuCommandEncoderFinish(encoder, NULL);
		wgpuCommandEncoderRelease(encoder);
		if (made(&d->failure, buffer, wgpuCommandBufferRelease) == 0) return;  // wgpu aborts on submitting a failed one
	}
	wgpuQueueSubmit(d->queue, buffer != NULL, &buffer);
	if (buffer != NULL) wgpuCommandBufferRelease(buffer);
	wgpuQueueOnSubmittedWorkDone(d->queue, on_done, d);
}

void gpu_nap(int64_t nanoseconds) {
#ifdef _WIN32
	Sleep((DWORD)((nanoseconds + 999999) / 1000000)); // no shorter sleep there
#else
	nanosleep(&(struct timespec){nanoseconds / 1000000000, nanoseconds % 1000000000}, NULL);
#endif
}

void gpu_poll(gpu_device *d) { wgpuDevicePoll(d->device, false, NULL); }

static void on_mapped(uint32_t status, void *userdata) {
	__atomic_store_n((uint32_t *)userdata, status + 1, __ATOMIC_RELEASE);
}

void gpu_map(uintptr_t buffer, uint64_t size, uint32_t *status) {
	enum { READ = 1 };
	__atomic_store_n(status, 0, __ATOMIC_RELEASE);
	wgpuBufferMapAsync((void *)buffer, READ, 0, size, on_mapped, status);
}

const void *gpu_mapped(uintptr_t buffer, uint64_t size) {
	return wgpuBufferGetConstMappedRange((void *)buffer, 0, size);
}

void gpu_unmap(uintptr_t buffer) { wgpuBufferUnmap((void *)buffer); }
