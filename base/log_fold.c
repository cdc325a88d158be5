/* log_fold.c - repeats of log records are counted. */
#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/num.h"

/* Remember whom a record is about; false if the names are too long for that. */
static bool copy_about(const struct mx_log_record *record, struct mx_log_about *about)
{
    const char *host = record->host ? record->host : "",
               *trial = record->trial ? record->trial : "";

    if (strlen(host) >= sizeof about->host || strlen(trial) >= sizeof about->trial)
        return false;
    about->rank = record->rank;
    strcpy(about->host, host);
    strcpy(about->trial, trial);
    return true;
}

static bool same_about(const struct mx_log_about *a, const struct mx_log_about *b)
{
    return a->rank == b->rank && strcmp(a->host, b->host) == 0 && strcmp(a->trial, b->trial) == 0;
}

/* Whether two texts differ in their numbers alone. */
static bool alike(const char *a, const char *b)
{
    while (*a && *b) {
        if (isdigit((unsigned char)*a) && isdigit((unsigned char)*b)) {
            a += strspn(a, "0123456789");
            b += strspn(b, "0123456789");
        } else if (*a++ != *b++) {
            return false;
        }
    }
    return *a == *b;
}

static void count(struct mx_log_kept *kept, const struct mx_log_about *about, const char *text)
{
    if (kept->repeats++ == 0)
        kept->from = *about;
    kept->to = *about;
    kept->other_host |= strcmp(about->host, kept->about.host) != 0;
    kept->other_rank |= about->rank != kept->about.rank;
    kept->other_trial |= strcmp(about->trial, kept->about.trial) != 0;
    kept->other_text |= strcmp(text, kept->text) != 0;
}

bool mx_log_fold_take(struct mx_log_fold *fold, const struct mx_log_record *record)
{
    struct mx_log_about about;
    struct mx_log_kept *place = NULL, *like = NULL;
    unsigned            nalike = 0;

    if (strlen(record->text) >= sizeof place->text || !copy_about(record, &about))
        return true;
    for (size_t i = 0; i < MX_LOG_SLOTS; i++) {
        struct mx_log_kept *kept = &fold->slot[i];
        const bool          recent = kept->used && record->utc_s < kept->first_s + fold->window_s;

        /* A count that was not told yet keeps its slot. */
        if (!kept->used || (!recent && kept->repeats == 0))
            place = kept;
        if (!recent || kept->level != record->level || !alike(kept->text, record->text))
            continue;
        if (same_about(&kept->about, &about) && strcmp(kept->text, record->text) == 0) {
            count(kept, &about, record->text);
            return false;
        }
        if (!like || kept->first_s <= like->first_s)
            like = kept;
        nalike++;
    }
    if (nalike >= MX_LOG_ALIKE && record->level >= MX_LOG_WARNING) {
        count(like, &about, record->text);
        return false;
    }
    if (place) {
        *place = (struct mx_log_kept){
            .used = true, .first_s = record->utc_s, .level = record->level, .about = about};
        strcpy(place->text, record->text);
    }
    return true;
}

/* "n2/3 00000000000000aa.r0" */
static void describe(const struct mx_log_about *about, char *out, size_t room)
{
    char rank[16] = "";

    if (about->rank >= 0)
        snprintf(rank, sizeof rank, "/%d", about->rank);
    snprintf(out, room, "%s%s%s%s", about->host, rank,
             (about->host[0] || rank[0]) && about->trial[0] ? " " : "", about->trial);
}

static void tell(struct mx_log_fold *fold, const struct mx_log_kept *kept)
{
    char window[MX_NUM_SIZE], from[160], to[160];

    mx_num_format_duration(fold->window_s, window);
    describe(&kept->from, from, sizeof from);
    describe(&kept->to, to, sizeof to);
    if (!kept->other_host && !kept->other_rank && !kept->other_trial && !kept->other_text)
        snprintf(fold->told, sizeof fold->told, "%s (repeated %" PRIu64 " times in %s)", kept->text,
                 kept->repeats, window);
    else if (strcmp(from, to) == 0)
        snprintf(fold->told, sizeof fold->told, "%s (and %" PRIu64 " more like it in %s)",
                 kept->text, kept->repeats, window);
    else
        snprintf(fold->told, sizeof fold->told,
                 "%s (and %" PRIu64 " more like it in %s, from %s to %s)", kept->text,
                 kept->repeats, window, from, to);
}

static const char *unless(bool differs, const char *name)
{
    return differs || !name[0] ? NULL : name;
}

bool mx_log_fold_due(struct mx_log_fold *fold, double utc_s, struct mx_log_record *record)
{
    for (size_t i = 0; i < MX_LOG_SLOTS; i++) {
        struct mx_log_kept *kept = &fold->slot[i];

        if (!kept->used || utc_s < kept->first_s + fold->window_s)
            continue;
        kept->used = false;
        if (kept->repeats == 0)
            continue;
        tell(fold, kept);
        *record = (struct mx_log_record){
            .utc_s = isfinite(utc_s) ? utc_s : kept->first_s + fold->window_s,
            .level = kept->level,
            .host = unless(kept->other_host, kept->about.host),
            .rank = kept->other_rank ? -1 : kept->about.rank,
            .trial = unless(kept->other_trial, kept->about.trial),
            .text = fold->told,
        };
        return true;
    }
    return false;
}
