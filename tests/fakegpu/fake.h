/* fake.h - a GPU that is not there: what its stand-ins share.
 *
 * The stand-ins define the calls of the CUDA runtime and of its libraries that this
 * project makes. They check every argument, queue the work on streams, do it on the CPU as
 * late as the order of streams, events and waits allows, and end the process at the first
 * misuse with one line on standard error and status FAKE_EXIT. README.md says what is checked.
 *
 * All state is the process's, as a runtime's is, behind one lock: a stand-in calls
 * fake_enter() first and returns through fake_leave().
 */
#ifndef FAKEGPU_FAKE_H
#define FAKEGPU_FAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cuda_runtime_api.h>

#include "tests/fakegpu/misuse.h"

enum {
    FAKE_DEVICES = 16, /* pretended devices at most */
    FAKE_STREAMS = 64, /* streams at a time, with the default stream of each device */
    FAKE_ALIGN = 256,  /* what cudaMalloc promises; device memory here is aligned to no more */
};

/* A misuse of the call that was entered last. */
#define fake_misuse(...) fake_misuse_in(fake_call(), __VA_ARGS__)

/* ---- state.c: the lock, errors ---- */

/* Lock, remember the call's name; the error that sticks to the process, or cudaSuccess. The first
 * call that is no `question` makes the context, as the real runtime does. */
cudaError_t fake_enter(const char *call);
cudaError_t fake_enter_question(const char *call); /* makes no context */
/* Unlock; `status` becomes the last error if it is one. Returns it. */
cudaError_t fake_leave(cudaError_t status);
const char *fake_call(void);
int         fake_device(void); /* the current one, among the visible */
cudaError_t fake_use_device(int device);
cudaError_t fake_last_error(bool forget);
/* From now on every call fails with it. */
void        fake_stick(cudaError_t error);
cudaError_t fake_sticking(void);

/* ---- machine.c: what the environment asks for ---- */

struct fake_machine {
    bool     driver;                  /* false: none is installed */
    int      visible;                 /* devices after CUDA_VISIBLE_DEVICES */
    int      installed[FAKE_DEVICES]; /* of each visible device, its number on the machine */
    size_t   memory;                  /* bytes of each device */
    bool     eager;                   /* do work when it is queued */
    uint64_t seed;                    /* not 0: an order chosen by it, else as late as allowed */
};

const struct fake_machine *fake_machine(void);
/* The UUID of a device of the machine, by its number there. */
/* A part of a divided GPU has a number above those of GPUs; the GPU that it is, or is a part of. */
int                        fake_card(int installed);
void                       fake_uuid(int installed, unsigned char uuid[16]);
/* The same as "GPU-...", 41 bytes with its end. */
void                       fake_uuid_text(int installed, char text[41]);

/* ---- fail.c: failures on demand, MX_FAKEGPU_FAIL ---- */

enum fake_event {
    FAKE_ON_MALLOC,
    FAKE_ON_LAUNCH, /* a kernel, or work of a library on a stream */
    FAKE_ON_COPY,
    FAKE_ON_SYNC,
    FAKE_ON_NCCL,
    FAKE_ON_LIBRARY, /* a handle of cuDNN or cuBLAS, a product or convolution: its own memory */
};
enum fake_kind_of_failure {
    FAKE_WORKS,
    FAKE_OOM,
    FAKE_ILLEGAL, /* an illegal address: sticks */
    FAKE_ASSERT,  /* a failed assertion on the device: sticks */
    FAKE_ECC,     /* an uncorrectable memory error: sticks */
    FAKE_HANG,
    FAKE_REMOTE, /* NCCL: another process or the network */
    FAKE_SYSTEM, /* NCCL: a system call */
    FAKE_LOST,   /* the device has fallen off the bus: sticks, and with once=FILE no later process
                    sees it */
};

/* Count an event of so many bytes (0 where there are none); how it must go. */
enum fake_kind_of_failure fake_happens(enum fake_event event, size_t bytes);
/* Count such a call; whether it finds no memory. */
bool                      fake_library_lacks_memory(void);
/* The runtime's error for a failure that sticks. */
cudaError_t               fake_error_of(enum fake_kind_of_failure kind);
/* Whether a device of the machine, by its number there, has fallen off in an earlier process. */
bool                      fake_has_fallen_off(int installed);
/* Wait for ever, as a call does on a device that hangs. */
_Noreturn void            fake_hang(void);

/* ---- object.c: handles that are never given out twice ---- */

enum fake_kind {
    FAKE_STREAM = 1,
    FAKE_EVENT,
    FAKE_GRAPH,
    FAKE_GRAPH_EXEC,
    FAKE_CUBLAS,
    FAKE_CUDNN,
    FAKE_TENSOR,
    FAKE_FILTER,
    FAKE_CONVOLUTION,
    FAKE_ACTIVATION,
    FAKE_POOLING,
    FAKE_REDUCE,
    FAKE_NCCL,
    FAKE_CUFFT,
    FAKE_BACKEND,
    FAKE_LAST_KIND = FAKE_BACKEND,
};

/* A zeroed object of at most FAKE_OBJECT bytes. */
enum {
    FAKE_OBJECT = 4096
};
void       *fake_object_new(enum fake_kind kind);
/* A misuse unless it is a living object of that kind. */
void       *fake_object(const char *argument, const void *handle, enum fake_kind kind);
void        fake_object_free(void *object); /* the handle is dead from now on */
/* Call for each living object; `maker` is the call that made it. */
void        fake_objects_each(void (*see)(void *object, enum fake_kind kind, const char *maker,
                                   void *extra),
                              void *extra);
const char *fake_kind_name(enum fake_kind kind);

/* ---- memory.c: device memory and pinned memory ---- */

/* NULL: not enough is free. */
void *fake_memory_new(int device, size_t bytes);
void  fake_memory_free(const char *argument, void *at);
void  fake_memory_info(int device, size_t *free, size_t *total);
void *fake_pinned_new(size_t bytes);
void  fake_pinned_free(const char *argument, void *at);

struct fake_block;
/* The block that [at, at + bytes) lies in; a misuse unless it is living memory of that
 * device and the whole range lies in it. device -1: of any. */
struct fake_block *fake_block_of(const char *argument, const void *at, size_t bytes, int device);
/* Of pinned memory; NULL: the range starts in none. A misuse where it ends outside. */
struct fake_block *fake_pinned_of(const char *argument, const void *at, size_t bytes);
bool               fake_is_device(const void *at); /* living or not */
/* Device memory is closed to everybody but between these two; they nest. */
void               fake_open(void);
void               fake_close(void);
/* The words in which every stand-in checks a pointer that the host reads or writes. */
void               fake_check_host(const char *argument, const void *at, size_t bytes);
/* What is wrong with a faulting address; false: it is none of ours. */
bool               fake_explain_fault(const void *at, char *text, size_t size);
void fake_check_guards(void); /* a misuse where something was written beside a block */
void fake_memory_leaks(void);

/* ---- race.c: who touched what, in which order ---- */

struct fake_access {
    const char *start;
    size_t      bytes;
    uint64_t    seq;
    const char *call;
    int         slot;
    bool        write;
};
struct fake_accesses {
    struct fake_access *list;
    size_t              n, room;
};
/* Note an access; a misuse if another one that it must not overtake is not in `clock`. */
void fake_touch(struct fake_accesses *all, const char *argument, struct fake_access access,
                const uint64_t clock[FAKE_STREAMS]);
/* A misuse where the host touches what work that it has not waited for touches as well. */
void fake_touch_by_host(struct fake_accesses *all, const char *argument, const void *start,
                        size_t bytes, bool write);
struct fake_accesses *fake_block_accesses(struct fake_block *block);
/* Its first byte, and the one behind its last. */
void                  fake_block_ends(const struct fake_block *block, char **first, char **end);

/* ---- stream.c: queues of work ---- */

/* Memory that work touches. */
struct fake_span {
    const char *argument;
    const void *at; /* device memory, or else pinned memory */
    size_t      bytes;
    size_t      align; /* of `at`; 0 or 1: any */
    bool        write;
};

struct fake_stream {
    int                slot, device;
    bool               waits;   /* for the default stream, and it for this one */
    bool               unasked; /* the next query says "not ready" */
    uint64_t           queued, done;
    uint64_t           clock[FAKE_STREAMS]; /* what is done before what is queued next */
    struct fake_op    *first, *last;
    size_t             depth;
    struct fake_graph *capture; /* work goes there instead */
};

struct fake_stream *fake_stream_of(const char *argument, cudaStream_t stream);
struct fake_stream *fake_stream_new(int device, bool waits);
void                fake_stream_free(struct fake_stream *stream);
/* Check the spans and queue run(data), or note it in the graph that is captured. */
void fake_queue(struct fake_stream *stream, void (*run)(const void *data), const void *data,
                size_t size, const struct fake_span *spans, int n);
/* The same for work that ends when others do their part: poll(data) says whether it is done. */
void fake_queue_poll(struct fake_stream *stream, bool (*poll)(const void *data), const void *data,
                     size_t size, const struct fake_span *spans, int n);
/* Do all that is queued on the stream, and what that waits for; the host knows it then. Never
 * returns from work that hangs. Returns the error that sticks. */
cudaError_t     fake_wait(struct fake_stream *stream);
cudaError_t     fake_wait_all(void);
/* The same for work up to a clock. `block` false: false where it can never be done. */
bool            fake_reach(const uint64_t clock[FAKE_STREAMS], bool block);
/* What the host knows to be done, and that it knows more. */
const uint64_t *fake_host_clock(void);
void            fake_host_learns(const uint64_t clock[FAKE_STREAMS]);
/* The call whose work is being done, or that was entered last. */
const char     *fake_working(void);
void            fake_join(uint64_t into[FAKE_STREAMS], const uint64_t from[FAKE_STREAMS]);

/* ---- graph.c ---- */

struct fake_graph;
void fake_graph_add(struct fake_graph *graph, void (*run)(const void *data), const void *data,
                    size_t size, const struct fake_span *spans, int n);

/* ---- kernels.c: the CPU's drivers of our kernels; reach.h; launch.c ---- */

/* What a launch touches is told by fake_reads() and fake_writes(), or, where samples say how much of it,
 * by fake_leads_into(). */
struct fake_reach;
void fake_reads(struct fake_reach *reach, const char *argument, const void *at, size_t bytes);
void fake_writes(struct fake_reach *reach, const char *argument, const void *at, size_t bytes);
void fake_leads_into(struct fake_reach *reach, const char *argument, const void *at);

struct fake_kernel {
    const char *name; /* of the __global__ function: mx_kernel_... */
    size_t      size; /* of its one argument, a structure */
    void (*run)(const void *args);
    void (*reach)(const void *args, struct fake_reach *reach);
};
/* The spans of a launch, at most FAKE_SPANS; how many. `open`: there is more that they do not tell. */
enum {
    FAKE_SPANS = 64
};
int                       fake_launch_spans(const struct fake_kernel *kernel, const void *args,
                                            struct fake_span spans[FAKE_SPANS], bool *open);
/* Do it. Where all that it touches is told, bytes beside that are no numbers meanwhile: who reads them computes
 * nonsense, and writing them is a misuse. Afterwards they are as before. */
void                      fake_launch_run(const struct fake_kernel *kernel, const void *args);
const struct fake_kernel *fake_kernel_of(const char *name); /* NULL: there is none */

/* ---- rounding.c ---- */

/* As a tensor core reads float32: rounded to 10 bits behind the leading one, ties to even. */
float fake_tf32(float value);
void  fake_round_tf32(float *values, size_t n);
/* Half precision: as many bits, and exponents of 5: small numbers lose more of them, large ones become infinite. */
float fake_half(float value);
void  fake_round_half(float *values, size_t n);

/* bfloat16: the upper half of a float32; rounded to nearest, ties to even. */
float    fake_from_bf16(uint16_t value);
uint16_t fake_to_bf16(float value);

#endif
