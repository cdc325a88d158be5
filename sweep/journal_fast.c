#include "sweep/journal_fast.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/decimal.h"
#include "base/num.h"

/* What is left of a line. Each take_*() moves behind what it takes, and says
 * false, at any place, if that is not there. */
struct cursor {
    const char *at, *end;
};

static bool take(struct cursor *c, const char *literal)
{
    size_t n = strlen(literal);

    if ((size_t)(c->end - c->at) < n || memcmp(c->at, literal, n) != 0)
        return false;
    c->at += n;
    return true;
}

static bool take_count(struct cursor *c, uint64_t most, uint64_t *out)
{
    const char *begin = c->at;
    uint64_t    x = 0;

    for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++) {
        x = 10 * x + (uint64_t)(*c->at - '0');
        if (x > most)
            return false;
    }
    *out = x;
    return c->at > begin && (*begin != '0' || c->at == begin + 1);
}

static bool take_u32(struct cursor *c, uint32_t *out)
{
    uint64_t x = 0;

    if (!take_count(c, UINT32_MAX, &x))
        return false;
    *out = (uint32_t)x;
    return true;
}

/* A text without escapes, of plain ASCII, up to its closing quote. */
static bool take_text(struct cursor *c, char *out, size_t size)
{
    const char *begin = c->at;
    size_t      n;

    while (c->at < c->end && *c->at >= 0x20 && *c->at < 0x7F && *c->at != '"' && *c->at != '\\')
        c->at++;
    n = (size_t)(c->at - begin);
    if (n >= size || !take(c, "\""))
        return false;
    memcpy(out, begin, n);
    out[n] = '\0';
    return true;
}

/* A number that JSON has too. One that is not read in whole arithmetic must be just as we
 * write it: reading it and writing it again says so. */
static bool take_real(struct cursor *c, double *out)
{
    char   text[MX_NUM_SIZE], back[MX_NUM_SIZE];
    size_t n = mx_decimal_read(c->at, (size_t)(c->end - c->at), out);
    double x;

    if (n > 0) {
        c->at += n;
        return true;
    }

    while (c->at < c->end && n < sizeof text - 1 && *c->at != ',' && *c->at != '}' && *c->at)
        text[n++] = *c->at++;
    text[n] = '\0';
    if (!mx_num_parse_real(text, &x) || strcmp(mx_num_format(x, back), text) != 0)
        return false;
    *out = x;
    return true;
}

static bool take_time(struct cursor *c, double *out)
{
    if ((size_t)(c->end - c->at) < MX_UTC_LENGTH || !mx_clock_parse_utc(c->at, out))
        return false;
    c->at += MX_UTC_LENGTH;
    return take(c, "\"");
}

static bool take_key(struct cursor *c, struct mx_hash128 *key)
{
    if (c->end - c->at < MX_HASH128_HEX || !mx_hash128_parse(c->at, key))
        return false;
    c->at += MX_HASH128_HEX - 1;
    return take(c, "\"");
}

static bool take_value(struct cursor *c, double *out)
{
    if (c->at < c->end && *c->at == 'n') {
        *out = NAN;
        return take(c, "null");
    }
    if (c->at < c->end && *c->at == '"') {
        *out = c->end - c->at > 1 && c->at[1] == '-' ? -INFINITY : INFINITY;
        return take(c, *out < 0 ? "\"-inf\"" : "\"inf\"");
    }
    return take_real(c, out);
}

/* At least as many metrics as the line can have: each but the last ends in a comma. */
static size_t count_commas(const struct cursor *c)
{
    size_t n = 0;

    for (const char *at = c->at; at < c->end; at++)
        n += *at == ',';
    return n;
}

/* Of members of one name JSON keeps the last: those are left to jansson. */
static bool is_new(const struct worker_metric *list, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i].name, name) == 0)
            return false;
    return true;
}

static bool take_metrics(struct cursor *c, struct mx_record *record)
{
    struct worker_metric *list = calloc(count_commas(c) + 1, sizeof list[0]);
    size_t                n = 0;

    record->metrics = list; /* released with the line, whatever comes */
    if (!list || !take(c, "{"))
        return false;
    if (take(c, "}"))
        return true;
    do {
        struct worker_metric *metric = &list[n];

        if (!take(c, "\"") || !take_text(c, metric->name, sizeof metric->name) ||
            !is_new(list, n, metric->name) || !take(c, ":") || !take_value(c, &metric->value))
            return false;
        record->nmetrics = ++n;
    } while (take(c, ","));
    return take(c, "}");
}

static bool take_reason(struct cursor *c, enum mx_reason *reason)
{
    char text[32];

    if (!take_text(c, text, sizeof text))
        return false;
    for (size_t k = 0; k < MX_REASONS; k++)
        if (strcmp(text, mx_reason_names[k]) == 0) {
            *reason = (enum mx_reason)k;
            return true;
        }
    return false;
}

static bool take_kind(struct cursor *c, enum mx_record_kind *kind)
{
    static const struct {
        const char         *word;
        enum mx_record_kind kind;
    } kinds[] = {{"done\"", MX_RECORD_DONE},
                 {"started\"", MX_RECORD_STARTED},
                 {"failed\"", MX_RECORD_FAILED}};

    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
        if (take(c, kinds[k].word)) {
            *kind = kinds[k].kind;
            return true;
        }
    return false;
}

/* What records of every kind have. */
static bool take_stage(struct cursor *c, struct mx_record *record)
{
    return take(c, ",\"key\":\"") && take_key(c, &record->key) && take(c, ",\"attempt\":") &&
           take_u32(c, &record->attempt) && take(c, ",\"host\":\"") &&
           take_text(c, record->host, sizeof record->host) && take(c, ",\"rank\":") &&
           take_u32(c, &record->rank) && take(c, ",\"executor\":") &&
           take_u32(c, &record->executor) && take(c, ",\"device\":\"") &&
           take_text(c, record->device, sizeof record->device) &&
           (!take(c, ",\"started\":\"") || take_time(c, &record->started_utc_s)) &&
           (!take(c, ",\"ended\":\"") || take_time(c, &record->ended_utc_s));
}

static bool take_failure(struct cursor *c, struct mx_record *record)
{
    if (!take(c, ",\"reason\":\"") || !take_reason(c, &record->reason) || !take(c, ",\"final\":"))
        return false;
    record->final = take(c, "true");
    return (record->final || take(c, "false")) && take(c, ",\"text\":\"") &&
           take_text(c, record->text, sizeof record->text);
}

/* What it took of a GPU, if it ran on one. */
static bool take_gpu(struct cursor *c, struct mx_gpu_use *gpu)
{
    gpu->known = take(c, ",\"gpu_seconds\":");
    if (!gpu->known)
        return true;
    if (!take_real(c, &gpu->seconds) || !take(c, ",\"energy_j\":"))
        return false;
    if (!take(c, "null"))
        return take_real(c, &gpu->energy_j);
    gpu->energy_j = NAN;
    return true;
}

static bool take_line(struct cursor *c, struct mx_journal_line *line)
{
    static const uint64_t most = 1000000000000000;
    struct mx_record     *record = &line->record;

    if (!take(c, MX_JOURNAL_BEGIN) || !take_count(c, most, &line->seq) ||
        !take(c, ",\"kind\":\"") || !take_kind(c, &record->kind) || !take_stage(c, record))
        return false;
    if (record->kind == MX_RECORD_STARTED)
        return true;
    if (!take(c, ",\"seconds\":") || !take_real(c, &record->seconds) || !take_gpu(c, &record->gpu))
        return false;
    return record->kind == MX_RECORD_DONE ? take(c, ",\"metrics\":") && take_metrics(c, record)
                                          : take_failure(c, record);
}

bool mx_journal_line_fast(const char *text, size_t len, struct mx_journal_line *line)
{
    struct cursor c = {text, text + len};

    *line = (struct mx_journal_line){0};
    if (take_line(&c, line) && take(&c, MX_JOURNAL_SUM) &&
        c.at + MX_JOURNAL_SUM_LENGTH == c.end + strlen(MX_JOURNAL_SUM))
        return true;
    mx_journal_line_free(line);
    return false;
}
