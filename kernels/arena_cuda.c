/* The arena: what an engine and its operations want is added up while they are made, and allocated
 * once, so that a trial has its memory or none and leaves no gaps behind. */
#include <stdlib.h>
#include <string.h>

#include "kernels/nn_cuda.h"

enum {
    UNIT = 256,          /* what cudaMalloc() aligns to, and some libraries want */
    BLAS_BYTES = 4 << 20 /* last layers are small */
};

/* Something wanted: where its address goes. */
struct cuda_want {
    void  *place;
    size_t bytes;
};

static bool is_within(const struct cuda_arena *arena, const void *memory)
{
    const char *at = memory;

    return arena->memory && at >= arena->memory && at < arena->memory + arena->bytes;
}

void kern_cuda_collect(struct kern_nn *nn)
{
    cuda_of(nn)->arena.collecting = true;
}

static void fill_in(void *place, void *memory)
{
    memcpy(place, &memory, sizeof memory); /* a pointer to any type */
}

static int note(struct cuda_arena *arena, void *place, size_t bytes, struct mx_err *err)
{
    if (arena->nwants == arena->room) {
        const size_t      room = arena->room ? 2 * arena->room : 32;
        struct cuda_want *wants = realloc(arena->wants, room * sizeof *wants);

        if (!wants)
            return mx_fail(err, MX_ENOMEM, "no memory to plan a network's memory");
        arena->wants = wants;
        arena->room = room;
    }
    fill_in(place, NULL);
    arena->wants[arena->nwants++] = (struct cuda_want){place, bytes};
    return 0;
}

int kern_cuda_want(struct kern_nn *nn, void *place, size_t align, size_t bytes, struct mx_err *err)
{
    struct cuda *cuda = cuda_of(nn);
    void        *memory;

    (void)align; /* all are aligned to UNIT */
    if (cuda->arena.collecting)
        return note(&cuda->arena, place, bytes, err);
    memory = kern_cuda_alloc(cuda, bytes, err);
    fill_in(place, memory);
    return memory ? 0 : -1;
}

static size_t rounded(size_t bytes)
{
    return (bytes + UNIT - 1) / UNIT * UNIT;
}

/* Rooms that the operations' makers sized, and those that steps will ask for. */
static int want_rooms(struct cuda *cuda, const struct kern_expected *expected, struct mx_err *err)
{
    const size_t n = expected->n, targets = n * expected->classes;

    if (kern_cuda_room(cuda, &cuda->rows, &cuda->rows_bytes, kern_cuda_loss_bytes(n, targets),
                       err) ||
        kern_cuda_room(cuda, &cuda->vectors, &cuda->vectors_bytes,
                       kern_cuda_norm_bytes(expected->channels), err) ||
        kern_cuda_room(cuda, &cuda->mixing, &cuda->mixing_bytes, kern_cuda_rows_bytes(n), err) ||
        kern_cuda_room(cuda, &cuda->squares, &cuda->squares_bytes, kern_cuda_squares_bytes(),
                       err) ||
        (cuda->precision == KERN_BF16 &&
         (kern_cuda_room(cuda, &cuda->halves, &cuda->halves_bytes,
                         kern_cuda_bf16_bytes(expected->channels), err) ||
          note(&cuda->arena, &cuda->halves, cuda->halves_bytes, err) ||
          note(&cuda->arena, &cuda->copies, cuda->copies_bytes, err))) ||
        note(&cuda->arena, &cuda->mixing, cuda->mixing_bytes, err) ||
        note(&cuda->arena, &cuda->squares, cuda->squares_bytes, err) ||
        note(&cuda->arena, &cuda->rows, cuda->rows_bytes, err) ||
        note(&cuda->arena, &cuda->vectors, cuda->vectors_bytes, err) ||
        note(&cuda->arena, &cuda->scratch, cuda->scratch_bytes, err) ||
        note(&cuda->arena, &cuda->blas_room, BLAS_BYTES, err))
        return -1;
    cuda->nn.bytes += BLAS_BYTES;
    return 0;
}

int kern_cuda_settle(struct kern_nn *nn, const struct kern_expected *expected, struct mx_err *err)
{
    struct cuda       *cuda = cuda_of(nn);
    struct cuda_arena *arena = &cuda->arena;
    size_t             bytes = 0;

    if (want_rooms(cuda, expected, err))
        return -1;
    for (size_t k = 0; k < arena->nwants; k++)
        bytes += rounded(arena->wants[k].bytes);
    if (!(arena->memory = kern_cuda_alloc(cuda, bytes, err)))
        return mx_err_prefix(err, "memory of a network");
    arena->bytes = bytes;
    bytes = 0;
    for (size_t k = 0; k < arena->nwants; k++) {
        fill_in(arena->wants[k].place, arena->memory + bytes);
        bytes += rounded(arena->wants[k].bytes);
    }
    free(arena->wants);
    arena->wants = NULL;
    arena->nwants = arena->room = 0;
    arena->collecting = false;
    BLAS_TRY(cublasSetWorkspace(cuda->blas, cuda->blas_room, BLAS_BYTES), err);
    return 0;

fail:
    return -1;
}

int kern_cuda_blas_room(struct cuda *cuda, struct mx_err *err)
{
    if (cuda->blas_room)
        return 0;
    if (!(cuda->blas_room = kern_cuda_alloc(cuda, BLAS_BYTES, err)))
        return -1;
    cuda->nn.bytes += BLAS_BYTES;
    BLAS_TRY(cublasSetWorkspace(cuda->blas, cuda->blas_room, BLAS_BYTES), err);
    return 0;

fail:
    return -1;
}

/* Noted work may still use a room that was too small for other work. */
static int keep(struct cuda_arena *arena, void *room, struct mx_err *err)
{
    if (!room || is_within(arena, room))
        return 0;
    if (arena->nkept == sizeof arena->kept / sizeof *arena->kept)
        return mx_fail(err, MX_EINTERNAL, "a room on the GPU grew too often");
    arena->kept[arena->nkept++] = room;
    return 0;
}

int kern_cuda_room(struct cuda *cuda, void **room, size_t *have, size_t bytes, struct mx_err *err)
{
    if (bytes <= *have)
        return 0;
    if (keep(&cuda->arena, *room, err))
        return -1;
    *room = NULL;
    cuda->nn.bytes -= *have;
    *have = 0;
    if (!cuda->arena.collecting && !(*room = kern_cuda_alloc(cuda, bytes, err)))
        return -1;
    *have = bytes;
    cuda->nn.bytes += bytes;
    return 0;
}

void kern_cuda_release(struct cuda *cuda, void *memory)
{
    if (memory && !is_within(&cuda->arena, memory))
        (void)cudaFree(memory);
}

void kern_cuda_arena_free(struct cuda *cuda)
{
    for (size_t k = 0; k < cuda->arena.nkept; k++)
        (void)cudaFree(cuda->arena.kept[k]);
    (void)cudaFree(cuda->arena.memory);
    free(cuda->arena.wants);
}
