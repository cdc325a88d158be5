/* Handles: places in a reserved range of addresses. A place is used once, so that a handle
 * that was destroyed is known for ever. */
#include <stdlib.h>
#include <sys/mman.h>

#include "tests/fakegpu/fake.h"

enum {
    OBJECTS = 1 << 20
};

struct object {
    enum fake_kind kind;
    bool           alive;
    const char    *maker, *end; /* calls that made it and ended it */
    _Alignas(64) char body[FAKE_OBJECT - 64];
};

static struct {
    struct object *all;
    size_t         n;
} objects;

const char *fake_kind_name(enum fake_kind kind)
{
    static const char *const names[FAKE_LAST_KIND + 1] = {"nothing",
                                                          "a stream",
                                                          "an event",
                                                          "a graph",
                                                          "an executable graph",
                                                          "a cuBLAS handle",
                                                          "a cuDNN handle",
                                                          "a tensor descriptor",
                                                          "a filter descriptor",
                                                          "a convolution descriptor",
                                                          "an activation descriptor",
                                                          "a pooling descriptor",
                                                          "a reduction descriptor",
                                                          "a NCCL communicator",
                                                          "a cuFFT plan",
                                                          "a backend descriptor"};

    return names[kind];
}

void *fake_object_new(enum fake_kind kind)
{
    struct object *object;

    if (!objects.all) {
        void *all = mmap(NULL, OBJECTS * sizeof *object, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

        if (all == MAP_FAILED)
            fake_misuse("fakegpu", "no addresses for handles");
        objects.all = all;
    }
    if (objects.n == OBJECTS)
        fake_misuse("fakegpu", "more than %d handles were made", OBJECTS);
    object = &objects.all[objects.n++];
    object->kind = kind;
    object->alive = true;
    object->maker = fake_call();
    return object->body;
}

/* The object that a handle points to; NULL: it is no handle. */
static struct object *find(const void *handle)
{
    uintptr_t at = (uintptr_t)handle, first = (uintptr_t)objects.all;
    size_t    k;

    if (!objects.all || at < first)
        return NULL;
    k = (at - first) / sizeof(struct object);
    return k < objects.n && objects.all[k].body == handle ? &objects.all[k] : NULL;
}

void *fake_object(const char *argument, const void *handle, enum fake_kind kind)
{
    struct object *object = find(handle);

    if (!handle)
        fake_misuse(argument, "is NULL, not %s", fake_kind_name(kind));
    if (!object)
        fake_misuse(argument, "is not %s, nor any other handle", fake_kind_name(kind));
    if (object->kind != kind)
        fake_misuse(argument, "is %s, not %s", fake_kind_name(object->kind), fake_kind_name(kind));
    if (!object->alive)
        fake_misuse(argument, "%s that %s destroyed", fake_kind_name(kind), object->end);
    return object->body;
}

void fake_object_free(void *handle)
{
    struct object *object = find(handle);

    object->alive = false;
    object->end = fake_call();
}

void fake_objects_each(void (*see)(void *object, enum fake_kind kind, const char *maker,
                                   void *extra),
                       void *extra)
{
    for (size_t k = 0; k < objects.n; k++)
        if (objects.all[k].alive)
            see(objects.all[k].body, objects.all[k].kind, objects.all[k].maker, extra);
}
