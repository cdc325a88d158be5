#include "worker/contribution.h"

#include <stdlib.h>
#include <string.h>

#include "worker/fault.h"

/* What one stage gave: values[first .. first + count). */
struct entry {
    uint64_t lease;
    uint32_t stage, count;
    size_t   first;
};

struct value {
    uint32_t name;
    uint64_t bits;
};

struct worker_contributions {
    struct entry *entries;
    size_t        nentries, entries_room;
    struct value *values;
    size_t        nvalues, values_room;
    char (*names)[WORKER_METRIC_NAME_SIZE];
    size_t nnames, names_room;
};

struct worker_contributions *worker_contributions_new(struct mx_err *err)
{
    struct worker_contributions *c = calloc(1, sizeof *c);

    if (!c)
        mx_fail(err, MX_ENOMEM, "no memory for results");
    return c;
}

void worker_contributions_free(struct worker_contributions *c)
{
    if (!c)
        return;
    free(c->entries);
    free(c->values);
    free(c->names);
    free(c);
}

/* Room for `more` items behind the n that are there. Returns the array or NULL. */
static void *reserve(void *array, size_t n, size_t more, size_t *room, size_t size)
{
    size_t wanted = *room ? *room : 16;
    void  *grown;

    if (n + more <= *room)
        return array;
    while (wanted < n + more)
        wanted *= 2;
    if ((grown = realloc(array, wanted * size)))
        *room = wanted;
    return grown;
}

/* The number of a name, added if new; `guess`, where it was in the last result,
 * is looked at first. UINT32_MAX without memory. */
static uint32_t name_number(struct worker_contributions *c, const char *name, size_t guess)
{
    void *names;

    if (guess < c->nnames && strcmp(c->names[guess], name) == 0)
        return (uint32_t)guess;
    for (size_t i = 0; i < c->nnames; i++)
        if (strcmp(c->names[i], name) == 0)
            return (uint32_t)i;
    if (!(names = reserve(c->names, c->nnames, 1, &c->names_room, sizeof c->names[0])))
        return UINT32_MAX;
    c->names = names;
    strncpy(c->names[c->nnames], name, sizeof c->names[0] - 1);
    c->names[c->nnames][sizeof c->names[0] - 1] = '\0';
    return (uint32_t)c->nnames++;
}

int worker_contributions_add(struct worker_contributions *c, uint64_t lease, uint32_t stage,
                             const struct worker_metric *metrics, size_t nmetrics,
                             struct mx_err *err)
{
    void *entries = reserve(c->entries, c->nentries, 1, &c->entries_room, sizeof c->entries[0]);
    void *values;

    if (!entries)
        return mx_fail(err, MX_ENOMEM, "no memory for the results of a stage");
    c->entries = entries;
    values = reserve(c->values, c->nvalues, nmetrics + 1, &c->values_room, sizeof c->values[0]);
    if (!values)
        return mx_fail(err, MX_ENOMEM, "no memory for the results of a stage");
    c->values = values;
    for (size_t i = 0; i < nmetrics; i++) {
        struct value *value = &c->values[c->nvalues + i];

        if ((value->name = name_number(c, metrics[i].name, i)) == UINT32_MAX)
            return mx_fail(err, MX_ENOMEM, "no memory for the name of a metric");
        memcpy(&value->bits, &metrics[i].value, sizeof value->bits);
    }
    c->entries[c->nentries++] = (struct entry){lease, stage, (uint32_t)nmetrics, c->nvalues};
    c->nvalues += nmetrics;
    return 0;
}

void worker_contributions_drop(struct worker_contributions *c, uint64_t lease)
{
    /* A late answer is a recent one. Its values stay where they are: few, and unused. */
    for (size_t i = c->nentries; i-- > 0;)
        if (c->entries[i].lease == lease) {
            memmove(&c->entries[i], &c->entries[i + 1],
                    (c->nentries - i - 1) * sizeof c->entries[0]);
            c->nentries--;
            return;
        }
}

static int put_entry(const struct worker_contributions *c, const struct entry *entry,
                     const uint32_t *columns, size_t ncolumns, struct reduce_slots *slots,
                     struct mx_err *err)
{
    for (uint32_t i = 0; i < entry->count; i++) {
        const struct value *value = &c->values[entry->first + i];
        uint64_t            slot = entry->stage * (uint64_t)ncolumns + columns[value->name];
        uint64_t            bits = value->bits;

        if (columns[value->name] == UINT32_MAX)
            continue;
        if (entry->lease != 0)
            worker_fault_contribution(slot, &bits);
        if (reduce_slots_set(slots, slot, bits, err))
            return -1;
    }
    return 0;
}

size_t worker_contributions_nnames(const struct worker_contributions *c)
{
    return c->nnames;
}

const char *worker_contributions_name(const struct worker_contributions *c, size_t i)
{
    return c->names[i];
}

int worker_contributions_slots(const struct worker_contributions *c, const char *const *names,
                               size_t nnames, const bool *wanted, struct reduce_slots *slots,
                               struct mx_err *err)
{
    uint32_t *columns = calloc(c->nnames + 1, sizeof *columns);
    int       rc = 0;

    if (!columns)
        return mx_fail(err, MX_ENOMEM, "no memory for the columns of a table");
    for (size_t i = 0; i < c->nnames; i++) {
        columns[i] = UINT32_MAX;
        for (size_t k = 0; k < nnames; k++)
            if (strcmp(c->names[i], names[k]) == 0)
                columns[i] = (uint32_t)k;
    }
    for (size_t i = 0; i < c->nentries && rc == 0; i++)
        if (!wanted || wanted[c->entries[i].stage])
            rc = put_entry(c, &c->entries[i], columns, nnames, slots, err);
    free(columns);
    return rc;
}
