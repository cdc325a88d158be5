#include "sweep/progress.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

const char mx_progress_basis[] = "this start's rate";

/* What this incarnation has done, in trials: its share of the work that it found. */
static double trials_moved(const struct mx_progress *progress)
{
    const double found = (double)(progress->planned - progress->ended + progress->ended_here);

    return progress->done_s > 0 ? found * progress->done_s / (progress->done_s + progress->left_s)
                                : 0;
}

double mx_progress_rate(const struct mx_progress *progress)
{
    const double moved = trials_moved(progress);

    return moved > 0 && progress->elapsed_s > 0 ? moved * 3600.0 / progress->elapsed_s : NAN;
}

double mx_progress_eta_s(const struct mx_progress *progress)
{
    if (progress->ended >= progress->planned)
        return 0;
    return progress->done_s > 0 && progress->elapsed_s > 0
               ? progress->left_s * progress->elapsed_s / progress->done_s
               : NAN;
}

const char *mx_progress_time(double seconds, char *out, size_t room)
{
    uint64_t s = isfinite(seconds) && seconds > 0 ? (uint64_t)(seconds + 0.5) : 0;

    if (!isfinite(seconds))
        snprintf(out, room, "unknown");
    else if (s < 90)
        snprintf(out, room, "%" PRIu64 "s", s);
    else if (s < 5400)
        snprintf(out, room, "%" PRIu64 "m", (s + 30) / 60);
    else if (s < 172800)
        snprintf(out, room, "%" PRIu64 "h%02" PRIu64 "m", s / 3600, s / 60 % 60);
    else
        snprintf(out, room, "%" PRIu64 "d%02" PRIu64 "h", s / 86400, s / 3600 % 24);
    return out;
}

/* ", 1 failed, 2 running, 35/h, ETA 12m" */
static void format_tail(const struct mx_progress *progress, uint64_t failed, char *out, size_t room)
{
    char   eta[32], failures[48] = "", rate_text[32] = "";
    double rate = mx_progress_rate(progress);

    mx_progress_time(mx_progress_eta_s(progress), eta, sizeof eta);
    if (failed > 0)
        snprintf(failures, sizeof failures, ", %" PRIu64 " failed", failed);
    if (isfinite(rate))
        snprintf(rate_text, sizeof rate_text, rate < 100 ? ", %.3g/h" : ", %.0f/h", rate);
    snprintf(out, room, "%s, %" PRIu64 " running%s, ETA %s", failures, progress->running, rate_text,
             eta);
}

void mx_progress_line(const struct mx_progress *progress, uint64_t failed, char *out, size_t room)
{
    char tail[160];

    format_tail(progress, failed, tail, sizeof tail);
    snprintf(out, room, "%" PRIu64 " of %" PRIu64 " trials ended%s", progress->ended,
             progress->planned, tail);
}

void mx_progress_bar(const struct mx_progress *progress, uint64_t failed, unsigned width, char *out,
                     size_t room)
{
    char   text[256], tail[160], bar[64];
    double before = (double)(progress->ended - progress->ended_here);
    double share =
        progress->planned > 0 ? (before + trials_moved(progress)) / (double)progress->planned : 1.0;
    size_t cells, filled;

    format_tail(progress, failed, tail, sizeof tail);
    snprintf(text, sizeof text, "%" PRIu64 "/%" PRIu64 " done%s", progress->ended,
             progress->planned, tail);
    cells = width > strlen(text) + 13 ? width - strlen(text) - 3 : 0;
    if (cells > 40)
        cells = 40;
    filled = (size_t)(share * (double)cells);
    memset(bar, ' ', sizeof bar);
    memset(bar, '=', filled < cells ? filled : cells);
    if (filled < cells)
        bar[filled] = '>';
    if (cells > 0)
        snprintf(out, room, "[%.*s] %.*s", (int)cells, bar, (int)width, text);
    else
        snprintf(out, room, "%.*s", (int)width, text);
}
