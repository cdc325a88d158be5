#include "worker/protocol.h"

#include <stdlib.h>
#include <string.h>

#include "worker/device.h"

void worker_progress_set(struct worker_progress_slot *slot, uint64_t done, uint64_t total)
{
    __atomic_store_n(&slot->total, total, __ATOMIC_RELAXED);
    __atomic_store_n(&slot->done, done, __ATOMIC_RELEASE);
}

void worker_progress_get(const struct worker_progress_slot *slot, uint64_t *done, uint64_t *total)
{
    *done = __atomic_load_n(&slot->done, __ATOMIC_ACQUIRE);
    *total = __atomic_load_n(&slot->total, __ATOMIC_RELAXED);
}

void worker_progress_set_lease(struct worker_progress_slot *slot, uint64_t lease)
{
    __atomic_store_n(&slot->lease, lease, __ATOMIC_RELEASE);
}

uint64_t worker_progress_lease(const struct worker_progress_slot *slot)
{
    return __atomic_load_n(&slot->lease, __ATOMIC_ACQUIRE);
}

static void put_job(struct mx_buf *out, const struct worker_job *job)
{
    mx_put_u32(out, job->until_epoch);
    mx_put_u32(out, (uint32_t)job->kind);
    worker_params_put(out, &job->params);
    for (size_t k = 0; k < sizeof job->used.bits / sizeof job->used.bits[0]; k++)
        mx_put_u64(out, job->used.bits[k]);
    mx_put_u64(out, job->seed);
    mx_put_u32(out, job->repeat);
    mx_put_u64(out, job->stream_extra);
    mx_put_text(out, job->key);
    mx_put_text(out, job->folder);
    mx_put_text(out, job->stages);
    mx_put_u32(out, job->ninputs);
    for (uint32_t i = 0; i < job->ninputs; i++) {
        mx_put_u32(out, (uint32_t)job->inputs[i].kind);
        mx_put_text(out, job->inputs[i].key);
        mx_put_text(out, job->inputs[i].name);
        mx_put_u32(out, job->inputs[i].repeat);
        mx_put_u8(out, job->inputs[i].failed);
    }
    mx_put_real(out, job->checkpoint_s);
    mx_put_u8(out, job->keep_weights);
    mx_put_u8(out, job->temporary);
    mx_put_u8(out, job->empty);
}

/* In the room that earlier jobs made. */
static void take_inputs(struct mx_wire *wire, struct worker_job *job)
{
    uint32_t n = mx_take_u32(wire);

    job->ninputs = 0;
    for (uint32_t i = 0; i < n && !wire->failed; i++) {
        uint32_t            kind = mx_take_u32(wire);
        struct worker_input input = {.kind = (enum worker_kind)kind};

        mx_take_text(wire, input.key, sizeof input.key);
        mx_take_text(wire, input.name, sizeof input.name);
        input.repeat = mx_take_u32(wire);
        input.failed = mx_take_u8(wire) != 0;
        if (!wire->failed &&
            (kind >= WORKER_STAGE_KINDS || worker_job_add_input(job, input.kind, input.key, NULL)))
            wire->failed = true;
        if (!wire->failed)
            job->inputs[i] = input;
    }
}

static void take_job(struct mx_wire *wire, struct worker_job *job)
{
    job->until_epoch = mx_take_u32(wire);
    job->kind = (enum worker_kind)mx_take_u32(wire);
    worker_params_take(wire, &job->params);
    for (size_t k = 0; k < sizeof job->used.bits / sizeof job->used.bits[0]; k++)
        job->used.bits[k] = mx_take_u64(wire);
    job->seed = mx_take_u64(wire);
    job->repeat = mx_take_u32(wire);
    job->stream_extra = mx_take_u64(wire);
    mx_take_text(wire, job->key, sizeof job->key);
    mx_take_text(wire, job->folder, sizeof job->folder);
    mx_take_text(wire, job->stages, sizeof job->stages);
    take_inputs(wire, job);
    job->checkpoint_s = mx_take_real(wire);
    job->keep_weights = mx_take_u8(wire) != 0;
    job->temporary = mx_take_u8(wire) != 0;
    job->empty = mx_take_u8(wire) != 0;
    if (job->kind >= WORKER_STAGE_KINDS || job->params.device >= WORKER_DEVICES)
        wire->failed = true;
}

static void put_result(struct mx_buf *out, const struct worker_result *result)
{
    mx_put_u32(out, result->paused_epoch);
    mx_put_u64(out, result->nmetrics);
    for (size_t i = 0; i < result->nmetrics; i++) {
        mx_put_text(out, result->metrics[i].name);
        mx_put_real(out, result->metrics[i].value);
    }
}

static void take_result(struct mx_wire *wire, struct worker_result *result)
{
    uint64_t n;

    result->paused_epoch = mx_take_u32(wire);
    n = mx_take_u64(wire);
    for (uint64_t i = 0; i < n && !wire->failed; i++) {
        char   name[WORKER_METRIC_NAME_SIZE];
        double value;

        mx_take_text(wire, name, sizeof name);
        value = mx_take_real(wire);
        if (!wire->failed && worker_result_add(result, name, value, NULL))
            wire->failed = true;
    }
}

void worker_message_put(struct mx_buf *out, const struct worker_message *message)
{
    size_t frame = mx_wire_begin(out, (uint16_t)message->type);

    mx_put_u64(out, message->lease);
    mx_put_u32(out, message->stage);
    switch (message->type) {
    case WORKER_MESSAGE_HELLO:
        mx_put_text(out, message->device);
        break;
    case WORKER_MESSAGE_RUN:
        put_job(out, message->job);
        break;
    case WORKER_MESSAGE_DONE:
        mx_put_real(out, message->seconds);
        put_result(out, &message->result);
        mx_put_text(out, message->note);
        break;
    case WORKER_MESSAGE_FAILED:
        mx_put_real(out, message->seconds);
        mx_put_u32(out, (uint32_t)message->code);
        mx_put_text(out, message->text);
        mx_put_text(out, message->note);
        break;
    case WORKER_MESSAGE_GROUPED:
        mx_put_u32(out, (uint32_t)message->code);
        mx_put_text(out, message->text);
        mx_put_bytes(out, message->bytes, message->len);
        break;
    case WORKER_MESSAGE_GROUP:
    case WORKER_MESSAGE_PART:
        mx_put_bytes(out, message->bytes, message->len);
        break;
    case WORKER_MESSAGE_LEAVE:
        break;
    }
    mx_wire_end(out, frame);
}

static void take_body(struct mx_wire *wire, struct worker_message *message, struct worker_job *job)
{
    message->lease = mx_take_u64(wire);
    message->stage = mx_take_u32(wire);
    switch (message->type) {
    case WORKER_MESSAGE_HELLO:
        mx_take_text(wire, message->device, sizeof message->device);
        break;
    case WORKER_MESSAGE_RUN:
        if (job)
            take_job(wire, job);
        else
            wire->failed = true;
        message->job = job;
        break;
    case WORKER_MESSAGE_DONE:
        message->seconds = mx_take_real(wire);
        take_result(wire, &message->result);
        mx_take_text(wire, message->note, sizeof message->note);
        break;
    case WORKER_MESSAGE_FAILED:
        message->seconds = mx_take_real(wire);
        message->code = (enum mx_code)mx_take_u32(wire);
        mx_take_text(wire, message->text, sizeof message->text);
        mx_take_text(wire, message->note, sizeof message->note);
        break;
    case WORKER_MESSAGE_GROUPED:
        message->code = (enum mx_code)mx_take_u32(wire);
        mx_take_text(wire, message->text, sizeof message->text);
        message->bytes = mx_take_bytes(wire, &message->len);
        break;
    case WORKER_MESSAGE_GROUP:
    case WORKER_MESSAGE_PART:
        message->bytes = mx_take_bytes(wire, &message->len);
        break;
    case WORKER_MESSAGE_LEAVE:
        break;
    default:
        wire->failed = true;
    }
}

long worker_message_take(const void *data, size_t len, struct worker_message *message,
                         struct worker_job *job, struct mx_err *err)
{
    struct mx_wire wire;
    uint16_t       type;
    size_t         body;
    int            whole = mx_wire_peek(data, len, &type, &body, err);

    if (whole <= 0)
        return whole;
    memset(message, 0, sizeof *message);
    message->type = (enum worker_message_type)type;
    wire = mx_wire_body(data, body);
    take_body(&wire, message, job);
    if (!mx_wire_done(&wire)) {
        worker_message_free(message);
        return mx_fail(err, MX_EINTERNAL, "a message of type %u is damaged", (unsigned)type);
    }
    return (long)(MX_WIRE_HEAD + body);
}

void worker_message_free(struct worker_message *message)
{
    worker_result_free(&message->result);
}
