/* config_check_precision.c - arithmetic that only a GPU has. */
#include "sweep/config_reader.h"
#include "sweep/words.h"

void mx_reader_check_precision(const struct mx_reader *reader)
{
    const uint32_t  words = mx_reader_words(reader, KEY_TRAIN_PRECISION);
    struct mx_place place = reader->places[KEY_TRAIN_PRECISION];

    if (reader->broken[KEY_TRAIN_PRECISION] || reader->broken[KEY_SCHEDULE_DEVICE] ||
        reader->config->base[KEY_SCHEDULE_DEVICE].choice != MX_DEVICE_CPU)
        return;
    for (size_t b = 0; b < reader->nblocks; b++)
        mx_reader_axis(&reader->blocks[b], KEY_TRAIN_PRECISION, &place);
    for (unsigned word = WORKER_NET_F32 + 1; worker_net_precisions[word].word; word++)
        if (words & UINT32_C(1) << word)
            mx_error_at(
                reader->values.messages, place,
                "train.precision: %s needs a GPU, and schedule.device is cpu, which computes "
                "in f32 (write f32, or schedule: {device: cuda})",
                worker_net_precisions[word].word);
}
