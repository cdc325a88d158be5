#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "sweep/config_reader.h"

/* {linear: [a, b], step: s | count: n} or {log: [a, b], count: n}. */
struct range {
    const struct mx_reader *reader;
    enum mx_key_id          key;
    const struct mx_node   *node;
    const struct mx_node   *linear, *log, *step, *count; /* its entries, or NULL */
    double                  from, to;
};

enum {
    LONGEST_LOG = 100000 /* values of a log range: those are kept, not computed */
};

static bool fail(const struct range *r, const struct mx_node *node, const char *text)
{
    mx_error_at(r->reader->values.messages, node->place, "%s: %s", mx_keys[r->key].name, text);
    return false;
}

static bool sort_entries(struct range *r)
{
    for (const struct mx_node *entry = r->node->first; entry; entry = entry->next) {
        const char *name = entry->key->text;

        if (strcmp(name, "linear") == 0)
            r->linear = entry;
        else if (strcmp(name, "log") == 0)
            r->log = entry;
        else if (strcmp(name, "step") == 0)
            r->step = entry;
        else if (strcmp(name, "count") == 0)
            r->count = entry;
        else
            return fail(r, entry->key,
                        "a range has linear or log, step or count, and nothing else");
    }
    if (!r->linear == !r->log)
        return fail(r, r->node, "a range needs either linear: [a, b] or log: [a, b]");
    if (r->log && r->step)
        return fail(r, r->step, "a log range takes count, not step");
    if (!r->step == !r->count)
        return fail(r, r->node,
                    r->log ? "a log range needs count" : "a linear range needs step or count");
    return true;
}

/* The two ends, within the key's bounds. */
static bool read_ends(struct range *r)
{
    const struct mx_node *ends = r->linear ? r->linear : r->log;
    struct mx_value       from, to;
    enum mx_type          type = mx_keys[r->key].type;
    bool                  from_ok, to_ok;

    if (type != MX_TYPE_REAL && type != MX_TYPE_INT)
        return fail(r, r->node, "only numbers have ranges (write a list)");
    if (ends->kind != MX_NODE_LIST || ends->count != 2)
        return fail(r, ends, "a range needs two ends (write [a, b])");
    from_ok = mx_value_read(&r->reader->values, r->key, ends->first, &from);
    to_ok = mx_value_read(&r->reader->values, r->key, ends->last, &to);
    if (!from_ok || !to_ok)
        return false;
    r->from = mx_value_number(r->key, &from);
    r->to = mx_value_number(r->key, &to);
    if (r->log && (r->from <= 0 || r->to <= 0))
        return fail(r, ends, "both ends of a log range must be above 0");
    return true;
}

/* Round to 12 significant digits: what pow() leaves in the last ones differs
 * between machines, and 0.1 to 1.6 in five steps should hold 0.4. */
static double rounded(double x)
{
    char text[32];

    snprintf(text, sizeof text, "%.11e", x);
    return strtod(text, NULL);
}

/* step must lead from one end to the other, so that no end is lost unseen. */
static bool count_steps(const struct range *r, uint64_t *count)
{
    double step, steps;
    char   text[160], last[MX_NUM_SIZE];

    if (!mx_number_read(&r->reader->values, "step", r->step, &step))
        return false;
    if (step == 0)
        return fail(r, r->step, "a step of 0 never arrives");
    steps = (r->to - r->from) / step;
    if (steps < 0)
        return fail(r, r->step, "the step leads away from the second end (change its sign)");
    if (steps > 1e15)
        return fail(r, r->step, "more than 10^15 steps");
    if (fabs(steps - rint(steps)) > 1e-9 * fmax(1, steps)) {
        snprintf(text, sizeof text,
                 "the step does not reach the second end (the last value would be %s; change the "
                 "end or use count)",
                 mx_num_format(rounded(r->from + floor(steps) * step), last));
        return fail(r, r->step, text);
    }
    *count = (uint64_t)rint(steps) + 1;
    return true;
}

static bool read_count(const struct range *r, uint64_t *count)
{
    double number;

    if (r->step)
        return count_steps(r, count);
    if (!mx_number_read(&r->reader->values, "count", r->count, &number))
        return false;
    if (number < 1 || number != floor(number) || number > 1e15)
        return fail(r, r->count, "count must be a whole number, 1 or more");
    *count = (uint64_t)number;
    return true;
}

/* Find a power of ten that makes the ends and the step whole, so that each
 * value is a quotient of two exact numbers and 0.1, 0.2, 0.3 come out as
 * written; scale stays 0 if there is none. */
static void find_scale(struct mx_axis_values *v)
{
    const double exact = 9007199254740992.0, steps = (double)(v->count - 1);
    double       scale = 1;

    for (int digits = 0; digits <= 15; digits++) {
        double first = rint(v->from * scale), last = rint(v->to * scale);

        if (fabs(first) > exact || fabs(last) > exact || fabs(last - first) > exact)
            return;
        if (first / scale == v->from && last / scale == v->to &&
            (steps == 0 || fmod(last - first, steps) == 0)) {
            v->first = first;
            v->delta = steps == 0 ? 0 : (last - first) / steps;
            v->scale = scale;
            return;
        }
        scale *= 10;
    }
}

static bool fill_log(const struct range *r, struct mx_axis_values *v)
{
    struct mx_value *list;
    double           steps = (double)(v->count - 1);

    if (v->count > LONGEST_LOG)
        return fail(r, r->count, "a log range has at most 100000 values");
    if (!(list = mx_arena_alloc(r->reader->values.arena, v->count, sizeof *list)))
        return false;
    for (uint64_t i = 0; i < v->count; i++) {
        double x = i == 0              ? v->from
                   : i == v->count - 1 ? v->to
                                       : rounded(v->from * pow(v->to / v->from, (double)i / steps));

        if (mx_keys[r->key].type == MX_TYPE_INT) {
            list[i].integer = (int64_t)rint(x);
            if (fabs(x - rint(x)) > 1e-9 * x)
                return fail(r, r->node, "the range holds values that are not whole numbers");
        } else {
            list[i].real = x;
        }
    }
    v->list = list;
    return true;
}

bool mx_reader_range(const struct mx_reader *reader, enum mx_key_id key, const struct mx_node *node,
                     struct mx_axis_values *v)
{
    struct range r = {.reader = reader, .key = key, .node = node};

    if (!sort_entries(&r) || !read_ends(&r) || !read_count(&r, &v->count))
        return false;
    if ((r.from == r.to) != (v->count == 1))
        return fail(&r, r.count ? r.count : r.node,
                    r.from == r.to ? "equal ends give one value (count: 1)"
                                   : "a count of 1 cannot hold two ends");
    v->form = r.log ? MX_AXIS_LOG : MX_AXIS_LINEAR;
    v->from = r.from;
    v->to = r.to;
    if (r.log)
        return fill_log(&r, v);
    find_scale(v);
    if (mx_keys[key].type == MX_TYPE_INT && v->scale != 1)
        return fail(&r, r.node, "the range holds values that are not whole numbers");
    return true;
}

struct mx_value mx_axis_value(const struct mx_axis_values *values, enum mx_key_id key, uint64_t i)
{
    struct mx_value value = {0};
    double          x;

    if (values->form != MX_AXIS_LINEAR)
        return values->list[i];
    if (values->scale != 0)
        x = (values->first + (double)i * values->delta) / values->scale;
    else if (i == values->count - 1)
        x = values->to;
    else
        x = values->from + (double)i * ((values->to - values->from) / (double)(values->count - 1));
    if (mx_keys[key].type == MX_TYPE_INT)
        value.integer = (int64_t)x;
    else
        value.real = x;
    return value;
}
