#include "worker/params.h"

#define PUT_REAL(name)   mx_put_real(out, params->name);
#define PUT_INT(name)    mx_put_i64(out, params->name);
#define PUT_BOOL(name)   mx_put_u8(out, params->name);
#define PUT_CHOICE(name) mx_put_u32(out, params->name);
#define PUT_PATH(name)   mx_put_text(out, params->name);
#define PUT_LIST(name)   put_list(out, &params->name);
#define PUT_SET(name)    mx_put_u64(out, params->name);

static void put_list(struct mx_buf *out, const struct worker_list *list)
{
    mx_put_u32(out, list->count);
    for (uint32_t i = 0; i < list->count; i++)
        mx_put_real(out, list->items[i]);
}

void worker_params_put(struct mx_buf *out, const struct worker_params *params)
{
    WORKER_PARAMS(PUT_REAL, PUT_INT, PUT_BOOL, PUT_CHOICE, PUT_PATH, PUT_LIST, PUT_SET)
}

#define TAKE_REAL(name)   params->name = mx_take_real(wire);
#define TAKE_INT(name)    params->name = mx_take_i64(wire);
#define TAKE_BOOL(name)   params->name = mx_take_u8(wire) != 0;
#define TAKE_CHOICE(name) params->name = mx_take_u32(wire);
#define TAKE_PATH(name)   mx_take_text(wire, params->name, sizeof params->name);
#define TAKE_LIST(name)   take_list(wire, &params->name);
#define TAKE_SET(name)    params->name = mx_take_u64(wire);

/* A list that says it is longer than it can be makes the whole message bad. */
static void take_list(struct mx_wire *wire, struct worker_list *list)
{
    *list = (struct worker_list){.count = mx_take_u32(wire)};
    if (list->count > WORKER_LIST_ROOM) {
        list->count = 0;
        wire->failed = true;
    }
    for (uint32_t i = 0; i < list->count; i++)
        list->items[i] = mx_take_real(wire);
}

void worker_params_take(struct mx_wire *wire, struct worker_params *params)
{
    WORKER_PARAMS(TAKE_REAL, TAKE_INT, TAKE_BOOL, TAKE_CHOICE, TAKE_PATH, TAKE_LIST, TAKE_SET)
}
