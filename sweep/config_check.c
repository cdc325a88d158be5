#include <string.h>

#include "sweep/config_reader.h"

/* Required keys: a value or an axis in every block. */
static void check_required(const struct mx_reader *reader, enum mx_key_id key, const char *example)
{
    struct mx_place place = reader->section_places[mx_keys[key].section];
    size_t          swept = 0;

    for (size_t b = 0; b < reader->nblocks; b++)
        swept += mx_reader_axis(&reader->blocks[b], key, NULL) != NULL;
    if (reader->attempted[key] || (reader->nblocks > 0 && swept == reader->nblocks))
        return;
    if (place.line == 0)
        place.line = place.column = 1;
    mx_error_at(reader->values.messages, place, "%s is missing (add %s: {%s: %s})",
                mx_keys[key].name, mx_section_names[mx_keys[key].section],
                strchr(mx_keys[key].name, '.') + 1, example);
}

void mx_reader_check(const struct mx_reader *reader)
{
    check_required(reader, KEY_DATA_SET, "fashion-mnist");
    check_required(reader, KEY_MODEL_ARCH, "resnet8");
}
