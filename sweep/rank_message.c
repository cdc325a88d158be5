#include "sweep/rank_message.h"

#include <stdlib.h>

/* Which fields a type of message has, in the order in which they are written. */
enum field {
    PLACE = 1,
    PROCESS = 2,
    START = 4,
    EXECUTOR = 8,
    ROUND = 16,
    LEASE = 32,
    NSLOTS = 64,
    REASON = 128,
    LOSSY = 256,
    TEXT = 512,
    DEVICE = 1024,
    BYTES = 2048,
    LIFE = 4096,
    GPU = 8192,
};

static const struct {
    unsigned fields;
    bool     known;
} types[] = {
    [MX_RANK_HELLO] = {PLACE | PROCESS | TEXT | BYTES, true},
    [MX_RANK_UP] = {EXECUTOR | LIFE | DEVICE, true},
    [MX_RANK_LOST] = {EXECUTOR | LEASE | REASON | GPU | TEXT, true},
    [MX_RANK_ANSWER] = {EXECUTOR | GPU | BYTES, true},
    [MX_RANK_LEAVING] = {TEXT, true},
    [MX_RANK_ENDED] = {0, true},
    [MX_RANK_GONE] = {EXECUTOR | TEXT, true},
    [MX_RANK_START] = {START | BYTES, true},
    [MX_RANK_ORDER] = {EXECUTOR | LIFE | BYTES, true},
    [MX_RANK_KILL] = {EXECUTOR | LIFE | REASON, true},
    [MX_RANK_DROP] = {LEASE, true},
    [MX_RANK_REDUCE] = {ROUND | NSLOTS | BYTES, true},
    [MX_RANK_QUIT] = {0, true},
    [MX_RANK_BYE] = {LOSSY, true},
    [MX_RANK_BEAT] = {BYTES, true},
    [MX_RANK_TREE] = {BYTES, true},
};

enum {
    TYPES = sizeof types / sizeof types[0]
};

static void put_process(struct mx_buf *out, const struct mx_process *process)
{
    mx_put_text(out, process->host);
    mx_put_text(out, process->boot);
    mx_put_text(out, process->pid_space);
    mx_put_i64(out, process->pid);
    mx_put_u64(out, process->start);
}

static void take_process(struct mx_wire *wire, struct mx_process *process)
{
    mx_take_text(wire, process->host, sizeof process->host);
    mx_take_text(wire, process->boot, sizeof process->boot);
    mx_take_text(wire, process->pid_space, sizeof process->pid_space);
    process->pid = (long)mx_take_i64(wire);
    process->start = mx_take_u64(wire);
}

static void put_start(struct mx_buf *out, const struct mx_rank_start *start)
{
    mx_put_text(out, start->directory);
    put_process(out, &start->root);
    mx_put_u32(out, start->first);
    mx_put_u32(out, start->workers);
    mx_put_u64(out, start->memory_bytes);
    mx_put_real(out, start->stall_timeout_s);
    mx_put_real(out, start->rank_timeout_s);
}

static void take_start(struct mx_wire *wire, struct mx_rank_start *start)
{
    mx_take_text(wire, start->directory, sizeof start->directory);
    take_process(wire, &start->root);
    start->first = mx_take_u32(wire);
    start->workers = mx_take_u32(wire);
    start->memory_bytes = mx_take_u64(wire);
    start->stall_timeout_s = mx_take_real(wire);
    start->rank_timeout_s = mx_take_real(wire);
}

void mx_rank_message_put(struct mx_buf *out, const struct mx_rank_message *message)
{
    unsigned fields = types[message->type].fields;
    size_t   frame = mx_wire_begin(out, (uint16_t)message->type);

    if (fields & PLACE)
        mx_place_put(out, &message->place);
    if (fields & PROCESS)
        put_process(out, &message->process);
    if (fields & START)
        put_start(out, &message->start);
    if (fields & EXECUTOR)
        mx_put_u32(out, message->executor);
    if (fields & LIFE)
        mx_put_u32(out, message->life);
    if (fields & ROUND)
        mx_put_u32(out, message->round);
    if (fields & LEASE)
        mx_put_u64(out, message->lease);
    if (fields & NSLOTS)
        mx_put_u64(out, message->nslots);
    if (fields & REASON)
        mx_put_u32(out, (uint32_t)message->reason);
    if (fields & LOSSY)
        mx_put_u8(out, message->lossy);
    if (fields & GPU)
        mx_gpu_use_put(out, &message->gpu);
    if (fields & TEXT)
        mx_put_text(out, message->text);
    if (fields & DEVICE)
        mx_put_text(out, message->device);
    if (fields & BYTES)
        mx_put_bytes(out, message->bytes, message->len);
    mx_wire_end(out, frame);
}

static void take_fields(struct mx_wire *wire, unsigned fields, struct mx_rank_message *message)
{
    if (fields & PLACE)
        mx_place_take(wire, &message->place);
    if (fields & PROCESS)
        take_process(wire, &message->process);
    if (fields & START)
        take_start(wire, &message->start);
    if (fields & EXECUTOR)
        message->executor = mx_take_u32(wire);
    if (fields & LIFE)
        message->life = mx_take_u32(wire);
    if (fields & ROUND)
        message->round = mx_take_u32(wire);
    if (fields & LEASE)
        message->lease = mx_take_u64(wire);
    if (fields & NSLOTS)
        message->nslots = mx_take_u64(wire);
    if (fields & REASON)
        message->reason = (enum mx_reason)mx_take_u32(wire);
    if (fields & LOSSY)
        message->lossy = mx_take_u8(wire) != 0;
    if (fields & GPU)
        mx_gpu_use_take(wire, &message->gpu);
    if (fields & TEXT)
        mx_take_text(wire, message->text, sizeof message->text);
    if (fields & DEVICE)
        mx_take_text(wire, message->device, sizeof message->device);
    if (fields & BYTES)
        message->bytes = mx_take_bytes(wire, &message->len);
}

long mx_rank_message_take(const void *data, size_t len, struct mx_rank_message *message,
                          struct mx_err *err)
{
    struct mx_wire wire;
    uint16_t       type;
    size_t         body;
    int            whole = mx_wire_peek(data, len, &type, &body, err);

    if (whole <= 0)
        return whole;
    if (type >= TYPES || !types[type].known)
        return mx_fail(err, MX_EINTERNAL, "a message of type %u, which ranks do not send", type);
    *message = (struct mx_rank_message){.type = (enum mx_rank_message_type)type};
    wire = mx_wire_body(data, body);
    take_fields(&wire, types[type].fields, message);
    if (!mx_wire_done(&wire) || (unsigned)message->reason >= MX_REASONS)
        return mx_fail(err, MX_EINTERNAL, "a message of type %u is damaged", type);
    return (long)(MX_WIRE_HEAD + body);
}

void mx_rank_gpus_put(struct mx_buf *out, const struct mx_supervisor_gpu *gpus, uint32_t n)
{
    mx_put_u32(out, n);
    for (uint32_t k = 0; k < n; k++) {
        mx_put_text(out, gpus[k].uuid);
        mx_put_text(out, gpus[k].model);
    }
}

struct mx_supervisor_gpu *mx_rank_gpus_take(const struct mx_rank_message *message, uint32_t *n,
                                            struct mx_err *err)
{
    struct mx_wire            wire = {.at = message->bytes,
                                      .end = (const unsigned char *)message->bytes + message->len};
    struct mx_supervisor_gpu *gpus = NULL;

    *n = mx_take_u32(&wire);
    if (wire.failed || *n > MX_MAX_GPUS) {
        mx_fail(err, MX_EINTERNAL, "a list of GPUs that is damaged");
    } else if ((gpus = calloc(*n + 1, sizeof *gpus))) {
        for (uint32_t k = 0; k < *n; k++) {
            mx_take_text(&wire, gpus[k].uuid, sizeof gpus[k].uuid);
            mx_take_text(&wire, gpus[k].model, sizeof gpus[k].model);
        }
    } else {
        mx_fail(err, MX_ENOMEM, "no memory for a list of GPUs");
    }
    return gpus;
}
