/* Handles: places in a reserved range of addresses. A place is used once, so that a handle
 * that was destroyed is known for ever; what is noted of it lies apart, so that its memory need not stay. */
#include <sys/mman.h>

#include "tests/fakegpu/fake.h"

enum {
    OBJECTS = 1 << 23
};

struct object {
    enum fake_kind kind;
    bool           alive;
    const char    *maker, *end; /* calls that made it and ended it */
};

static struct {
    struct object *all;
    char          *bodies; /* FAKE_OBJECT bytes of each, which are the handles */
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

static void *reserved(size_t bytes)
{
    void *all = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (all == MAP_FAILED)
        fake_misuse("fakegpu", "no addresses for handles");
    return all;
}

void *fake_object_new(enum fake_kind kind)
{
    if (!objects.all) {
        objects.all = reserved(OBJECTS * sizeof *objects.all);
        objects.bodies = reserved((size_t)OBJECTS * FAKE_OBJECT);
    }
    if (objects.n == OBJECTS)
        fake_misuse("fakegpu", "more than %d handles were made", OBJECTS);
    objects.all[objects.n] = (struct object){kind, true, fake_call(), NULL};
    return objects.bodies + objects.n++ * FAKE_OBJECT;
}

/* The place that a handle points to; NULL: it is no handle. */
static struct object *find(const void *handle)
{
    uintptr_t at = (uintptr_t)handle - (uintptr_t)objects.bodies;

    if (!objects.all || at % FAKE_OBJECT != 0 || at / FAKE_OBJECT >= objects.n)
        return NULL;
    return &objects.all[at / FAKE_OBJECT];
}

static void *body_of(const struct object *object)
{
    return objects.bodies + (size_t)(object - objects.all) * FAKE_OBJECT;
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
    return body_of(object);
}

void fake_object_free(void *handle)
{
    struct object *object = find(handle);

    object->alive = false;
    object->end = fake_call();
    if (object->kind ==
        FAKE_BACKEND) /* each run of a plan makes one; others may still be looked at by queued work */
        (void)madvise(body_of(object), FAKE_OBJECT, MADV_DONTNEED);
}

void fake_objects_each(void (*see)(void *object, enum fake_kind kind, const char *maker,
                                   void *extra),
                       void *extra)
{
    for (size_t k = 0; k < objects.n; k++)
        if (objects.all[k].alive)
            see(body_of(&objects.all[k]), objects.all[k].kind, objects.all[k].maker, extra);
}
