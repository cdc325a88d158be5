/* bench.h - what `mixsweep bench WHAT` measures: one function for each WHAT, in a
 * file bench_WHAT.c of its own, and a row in cmd_bench.c's table.
 */
#ifndef MX_SWEEP_BENCH_H
#define MX_SWEEP_BENCH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "kernels/gpu_peak.h"
#include "worker/device.h"

enum {
    MX_BENCH_NAME_SIZE = 64,
    MX_BENCH_MAX_RESULTS = 16,
    MX_BENCH_MAX_ARCHS = 8,
    MX_BENCH_THREADS = 1
};

/* One number of a measurement. gflops and peak_share are NaN where they mean
 * nothing. */
struct mx_bench_result {
    char        name[MX_BENCH_NAME_SIZE]; /* as in formats.md, "reduce.tree" */
    const char *unit;
    double      value, min, max; /* value: the median */
    double      gflops, peak_share;
    unsigned    repeats;
};

struct mx_bench_results {
    struct mx_bench_result rows[MX_BENCH_MAX_RESULTS];
    size_t                 n;
    struct kern_gpu        gpu; /* that was measured; its name is "" where it was the CPU */
};

/* Add a result of n repeats (1 or more), which are sorted in place. */
void mx_bench_add(struct mx_bench_results *results, const char *name, const char *unit,
                  double *repeats, unsigned n);

enum {
    MX_BENCH_FOLDER_SIZE = 64
};

/* Make an empty folder for a measurement, which removes it with mx_dir_remove(). Returns 0 with
 * its path in `folder`, or -1 with MX_EIO. */
int mx_bench_folder(char folder[MX_BENCH_FOLDER_SIZE], struct mx_err *err);

/* What the command line says about the measurement. */
struct mx_bench_options {
    unsigned trials; /* dispatch: how many; 0 = as the help says */
    unsigned
           archs[MX_BENCH_MAX_ARCHS]; /* train, infer: enum worker_arch; none = as the help says */
    size_t narchs;
    const char        *files;  /* data: the folder of image files to measure; NULL = made ones */
    enum worker_device device; /* train, infer, deletion, norm */
    unsigned           batch, side; /* train, infer, norm, deletion: 0 = as the help says */
    unsigned           precision;   /* train, infer: enum worker_net_precision */
    bool               any_order;   /* ... sums whose order may change from run to run */
};

/* Behind a row's name: ".b128.s64", what the command line says of batch and side, and nothing of what it does not. */
void mx_bench_name_sizes(const struct mx_bench_options *options, char *text, size_t room);

/* Measure, and add the results. Return 0, or -1 with *err. */
typedef int mx_bench_fn(const struct mx_bench_options *options, struct mx_bench_results *results,
                        struct mx_err *err);

mx_bench_fn mx_bench_augment, mx_bench_train, mx_bench_infer, mx_bench_dispatch, mx_bench_head,
    mx_bench_reduce, mx_bench_journal, mx_bench_data, mx_bench_deletion, mx_bench_norm;

/* The results of `bench WHAT` as one JSON object, or as a table for people. Returns 0, or -1 with
 * MX_ENOMEM. */
void mx_bench_print_json(const char *what, const struct mx_bench_results *results,
                         struct mx_buf *out);
int  mx_bench_print_text(const struct mx_bench_results *results, struct mx_buf *out,
                         struct mx_err *err);

/* The part of `bench journal` that resumes a sweep. */
mx_bench_fn mx_bench_resume;

#endif
