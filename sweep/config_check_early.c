/* config_check_early.c - whether schedule.early_stop can be done. */
#include <inttypes.h>

#include "sweep/config_reader.h"
#include "sweep/plan_early.h"

/* What is judged must be known of a training while it runs. */
static void check_metric(const struct mx_reader *reader)
{
    const char *metric = reader->config->base[KEY_SEARCH_METRIC].text;
    char        shown[MX_SHOWN_SIZE];

    if (!*metric || mx_plan_early_metric(metric))
        return;
    mx_shown(metric, shown);
    mx_error_at(reader->values.messages, reader->places[KEY_SCHEDULE_EARLY_STOP],
                "schedule.early_stop: trainings are judged by search.metric, and '%s' is not "
                "known while they run (write search: {metric: val.accuracy})",
                shown);
}

/* The largest train.epochs of all cells; of long axes the benefit of the doubt. */
static double most_epochs(const struct mx_reader *reader)
{
    double most = 0, x;

    for (size_t b = 0; b < mx_reader_blocks(reader); b++)
        if ((x = mx_reader_extreme(reader, b, KEY_TRAIN_EPOCHS, true)) > most)
            most = x;
    return most;
}

/* Rungs that no training comes to. */
static void check_rungs(const struct mx_reader *reader)
{
    const struct mx_value *base = reader->config->base;
    struct mx_messages    *messages = reader->values.messages;
    const double           epochs = most_epochs(reader);
    double                 first = (double)base[KEY_SCHEDULE_MIN_EPOCHS].integer;

    if (first >= epochs) {
        mx_error_at(messages, reader->places[KEY_SCHEDULE_EARLY_STOP],
                    "schedule.early_stop: no training is longer than schedule.min_epochs (%" PRId64
                    "): none could be stopped",
                    base[KEY_SCHEDULE_MIN_EPOCHS].integer);
        return;
    }
    if (base[KEY_SCHEDULE_EARLY_STOP].choice == MX_EARLY_STOP_MEDIAN)
        return;
    for (int64_t b = 0; b < base[KEY_SCHEDULE_BRACKETS].integer - 1; b++) {
        if (first >= epochs) {
            mx_error_at(messages, reader->places[KEY_SCHEDULE_BRACKETS],
                        "schedule.brackets: %" PRId64 " are enough: the first rung of the last of "
                        "those is at %.0f epochs, and no training is longer",
                        b + 1, first);
            return;
        }
        first *= (double)base[KEY_SCHEDULE_REDUCTION_FACTOR].integer;
    }
}

static bool is_broken(const struct mx_reader *reader)
{
    static const enum mx_key_id keys[] = {KEY_SCHEDULE_EARLY_STOP, KEY_SCHEDULE_MIN_EPOCHS,
                                          KEY_SCHEDULE_REDUCTION_FACTOR, KEY_SCHEDULE_BRACKETS,
                                          KEY_TRAIN_EPOCHS};

    for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++)
        if (reader->broken[keys[k]])
            return true;
    return false;
}

void mx_reader_check_early(const struct mx_reader *reader, uint32_t sets)
{
    if (reader->config->base[KEY_SCHEDULE_EARLY_STOP].choice == MX_EARLY_STOP_NONE ||
        is_broken(reader))
        return;
    if (sets == 1u << WORKER_DATA_FEATURES) {
        mx_error_at(
            reader->values.messages, reader->places[KEY_SCHEDULE_EARLY_STOP],
            "schedule.early_stop: data.set features has no trainings that could be stopped");
        return;
    }
    check_metric(reader);
    check_rungs(reader);
}
