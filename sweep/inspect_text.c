/* What `data inspect` prints. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "sweep/inspect.h"
#include "sweep/inspect_counts.h"
#include "worker/choices.h"

enum {
    FEW = 10,       /* training images of a class */
    UNEVEN = 10,    /* the largest class by the smallest */
    LONG_SIDES = 3, /* the longer side by the shorter one */
};

static const char *class_name(const void *owner, uint32_t id)
{
    return worker_dataset_class(owner, id);
}

static struct mx_inspect_ids ids_of(const struct worker_dataset *set, bool groups)
{
    struct mx_inspect_ids ids = {.head = groups ? "group" : "class",
                                 .n = groups ? set->shape.groups : set->shape.classes,
                                 .name = groups ? NULL : class_name,
                                 .owner = set};

    for (int p = 0; p < MX_INSPECT_PARTS; p++) {
        const struct worker_split *split = mx_inspect_part(set, p);

        ids.of[p] = groups ? split->groups : split->labels;
        ids.rows[p] = split->n;
    }
    return ids;
}

static void put_head(const struct mx_inspection *in, struct mx_buf *out)
{
    const struct worker_shape *shape = &in->set->shape;

    mx_buf_printf(out, "%s in %s\n", worker_data_sets[in->params.data_set].word,
                  in->params.data_path[0] ? in->params.data_path : "memory");
    mx_buf_printf(out, "%u classes, ", shape->classes);
    if (shape->groups > 0)
        mx_buf_printf(out, "%u groups, ", shape->groups);
    mx_buf_printf(out, "%u training, %u validation and %u test images%s\n", in->set->train.n,
                  in->set->val.n, in->set->test.n,
                  in->held_out ? " (there is no test part: a fifth stands in for it)" : "");
}

static void put_files(const struct mx_inspection *in, struct mx_buf *out)
{
    const struct mx_inspect_sizes *sizes = &in->sizes;
    const struct worker_shape     *shape = &in->set->shape;

    mx_buf_text(out, "\n");
    if (sizes->files == 0)
        mx_buf_printf(out, "images  %u x %u pixels, %u channel%s\n", shape->width, shape->height,
                      shape->channels, shape->channels == 1 ? "" : "s");
    else if (sizes->least[0] == sizes->most[0] && sizes->least[1] == sizes->most[1])
        mx_buf_printf(out, "images  %u x %u pixels, ", sizes->least[0], sizes->least[1]);
    else
        mx_buf_printf(out, "images  %u to %u pixels wide (half up to %u), %u to %u high (%u), ",
                      sizes->least[0], sizes->most[0], sizes->middle[0], sizes->least[1],
                      sizes->most[1], sizes->middle[1]);
    if (sizes->files > 0)
        mx_buf_printf(out, "%" PRIu64 " in colour and %" PRIu64 " grey\n",
                      sizes->files - sizes->grey, sizes->grey);
    mx_buf_text(out, "pixels  ");
    for (uint32_t c = 0; c < shape->channels; c++)
        mx_buf_printf(out, "%s%.4f +- %.4f", c > 0 ? ", " : "", (double)in->set->mean[c],
                      (double)in->set->sd[c]);
    mx_buf_text(out, ", mean and deviation that training would use\n");
    if (in->annotations && worker_annotations_boxes(in->annotations))
        mx_buf_printf(out, "boxes   in %" PRIu64 " of %u test images\n", in->boxed,
                      in->set->test.n);
    if (in->annotations && worker_annotations_masks(in->annotations))
        mx_buf_printf(out, "masks   of %" PRIu64 " of %u test images\n", in->masked,
                      in->set->test.n);
}

/* A line of what is odd. */
static void odd(struct mx_buf *out, bool *any, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void odd(struct mx_buf *out, bool *any, const char *format, ...)
{
    va_list args;

    mx_buf_text(out, *any ? "        " : "odd     ");
    *any = true;
    va_start(args, format);
    mx_buf_vprintf(out, format, args);
    va_end(args);
    mx_buf_text(out, "\n");
}

static void odd_copies(const struct mx_inspect_copies *copies, struct mx_buf *out, bool *any)
{
    if (copies->across > 0)
        odd(out, any, "%" PRIu64 " of the validation and test images are training images too: %s",
            copies->across, copies->example);
    if (copies->within > 0)
        odd(out, any, "%" PRIu64 " image%s there again in the same part%s%s", copies->within,
            copies->within == 1 ? " is" : "s are", copies->across > 0 ? "" : ": ",
            copies->across > 0 ? "" : copies->example);
    if (copies->other_class > 0)
        odd(out, any, "%" PRIu64 " of these copies have another class: %s", copies->other_class,
            copies->other_example);
}

static void odd_files(const struct mx_inspection *in, struct mx_buf *out, bool *any)
{
    const struct worker_remarks *remarks = &in->set->remarks;

    if (in->resized)
        odd(out, any, "the images differ in size: data.size has to say to which they are brought");
    if (remarks->skipped > 0)
        odd(out, any, "%u damaged file%s, the first: %s", remarks->skipped,
            remarks->skipped == 1 ? "" : "s", remarks->first_skipped);
    for (uint32_t i = 1; i < remarks->skipped && i < WORKER_REMARK_NAMES; i++)
        odd(out, any, "damaged, too: %s", remarks->skipped_names[i]);
    if (remarks->skipped > WORKER_REMARK_NAMES)
        odd(out, any, "and %u damaged ones more", remarks->skipped - WORKER_REMARK_NAMES);
    if (remarks->turned > 0)
        odd(out, any, "%u photo%s to be turned (EXIF), which is not done, the first: %s",
            remarks->turned, remarks->turned == 1 ? " asks" : "s ask", remarks->first_turned);
    if (in->sizes.grey > 0 && in->sizes.grey < in->sizes.files)
        odd(out, any, "grey images among coloured ones");
    if (in->sizes.longest > LONG_SIDES)
        odd(out, any,
            "a side is %.1f times the other one, so that most is cut off where images are made "
            "square: %s",
            in->sizes.longest, in->sizes.longest_name);
    if (in->flat > 0)
        odd(out, any, "%" PRIu64 " image%s of one colour only", in->flat, in->flat == 1 ? "" : "s");
    if (in->why_not[0])
        odd(out, any, "boxes or masks cannot be read: %s", in->why_not);
    if (in->annotations && worker_annotations_remark(in->annotations)[0])
        odd(out, any, "%s", worker_annotations_remark(in->annotations));
}

static void odd_counts(const struct worker_dataset *set, const uint64_t *counts, struct mx_buf *out,
                       bool *any)
{
    uint64_t least = UINT64_MAX, most = 0;
    uint32_t few = 0, untested = 0;

    for (uint32_t k = 0; k < set->shape.classes; k++) {
        const uint64_t *of = counts + (size_t)k * MX_INSPECT_PARTS;

        least = of[0] < least ? of[0] : least;
        most = of[0] > most ? of[0] : most;
        few += of[0] < FEW;
        untested += of[2] == 0;
    }
    if (few > 0)
        odd(out, any, "%u class%s fewer than %d training images", few,
            few == 1 ? " has" : "es have", FEW);
    else if (most >= UNEVEN * least)
        odd(out, any, "the largest class has %" PRIu64 " training images, the smallest %" PRIu64,
            most, least);
    if (untested > 0)
        odd(out, any, "%u class%s no test image", untested, untested == 1 ? " has" : "es have");
}

void mx_inspect_text(const struct mx_inspection *in, struct mx_buf *out)
{
    const struct worker_dataset *set = in->set;
    const struct mx_inspect_ids  labels = ids_of(set, false), parts = ids_of(set, true);
    uint64_t                    *classes = mx_inspect_count(&labels);
    uint64_t                    *groups = parts.n > 0 ? mx_inspect_count(&parts) : NULL;
    bool                         any = false;

    put_head(in, out);
    if (classes)
        mx_inspect_counts(&labels, classes, out);
    if (groups)
        mx_inspect_counts(&parts, groups, out);
    put_files(in, out);
    odd_files(in, out, &any);
    odd_copies(&in->copies, out, &any);
    if (classes)
        odd_counts(set, classes, out, &any);
    if (!any)
        mx_buf_text(out, "odd     nothing\n");
    free(classes);
    free(groups);
}
