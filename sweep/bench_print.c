/* bench_print.c - what was measured, and on what. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/num.h"
#include "sweep/bench.h"
#include "sweep/machine.h"
#include "sweep/text_table.h"

static const char *const arithmetics[KERN_ARITHMETICS] = {"f32", "tf32", "bf16"};

/* By its own data, from which the peaks follow. */
static void add_gpu(struct mx_json *json, const struct kern_gpu *gpu)
{
    char capability[32];

    snprintf(capability, sizeof capability, "%d.%d", gpu->major, gpu->minor);
    mx_json_object(json, "gpu");
    mx_json_text(json, "compute_capability", capability);
    mx_json_uint(json, "multiprocessors", gpu->multiprocessors);
    mx_json_real(json, "clock_hz", gpu->clock);
    mx_json_real(json, "memory_clock_hz", gpu->memory_clock);
    mx_json_uint(json, "memory_bus_bits", gpu->bus);
    mx_json_object(json, "peak_gflops");
    for (unsigned a = 0; a < KERN_ARITHMETICS; a++)
        mx_json_real(json, arithmetics[a], kern_gpu_flops(gpu, (enum kern_arithmetic)a) / 1e9);
    mx_json_end_object(json);
    mx_json_real(json, "peak_gbytes", kern_gpu_bandwidth(gpu) / 1e9);
    mx_json_end_object(json);
}

static void tell_gpu(const struct kern_gpu *gpu, struct mx_buf *out)
{
    mx_buf_printf(out, "%s, compute capability %d.%d: %u multiprocessors at up to %.0f MHz\n",
                  gpu->name, gpu->major, gpu->minor, gpu->multiprocessors, gpu->clock / 1e6);
    mx_buf_text(out, "its peak, from that and from what its kind does a clock:");
    for (unsigned a = 0; a < KERN_ARITHMETICS; a++) {
        const double flops = kern_gpu_flops(gpu, (enum kern_arithmetic)a);

        if (isnan(flops))
            mx_buf_printf(out, " %s not known,", arithmetics[a]);
        else
            mx_buf_printf(out, " %s %.1f TFLOP/s,", arithmetics[a], flops / 1e12);
    }
    if (isnan(kern_gpu_bandwidth(gpu)))
        mx_buf_text(out, " memory not known\n\n");
    else
        mx_buf_printf(out, " memory %.0f GB/s\n\n", kern_gpu_bandwidth(gpu) / 1e9);
}

void mx_bench_print_json(const char *what, const struct mx_bench_results *results,
                         struct mx_buf *out)
{
    struct mx_json    json = {out, false};
    struct mx_machine machine;

    mx_machine_look(&machine);
    mx_json_object(&json, NULL);
    mx_json_text(&json, "bench", what);
    mx_json_text(&json, "version", MX_VERSION);
    mx_json_text(&json, "host", machine.host);
    mx_json_text(&json, "device", results->gpu.name[0] ? results->gpu.name : machine.cpu);
    mx_json_uint(&json, "threads", MX_BENCH_THREADS);
    if (results->gpu.name[0])
        add_gpu(&json, &results->gpu);
    mx_json_array(&json, "results");
    for (size_t r = 0; r < results->n; r++) {
        const struct mx_bench_result *row = &results->rows[r];

        mx_json_object(&json, NULL);
        mx_json_text(&json, "name", row->name);
        mx_json_real(&json, "value", row->value);
        mx_json_text(&json, "unit", row->unit);
        mx_json_real(&json, "min", row->min);
        mx_json_real(&json, "max", row->max);
        mx_json_uint(&json, "repeats", row->repeats);
        mx_json_real(&json, "gflops", row->gflops);
        mx_json_real(&json, "peak_share", row->peak_share);
        mx_json_end_object(&json);
    }
    mx_json_end_array(&json);
    mx_json_end_object(&json);
    mx_buf_text(out, "\n");
}

/* Shares and seconds are small. */
static const char *format_of(const struct mx_bench_result *row)
{
    return strcmp(row->unit, "share") == 0 ? "%.4f" : strcmp(row->unit, "s") == 0 ? "%.3f" : "%.1f";
}

/* A number with few digits for people; "-" for what was not measured. */
static void add_number(struct mx_text_table *table, const char *format, double value)
{
    char text[MX_NUM_SIZE] = "-";

    if (!isnan(value))
        snprintf(text, sizeof text, format, value);
    mx_text_table_add(table, text);
}

int mx_bench_print_text(const struct mx_bench_results *results, struct mx_buf *out,
                        struct mx_err *err)
{
    static const struct mx_text_column columns[] = {
        {"name", NULL, false, false, false},   {"median", NULL, true, false, false},
        {"min", NULL, true, false, false},     {"max", NULL, true, false, false},
        {"unit", NULL, false, false, false},   {"GFLOP/s", NULL, true, false, false},
        {"of peak", NULL, true, false, false},
    };
    struct mx_text_table *table = mx_text_table_new(columns, sizeof columns / sizeof columns[0]);

    if (!table)
        return mx_fail(err, MX_ENOMEM, "no memory for a table of results");
    if (results->gpu.name[0])
        tell_gpu(&results->gpu, out);
    for (size_t r = 0; r < results->n; r++) {
        const struct mx_bench_result *row = &results->rows[r];

        mx_text_table_add(table, row->name);
        add_number(table, format_of(row), row->value);
        add_number(table, format_of(row), row->min);
        add_number(table, format_of(row), row->max);
        mx_text_table_add(table, row->unit);
        add_number(table, "%.1f", row->gflops);
        add_number(table, "%.0f %%", 100 * row->peak_share);
    }
    mx_text_table_print(table, 0, out);
    mx_text_table_free(table);
    return 0;
}
