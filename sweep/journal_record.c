#include "sweep/journal_record.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/json.h"
#include "sweep/journal_fast.h"

static const char *const kind_names[MX_RECORD_KINDS] = {
    [MX_RECORD_INCARNATION] = "incarnation",
    [MX_RECORD_STARTED] = "started",
    [MX_RECORD_DONE] = "done",
    [MX_RECORD_FAILED] = "failed",
    [MX_RECORD_RETRY] = "retry",
    [MX_RECORD_REACHED] = "reached",
    [MX_RECORD_DECIDED] = "decided",
    [MX_RECORD_HOST] = "host",
};

static void put_time(struct mx_json *json, const char *key, double utc_s)
{
    char text[MX_UTC_SIZE];

    if (utc_s > 0)
        mx_json_text(json, key, mx_clock_format_utc(utc_s, text));
}

static void put_incarnation(struct mx_json *json, const struct mx_journal_line *line)
{
    mx_json_uint(json, "incarnation", line->incarnation);
    mx_json_text(json, "host", line->record.host);
    mx_json_int(json, "pid", line->record.pid);
    put_time(json, "started", line->record.started_utc_s);
    mx_json_array(json, "accepted");
    for (size_t k = 0; k < line->ntails; k++) {
        mx_json_object(json, NULL);
        mx_json_uint(json, "file", line->tails[k].file);
        mx_json_uint(json, "seq", line->tails[k].seq);
        mx_json_end_object(json);
    }
    mx_json_end_array(json);
}

/* Infinities are words, since JSON has no number for them; NaN is null. */
static void put_metrics(struct mx_json *json, const struct mx_record *record)
{
    mx_json_object(json, "metrics");
    for (size_t k = 0; k < record->nmetrics; k++) {
        const struct worker_metric *metric = &record->metrics[k];

        if (isinf(metric->value))
            mx_json_text(json, metric->name, metric->value > 0 ? "inf" : "-inf");
        else
            mx_json_real(json, metric->name, metric->value);
    }
    mx_json_end_object(json);
}

/* Whoever asked for it is not an executor. */
static void put_retry(struct mx_json *json, const struct mx_record *record)
{
    char hex[MX_HASH128_HEX];

    mx_json_text(json, "key", mx_hash128_hex(record->key, hex));
    mx_json_text(json, "host", record->host);
    put_time(json, "started", record->started_utc_s);
}

static void put_decision(struct mx_json *json, const struct mx_record *record)
{
    char hex[MX_HASH128_HEX];

    mx_json_text(json, "key", mx_hash128_hex(record->key, hex));
    mx_json_uint(json, "epoch", record->epoch);
    mx_json_uint(json, "rung", record->rung);
    mx_json_bool(json, "go_on", record->go_on);
    put_time(json, "started", record->started_utc_s);
}

static void put_host(struct mx_json *json, const struct mx_record *record)
{
    mx_json_text(json, "host", record->host);
    mx_json_bool(json, "go_on", record->go_on);
    mx_json_text(json, "text", record->text);
    put_time(json, "started", record->started_utc_s);
}

static void put_stage(struct mx_json *json, const struct mx_record *record)
{
    char hex[MX_HASH128_HEX];

    mx_json_text(json, "key", mx_hash128_hex(record->key, hex));
    mx_json_uint(json, "attempt", record->attempt);
    mx_json_text(json, "host", record->host);
    mx_json_uint(json, "rank", record->rank);
    mx_json_uint(json, "executor", record->executor);
    mx_json_text(json, "device", record->device);
    put_time(json, "started", record->started_utc_s);
    put_time(json, "ended", record->ended_utc_s);
    if (record->kind == MX_RECORD_STARTED)
        return;
    mx_json_real(json, "seconds", record->seconds);
    if (record->gpu.known) {
        mx_json_real(json, "gpu_seconds", record->gpu.seconds);
        mx_json_real(json, "energy_j", record->gpu.energy_j);
    }
    if (record->kind == MX_RECORD_DONE || record->kind == MX_RECORD_REACHED)
        put_metrics(json, record);
    if (record->kind == MX_RECORD_REACHED) {
        mx_json_uint(json, "epoch", record->epoch);
        mx_json_uint(json, "rung", record->rung);
        mx_json_text(json, "text", record->text);
    }
    if (record->kind != MX_RECORD_FAILED)
        return;
    mx_json_text(json, "reason", mx_reason_names[record->reason]);
    mx_json_bool(json, "final", record->final);
    mx_json_text(json, "text", record->text);
}

static void put_record(struct mx_json *json, const struct mx_journal_line *line)
{
    switch (line->record.kind) {
    case MX_RECORD_INCARNATION:
        put_incarnation(json, line);
        break;
    case MX_RECORD_RETRY:
        put_retry(json, &line->record);
        break;
    case MX_RECORD_DECIDED:
        put_decision(json, &line->record);
        break;
    case MX_RECORD_HOST:
        put_host(json, &line->record);
        break;
    default:
        put_stage(json, &line->record);
    }
}

void mx_journal_line_format(const struct mx_journal_line *line, struct mx_buf *out)
{
    struct mx_json json = {.out = out};
    size_t         begin = out->len;
    char           hex[MX_HASH64_HEX];

    mx_json_object(&json, NULL);
    mx_json_uint(&json, "seq", line->seq);
    mx_json_text(&json, "kind", kind_names[line->record.kind]);
    put_record(&json, line);
    if (!mx_buf_ok(out))
        return;
    mx_hash64_hex(mx_hash64(out->data + begin, out->len - begin), hex);
    mx_buf_text(out, MX_JOURNAL_SUM);
    mx_buf_text(out, hex);
    mx_buf_text(out, "\"}\n");
}

/* Text of a member; "" if there is none. */
static const char *get_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

/* A count from 0 to 2^53; false if it is none. */
static bool get_count(const json_t *object, const char *key, double most, double *out)
{
    const json_t *value = json_object_get(object, key);
    double        x = json_real_value(value);

    if (!json_is_real(value) || !(x >= 0 && x <= most) || x != floor(x))
        return false;
    *out = x;
    return true;
}

static uint32_t get_u32(const json_t *object, const char *key)
{
    double x = 0;

    get_count(object, key, UINT32_MAX, &x);
    return (uint32_t)x;
}

/* A number of exactly n digits; moves *at behind it and the byte that follows. */
static int take_digits(const char **at, int n)
{
    int x = 0;

    for (; n > 0 && **at >= '0' && **at <= '9'; n--, ++*at)
        x = 10 * x + (**at - '0');
    if (n > 0 || !**at)
        return -1;
    ++*at;
    return x;
}

/* 0 if there is no time. Writing it again gives the same text. */
static double get_time(const json_t *object, const char *key)
{
    static const int digits[] = {4, 2, 2, 2, 2, 2, 3}; /* 2026-01-31T09:30:00.125Z */
    const char      *at = get_text(object, key);
    int              part[7];
    struct tm        tm = {0};

    for (size_t k = 0; k < 7; k++)
        if ((part[k] = take_digits(&at, digits[k])) < 0)
            return 0;
    tm.tm_year = part[0] - 1900;
    tm.tm_mon = part[1] - 1;
    tm.tm_mday = part[2];
    tm.tm_hour = part[3];
    tm.tm_min = part[4];
    tm.tm_sec = part[5];
    return (double)timegm(&tm) + part[6] / 1000.0;
}

static void get_string(const json_t *object, const char *key, char *out, size_t size)
{
    snprintf(out, size, "%s", get_text(object, key));
}

static bool get_key(const json_t *object, struct mx_hash128 *key)
{
    const char *text = get_text(object, "key");
    char        high[17] = "";
    char       *end;

    if (strlen(text) != 32 || text[strspn(text, "0123456789abcdef")])
        return false;
    memcpy(high, text, 16);
    key->high = strtoull(high, &end, 16);
    key->low = strtoull(text + 16, &end, 16);
    return true;
}

static bool get_reason(const json_t *object, enum mx_reason *reason)
{
    const char *text = get_text(object, "reason");

    for (size_t k = 0; k < MX_REASONS; k++)
        if (strcmp(text, mx_reason_names[k]) == 0) {
            *reason = (enum mx_reason)k;
            return true;
        }
    return false;
}

static bool get_metric(const json_t *value, double *out)
{
    const char *word = json_string_value(value);

    if (json_is_null(value))
        *out = NAN;
    else if (json_is_real(value))
        *out = json_real_value(value);
    else if (word && (strcmp(word, "inf") == 0 || strcmp(word, "-inf") == 0))
        *out = *word == '-' ? -INFINITY : INFINITY;
    else
        return false;
    return true;
}

static bool get_metrics(json_t *object, struct mx_record *record)
{
    json_t               *metrics = json_object_get(object, "metrics");
    struct worker_metric *list;
    const char           *name;
    json_t               *value;

    if (!json_is_object(metrics) || !(list = calloc(json_object_size(metrics) + 1, sizeof list[0])))
        return false;
    record->metrics = list; /* released with the line, whatever comes */
    json_object_foreach(metrics, name, value)
    {
        struct worker_metric *metric = &list[record->nmetrics];

        if (strlen(name) >= sizeof metric->name || !get_metric(value, &metric->value))
            return false;
        strcpy(metric->name, name);
        record->nmetrics++;
    }
    return true;
}

static bool get_tails(const json_t *object, struct mx_journal_line *line)
{
    const json_t *accepted = json_object_get(object, "accepted");
    size_t        n = json_array_size(accepted);

    if (!json_is_array(accepted) || !(line->tails = calloc(n + 1, sizeof line->tails[0])))
        return false;
    for (line->ntails = 0; line->ntails < n; line->ntails++) {
        const json_t *tail = json_array_get(accepted, line->ntails);
        double        file, seq;

        if (!get_count(tail, "file", UINT32_MAX, &file) || !get_count(tail, "seq", 1e15, &seq))
            return false;
        line->tails[line->ntails] = (struct mx_journal_tail){(unsigned)file, (uint64_t)seq};
    }
    return true;
}

/* A record without them is that of a CPU. */
static void get_gpu(const json_t *object, struct mx_gpu_use *gpu)
{
    const json_t *seconds = json_object_get(object, "gpu_seconds");
    const json_t *energy_j = json_object_get(object, "energy_j");

    if (!json_is_number(seconds))
        return;
    gpu->known = true;
    gpu->seconds = json_number_value(seconds);
    gpu->energy_j = json_is_number(energy_j) ? json_number_value(energy_j) : NAN;
}

static bool get_content(json_t *object, struct mx_journal_line *line)
{
    struct mx_record *record = &line->record;

    get_string(object, "host", record->host, sizeof record->host);
    record->started_utc_s = get_time(object, "started");
    if (record->kind == MX_RECORD_INCARNATION) {
        line->incarnation = get_u32(object, "incarnation");
        record->pid = (long)get_u32(object, "pid");
        return get_tails(object, line);
    }
    get_string(object, "device", record->device, sizeof record->device);
    get_string(object, "text", record->text, sizeof record->text);
    record->attempt = get_u32(object, "attempt");
    record->rank = get_u32(object, "rank");
    record->executor = get_u32(object, "executor");
    record->ended_utc_s = get_time(object, "ended");
    record->seconds = json_number_value(json_object_get(object, "seconds"));
    get_gpu(object, &record->gpu);
    record->final = json_is_true(json_object_get(object, "final"));
    record->epoch = get_u32(object, "epoch");
    record->rung = get_u32(object, "rung");
    record->go_on = json_is_true(json_object_get(object, "go_on"));
    if (record->kind == MX_RECORD_HOST)
        return true;
    return get_key(object, &record->key) &&
           (record->kind != MX_RECORD_FAILED || get_reason(object, &record->reason)) &&
           ((record->kind != MX_RECORD_DONE && record->kind != MX_RECORD_REACHED) ||
            get_metrics(object, record));
}

static bool get_kind(const json_t *object, enum mx_record_kind *kind)
{
    const char *text = get_text(object, "kind");

    for (size_t k = 0; k < MX_RECORD_KINDS; k++)
        if (strcmp(text, kind_names[k]) == 0) {
            *kind = (enum mx_record_kind)k;
            return true;
        }
    return false;
}

/* True if the last 26 bytes are the checksum of all before them. */
static bool sum_is_right(const char *text, size_t len)
{
    static const char mark[] = MX_JOURNAL_SUM;
    char              hex[MX_HASH64_HEX];
    const char       *sum;

    if (len <= MX_JOURNAL_SUM_LENGTH)
        return false;
    sum = text + len - MX_JOURNAL_SUM_LENGTH;
    mx_hash64_hex(mx_hash64(text, len - MX_JOURNAL_SUM_LENGTH), hex);
    return memcmp(sum, mark, sizeof mark - 1) == 0 &&
           memcmp(sum + sizeof mark - 1, hex, MX_HASH64_HEX - 1) == 0 &&
           memcmp(text + len - 2, "\"}", 2) == 0;
}

bool mx_journal_line_slow(const char *text, size_t len, struct mx_journal_line *line)
{
    json_t *object;
    double  seq;
    bool    good;

    *line = (struct mx_journal_line){0};
    /* As reals, so that -0 keeps its sign. */
    if (!(object = json_loadb(text, len, JSON_DECODE_INT_AS_REAL, NULL)))
        return false;
    good = get_count(object, "seq", 1e15, &seq) && get_kind(object, &line->record.kind) &&
           get_content(object, line);
    json_decref(object);
    if (good)
        line->seq = (uint64_t)seq;
    else
        mx_journal_line_free(line);
    return good;
}

bool mx_journal_line_parse(const char *text, size_t len, struct mx_journal_line *line)
{
    *line = (struct mx_journal_line){0};
    return sum_is_right(text, len) &&
           (mx_journal_line_fast(text, len, line) || mx_journal_line_slow(text, len, line));
}

void mx_journal_line_free(struct mx_journal_line *line)
{
    free((void *)(uintptr_t)line->record.metrics);
    free(line->tails);
    *line = (struct mx_journal_line){0};
}
