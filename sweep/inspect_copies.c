/* Images that are there more than once: equal hashes of their decoded bytes. */
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "sweep/inspect.h"
#include "worker/picture.h"

/* One image. */
struct seen {
    uint64_t hash;
    uint32_t part, at; /* training first */
};

static int by_hash(const void *a, const void *b)
{
    const struct seen *x = a, *y = b;

    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    if (x->part != y->part)
        return x->part < y->part ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

/* "test/cat/1.jpg", or "test image 7". */
static void name_image(const struct mx_inspection *in, const struct seen *seen, char *out,
                       size_t room)
{
    const int   part = (int)seen->part;
    const char *name = in->files ? worker_image_files_of(in->files, in->set, part, seen->at) : NULL;
    char        shown[WORKER_SHOWN_SIZE];

    if (name)
        snprintf(out, room, "%s", worker_shown_path(name, shown));
    else
        snprintf(out, room, "%s image %u", mx_inspect_parts[part],
                 mx_inspect_part(in->set, part)->rows[seen->at]);
}

static uint32_t label_of(const struct mx_inspection *in, const struct seen *seen)
{
    return mx_inspect_part(in->set, (int)seen->part)->labels[seen->at];
}

static void tell_pair(const struct mx_inspection *in, const struct seen *first,
                      const struct seen *again, char out[MX_INSPECT_EXAMPLE])
{
    char one[MX_INSPECT_EXAMPLE / 2 - 10], other[MX_INSPECT_EXAMPLE / 2 - 10];

    if (out[0])
        return;
    name_image(in, first, one, sizeof one);
    name_image(in, again, other, sizeof other);
    snprintf(out, MX_INSPECT_EXAMPLE, "%s is %s", other, one);
}

/* Images of one hash, training first. */
static void count_copies(struct mx_inspection *in, const struct seen *seen, size_t n)
{
    struct mx_inspect_copies *copies = &in->copies;

    for (size_t k = 1; k < n; k++) {
        const bool across = seen[0].part == 0 && seen[k].part != 0;

        copies->across += across;
        copies->within += seen[k].part == seen[k - 1].part;
        if (across && copies->across == 1)
            copies->example[0] = '\0'; /* it says more than one within a part */
        if (across || copies->across == 0)
            tell_pair(in, &seen[0], &seen[k], copies->example);
        if (label_of(in, &seen[k]) != label_of(in, &seen[0])) {
            copies->other_class++;
            tell_pair(in, &seen[0], &seen[k], copies->other_example);
        }
    }
}

int mx_inspect_copies(struct mx_inspection *in, struct mx_err *err)
{
    const struct worker_shape *shape = &in->set->shape;
    const size_t               bytes = (size_t)shape->channels * shape->height * shape->width;
    const size_t               total = (size_t)in->set->train.n + in->set->val.n + in->set->test.n;
    struct seen               *seen = calloc(total + 1, sizeof *seen);
    size_t                     n = 0;

    if (!seen)
        return mx_fail(err, MX_ENOMEM, "no memory to compare %zu images", total);
    for (int p = 0; p < MX_INSPECT_PARTS; p++) {
        const struct worker_split *split = mx_inspect_part(in->set, p);

        for (uint32_t i = 0; i < split->n; i++)
            seen[n++] = (struct seen){mx_hash64(worker_split_image(split, i, bytes), bytes),
                                      (uint32_t)p, i};
    }
    qsort(seen, n, sizeof *seen, by_hash);
    for (size_t first = 0, end; first < n; first = end) {
        for (end = first + 1; end < n && seen[end].hash == seen[first].hash;)
            end++;
        count_copies(in, seen + first, end - first);
    }
    free(seen);
    return 0;
}
