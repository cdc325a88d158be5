/* Values of data keys that are good one by one. Only those that are no axis are looked at
 * here: `run` tells the rest before it starts. */
#include "sweep/config_reader.h"
#include "worker/known_sets.h"

static bool is_axis(const struct mx_reader *reader, enum mx_key_id key)
{
    for (size_t b = 0; b < reader->nblocks; b++)
        if (mx_reader_axis(&reader->blocks[b], key, NULL))
            return true;
    return false;
}

/* The chosen classes of one half of the dominoes. */
static void check_classes(const struct mx_reader *reader, enum mx_key_id set_key,
                          enum mx_key_id list_key)
{
    const struct mx_value *base = reader->config->base;
    const unsigned         set = worker_domino_data_set(base[set_key].choice);
    const struct mx_value *list = &base[list_key];
    const struct mx_place  place = reader->places[list_key];
    const char            *name = mx_keys[list_key].name;

    if (!reader->config->given[list_key] || is_axis(reader, set_key) || is_axis(reader, list_key))
        return;
    if (list->list.count < 2)
        mx_error_at(reader->values.messages, place, "%s needs two classes or more", name);
    for (size_t i = 0; i < list->list.count; i++)
        if (list->list.items[i].integer >= worker_known_set(set, NULL)->classes)
            mx_error_at(reader->values.messages, place, "%s: %s has the classes 0 to %u, not %d",
                        name, worker_set_name(set), worker_known_set(set, NULL)->classes - 1,
                        (int)list->list.items[i].integer);
}

void mx_reader_check_data(const struct mx_reader *reader)
{
    if (is_axis(reader, KEY_DATA_SET) ||
        reader->config->base[KEY_DATA_SET].choice != WORKER_DATA_DOMINOES ||
        is_axis(reader, KEY_DATA_PATH) || reader->config->given[KEY_DATA_PATH])
        return;
    check_classes(reader, KEY_DATA_DOMINOES_TOP, KEY_DATA_DOMINOES_TOP_CLASSES);
    check_classes(reader, KEY_DATA_DOMINOES_BOTTOM, KEY_DATA_DOMINOES_BOTTOM_CLASSES);
}
