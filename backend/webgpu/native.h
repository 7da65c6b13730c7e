// The part of WebGPU that lrun calls, in the shape in which it calls it: whole steps at a time, with errors and
// completions written to memory of C's own. Handles travel as integers, so that Go's collector ignores them.

#ifndef LRUN_NATIVE_H
#define LRUN_NATIVE_H

#include <stddef.h>
#include <stdint.h>

// The limits that lrun raises above WebGPU's defaults, to what the adapter has.
typedef struct {
	uint64_t binding;          // bytes of a storage binding
	uint64_t buffer;           // bytes of a buffer
	uint32_t storageBuffers;   // in a stage
	uint32_t workgroupMemory;  // bytes
	uint32_t invocations;      // in a workgroup
	uint32_t sizeX, sizeY, sizeZ;
} gpu_limits;

enum { GPU_OK = 0, GPU_INVALID = 1, GPU_OUT_OF_MEMORY = 2, GPU_FAILED = 3 };

// What went wrong.
typedef struct {
	int32_t error;       // GPU_OK, or the kind of the first error since it was last reset
	char message[4096];  // of the error or the loss
} gpu_failure;

// A device, its queue, and what it has told us. One thread at a time may use it, except for done and gpu_pipeline_new.
typedef struct {
	void *device, *queue;
	uint64_t done;        // finished submissions; written atomically
	int32_t lost;         // 1 for good once the device is lost; written atomically
	int32_t timestamps;   // 1 where the device can tell when a pass ended
	gpu_failure failure;  // of that thread
} gpu_device;

enum { GPU_DISPATCH = 0, GPU_COPY = 1 };

// One recorded command. GPU_DISPATCH: pipeline a with bind group b, uniforms at offset p, x × y × z workgroups.
// GPU_COPY: size bytes from offset p of buffer a to offset q of buffer b.
typedef struct {
	uintptr_t a, b;
	uint64_t p, q, size;
	uint32_t x, y, z, kind;
} gpu_command;

// One entry of a bind group.
typedef struct {
	uintptr_t buffer;
	uint64_t offset, size;
} gpu_range;

// Where the times of commands go, in ticks of the device's clock: queries and a buffer (GPU_TICKS) to resolve them, both for
// GPU_TIMED commands and one time more, and a staging buffer.
typedef struct {
	uintptr_t queries, resolved, staging;
} gpu_ticks;

enum { GPU_STORAGE = 0, GPU_UNIFORM = 1, GPU_STAGING = 2, GPU_TICKS = 3 };
enum { GPU_SLOT = 256, GPU_MAX_BINDINGS = 8, GPU_TIMED = 2047 };

// gpu_open makes a device on a wgpu adapter, or returns NULL with the reason in message.
gpu_device *gpu_open(uintptr_t adapter, const gpu_limits *limits, char *message, size_t size);
// gpu_close frees the device. Everything submitted must be done.
void gpu_close(gpu_device *d);

// The makers return 0 when they fail; then the error is in d.
uintptr_t gpu_buffer_new(gpu_device *d, uint64_t size, int use);
uintptr_t gpu_group_layout_new(gpu_device *d, const uint8_t *written, uint32_t count);
uintptr_t gpu_pipeline_layout_new(gpu_device *d, uintptr_t group_layout);
// Any thread may make pipelines: what goes wrong is in f.
uintptr_t gpu_pipeline_new(gpu_device *d, uintptr_t pipeline_layout, const char *name, const char *wgsl, gpu_failure *f);
// ranges[0] is the uniform slot; the count − 1 others are the storage bindings.
uintptr_t gpu_group_new(gpu_device *d, uintptr_t group_layout, const gpu_range *ranges, uint32_t count);

uintptr_t gpu_queries_new(gpu_device *d);

void gpu_buffer_free(uintptr_t buffer);
void gpu_group_layout_free(uintptr_t layout);
void gpu_pipeline_layout_free(uintptr_t layout);
void gpu_pipeline_free(uintptr_t pipeline);
void gpu_group_free(uintptr_t group);
void gpu_queries_free(uintptr_t queries);

// gpu_write stores data in the buffer before whatever is submitted next.
void gpu_write(gpu_device *d, uintptr_t buffer, uint64_t offset, const void *data, size_t size);
// gpu_submit records the commands and submits them, or does nothing but report an error. None: an empty submission. With
// ticks, each command is a pass by itself, and the staging buffer receives the time at the start and the end of each.
void gpu_submit(gpu_device *d, const gpu_command *commands, size_t count, const gpu_ticks *ticks);
// gpu_nap sleeps for so many nanoseconds.
void gpu_nap(int64_t nanoseconds);
// gpu_poll looks whether submissions have finished, and never waits.
void gpu_poll(gpu_device *d);

// gpu_map asks for a staging buffer's memory; *status becomes 1 when it is there and more than 1 if that failed.
void gpu_map(uintptr_t buffer, uint64_t size, uint32_t *status);
const void *gpu_mapped(uintptr_t buffer, uint64_t size);
void gpu_unmap(uintptr_t buffer);

#endif
