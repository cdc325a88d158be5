/* config_check_sizes.c - whether networks take images as small as these. */
#include "sweep/config_reader.h"
#include "worker/net.h"

/* The largest side of images, at least 1; 0 if there is one that only the data set knows. */
static uint32_t largest_side(const struct mx_reader *reader)
{
    double most = 0;

    for (size_t b = 0; b < mx_reader_blocks(reader); b++) {
        const double x = mx_reader_extreme(reader, b, KEY_DATA_SIZE, true);

        if (!(mx_reader_extreme(reader, b, KEY_DATA_SIZE, false) > 0))
            return 0;
        most = x > most ? x : most;
    }
    return (uint32_t)most;
}

/* With any stem that is asked for. */
static int build(const struct mx_reader *reader, unsigned arch, uint32_t side, struct mx_err *err)
{
    const uint32_t            stems = mx_reader_words(reader, KEY_MODEL_STEM);
    const struct worker_shape shape = {.channels = 3, .height = side, .width = side, .classes = 2};

    for (unsigned stem = 0; worker_stems[stem].word; stem++) {
        const struct worker_params params = {.model_arch = arch, .model_stem = stem};
        struct worker_net          net;

        if (!(stems >> stem & 1u))
            continue;
        if (worker_net_build(&params, &shape, &net, err) == 0) {
            worker_net_free(&net);
            return 0;
        }
        if (err->code != MX_EINVAL)
            return 0;
    }
    return -1;
}

void mx_reader_check_sizes(const struct mx_reader *reader)
{
    const uint32_t  archs = mx_reader_words(reader, KEY_MODEL_ARCH);
    struct mx_place place = reader->places[KEY_MODEL_ARCH];
    struct mx_err   err;
    uint32_t        side;

    if (reader->broken[KEY_DATA_SIZE] || reader->broken[KEY_MODEL_ARCH] ||
        reader->broken[KEY_MODEL_STEM] || (side = largest_side(reader)) == 0)
        return;
    for (size_t b = 0; b < reader->nblocks; b++)
        mx_reader_axis(&reader->blocks[b], KEY_MODEL_ARCH, &place);
    for (unsigned arch = 0; worker_archs[arch].word; arch++)
        if (archs >> arch & 1u && build(reader, arch, side, &err))
            mx_error_at(reader->values.messages, place, "%s", err.text);
}
