/* The fast way to read a record and the one of jansson agree, on every byte. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/rng.h"
#include "sweep/journal_fast.h"

enum {
    MAX_METRICS = 12
};

struct example {
    struct mx_journal_line line;
    struct worker_metric   metrics[MAX_METRICS];
};

static uint32_t below(struct mx_rng *rng, uint32_t n)
{
    return (uint32_t)mx_rng_below(rng, n);
}

static void random_text(struct mx_rng *rng, char *out, uint32_t room)
{
    static const char letters[] = "abc/ .-_XYZ09:,}{[]'\xC3\xA9\"\\\n\t\x7F";
    uint32_t          n = below(rng, room - 1);

    /* Mostly without what must be escaped. */
    for (uint32_t i = 0; i < n; i++)
        out[i] = letters[below(rng, below(rng, 200) ? 20 : (uint32_t)sizeof letters - 1)];
    out[n] = '\0';
}

static double random_real(struct mx_rng *rng)
{
    switch (below(rng, 8)) {
    case 0:
        return NAN;
    case 1:
        return below(rng, 2) ? INFINITY : -INFINITY;
    case 2:
        return below(rng, 1000);
    case 3:
        return -0.0;
    case 4:
        return ldexp(mx_rng_normal(rng), (int)below(rng, 2000) - 1000);
    default:
        return mx_rng_uniform(rng);
    }
}

static void random_line(struct mx_rng *rng, struct example *x)
{
    struct mx_record *record = &x->line.record;

    memset(x, 0, sizeof *x);
    x->line.seq = 1 + mx_rng_u32(rng);
    record->kind = (enum mx_record_kind)(1 + below(rng, MX_RECORD_KINDS - 1));
    record->key = (struct mx_hash128){(uint64_t)mx_rng_u32(rng) << 32, mx_rng_u32(rng)};
    record->attempt = below(rng, 4);
    record->rank = below(rng, 3);
    record->executor = mx_rng_u32(rng);
    random_text(rng, record->host, sizeof record->host);
    random_text(rng, record->device, sizeof record->device);
    record->started_utc_s = below(rng, 4) ? 1764e6 + mx_rng_uniform(rng) * 1e9 : 0;
    record->ended_utc_s = record->started_utc_s;
    if (record->kind == MX_RECORD_STARTED)
        return;
    record->seconds = mx_rng_uniform(rng);
    record->gpu.known = below(rng, 2);
    record->gpu.seconds = record->gpu.known ? mx_rng_uniform(rng) : 0;
    record->gpu.energy_j = !record->gpu.known ? 0 : below(rng, 2) ? 1e6 * mx_rng_uniform(rng) : NAN;
    if (record->kind == MX_RECORD_FAILED) {
        record->reason = (enum mx_reason)below(rng, MX_REASONS);
        record->final = below(rng, 2);
        random_text(rng, record->text, sizeof record->text);
        return;
    }
    record->metrics = x->metrics;
    record->nmetrics = below(rng, MAX_METRICS);
    for (size_t k = 0; k < record->nmetrics; k++) {
        random_text(rng, x->metrics[k].name, 12);
        x->metrics[k].value = random_real(rng);
    }
}

static void expect_same_real(double a, double b, const char *text)
{
    cr_assert(memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b)), "%a and %a: %s", a, b, text);
}

static void expect_same(const struct mx_journal_line *a, const struct mx_journal_line *b,
                        const char *text)
{
    const struct mx_record *x = &a->record, *y = &b->record;

    cr_assert_eq(a->seq, b->seq, "%s", text);
    cr_assert_eq(x->kind, y->kind, "%s", text);
    cr_assert(x->key.high == y->key.high && x->key.low == y->key.low, "%s", text);
    cr_assert(x->attempt == y->attempt && x->rank == y->rank && x->executor == y->executor, "%s",
              text);
    cr_assert(!strcmp(x->host, y->host) && !strcmp(x->device, y->device), "%s", text);
    expect_same_real(x->started_utc_s, y->started_utc_s, text);
    expect_same_real(x->ended_utc_s, y->ended_utc_s, text);
    expect_same_real(x->seconds, y->seconds, text);
    cr_assert_eq(x->gpu.known, y->gpu.known, "%s", text);
    expect_same_real(x->gpu.seconds, y->gpu.seconds, text);
    expect_same_real(x->gpu.energy_j, y->gpu.energy_j, text);
    cr_assert(x->reason == y->reason && x->final == y->final && !strcmp(x->text, y->text), "%s",
              text);
    cr_assert_eq(x->nmetrics, y->nmetrics, "%s", text);
    for (size_t k = 0; k < x->nmetrics; k++) {
        cr_assert_str_eq(x->metrics[k].name, y->metrics[k].name, "%s", text);
        expect_same_real(x->metrics[k].value, y->metrics[k].value, text);
    }
}

/* Whatever the fast reader takes, jansson reads alike. True if it took it. */
static bool expect_agreement(const char *text, size_t len)
{
    struct mx_journal_line fast, slow;
    bool                   took = mx_journal_line_fast(text, len, &fast);

    if (!took) {
        cr_assert_eq(fast.record.metrics, NULL);
        return false;
    }
    cr_assert(mx_journal_line_slow(text, len, &slow), "%.*s", (int)len, text);
    expect_same(&fast, &slow, text);
    mx_journal_line_free(&fast);
    mx_journal_line_free(&slow);
    return true;
}

Test(journal_fast, reads_what_was_written_as_jansson_does)
{
    struct mx_rng rng = mx_rng_at(mx_stream_make(1, 0, MX_PURPOSE_DATA, 0), 0, 0, 0);
    struct mx_buf text = {0};
    int           taken = 0;

    for (int i = 0; i < 5000; i++) {
        struct example x;

        random_line(&rng, &x);
        mx_buf_clear(&text);
        mx_journal_line_format(&x.line, &text);
        taken += expect_agreement(text.data, text.len - 1);
    }
    cr_expect_gt(taken, 1000, "only %d", taken);
    mx_buf_free(&text);
}

/* Put the right checksum behind a body that was changed. */
static void seal(char *text, size_t len)
{
    char hex[MX_HASH64_HEX];

    mx_hash64_hex(mx_hash64(text, len - MX_JOURNAL_SUM_LENGTH), hex);
    memcpy(text + len - MX_JOURNAL_SUM_LENGTH + strlen(MX_JOURNAL_SUM), hex, MX_HASH64_HEX - 1);
}

Test(journal_fast, no_byte_can_be_changed_so_that_the_readers_differ)
{
    static const char bytes[] = "\"\\,:{}[]0159aeE.-+nT \x01\x80\xFF";
    struct mx_rng     rng = mx_rng_at(mx_stream_make(2, 0, MX_PURPOSE_DATA, 0), 0, 0, 0);
    struct mx_buf     text = {0};

    for (int i = 0; i < 30; i++) {
        struct example x;

        random_line(&rng, &x);
        mx_buf_clear(&text);
        mx_journal_line_format(&x.line, &text);
        for (size_t at = 0; at < text.len - 1 - MX_JOURNAL_SUM_LENGTH; at++) {
            char was = text.data[at];

            for (size_t b = 0; b < sizeof bytes; b++) {
                text.data[at] = bytes[b];
                seal(text.data, text.len - 1);
                expect_agreement(text.data, text.len - 1);
            }
            text.data[at] = was;
        }
    }
    mx_buf_free(&text);
}

Test(journal_fast, no_byte_can_be_left_out_or_doubled_so_that_the_readers_differ)
{
    struct mx_rng rng = mx_rng_at(mx_stream_make(3, 0, MX_PURPOSE_DATA, 0), 0, 0, 0);
    struct mx_buf text = {0}, other = {0};

    for (int i = 0; i < 30; i++) {
        struct example x;

        random_line(&rng, &x);
        mx_buf_clear(&text);
        mx_journal_line_format(&x.line, &text);
        for (size_t at = 0; at < text.len - 1 - MX_JOURNAL_SUM_LENGTH; at++)
            for (size_t more = 0; more <= 2; more += 2) {
                mx_buf_clear(&other);
                mx_buf_add(&other, text.data, at + more / 2);
                mx_buf_add(&other, text.data + at + 1 - more / 2, text.len - 2 - at + more / 2);
                seal(other.data, other.len);
                expect_agreement(other.data, other.len);
            }
    }
    mx_buf_free(&text);
    mx_buf_free(&other);
}

/* Each differs from the form that we write, and jansson knows what it says. */
Test(journal_fast, leaves_other_forms_to_jansson)
{
#define HEAD  "{\"seq\":1,\"kind\":\"done\",\"key\":\"0123456789abcdef0123456789abcdef\","
#define PLACE "\"attempt\":1,\"host\":\"n\",\"rank\":0,\"executor\":0,\"device\":\"CPU\","
#define SUM   ",\"sum\":\"0000000000000000\"}"
    static const char *const rows[] = {
        "{\"seq\": 1,\"kind\":\"done\",\"key\":\"0123456789abcdef0123456789abcdef\"," PLACE
        "\"seconds\":1,\"metrics\":{}" SUM,
        HEAD "\"host\":\"n\",\"attempt\":1,\"metrics\":{}" SUM,
        HEAD PLACE "\"seconds\":1e5,\"metrics\":{}" SUM,
        HEAD PLACE "\"seconds\":1.0e-30,\"metrics\":{}" SUM,
        HEAD PLACE "\"seconds\":0.10000000000000000555,\"metrics\":{}" SUM,
        HEAD PLACE "\"seconds\":1,\"metrics\":{\"a\":1,\"a\":2}" SUM,
        HEAD PLACE "\"seconds\":1,\"metrics\":{\"\\u0061\":1}" SUM,
        HEAD PLACE "\"ended\":\"2026-02-30T00:00:00.000Z\",\"seconds\":1,\"metrics\":{}" SUM,
        HEAD PLACE "\"ended\":\"2026-02-28 00:00:00.000Z\",\"seconds\":1,\"metrics\":{}" SUM,
        HEAD PLACE "\"seconds\":1,\"metrics\":{},\"new\":true" SUM,
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct mx_journal_line line;

        cr_expect_not(mx_journal_line_fast(rows[i], strlen(rows[i]), &line), "%s", rows[i]);
        cr_assert(mx_journal_line_slow(rows[i], strlen(rows[i]), &line), "%s", rows[i]);
        mx_journal_line_free(&line);
    }
}

/* What a sweep writes nearly always: it must not fall to the slow way unseen. */
Test(journal_fast, takes_the_records_of_a_sweep)
{
    struct worker_metric   metrics[] = {{"val.accuracy", 0.1 + 0.2}, {"test.group_gap", NAN}};
    struct mx_journal_line line = {.seq = 17,
                                   .record = {.key = {1, 2},
                                              .attempt = 1,
                                              .host = "node-1.site",
                                              .device = "AMD EPYC (2 of 64 cores)",
                                              .started_utc_s = 1764000000.125,
                                              .ended_utc_s = 1764000009.5,
                                              .seconds = 9.375,
                                              .gpu = {true, 4.75, 1234.5},
                                              .reason = MX_REASON_CRASHED,
                                              .text = "signal 11; see log/exec-0.log",
                                              .metrics = metrics,
                                              .nmetrics = 2}};
    struct mx_buf          text = {0};

    for (int kind = MX_RECORD_STARTED; kind <= MX_RECORD_FAILED; kind++) {
        line.record.kind = (enum mx_record_kind)kind;
        mx_buf_clear(&text);
        mx_journal_line_format(&line, &text);
        cr_expect(expect_agreement(text.data, text.len - 1), "%s", text.data);
    }
    mx_buf_free(&text);
}
