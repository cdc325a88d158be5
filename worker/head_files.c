/* head_files.c - what a head stage leaves under schedule.keep all. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/csv.h"
#include "base/file.h"
#include "worker/head_parts.h"
#include "worker/npy.h"

enum {
    MAX_FILES = 6
};

struct writing {
    const struct worker_job *job;
    enum worker_precision    precision;
    struct worker_stage_file files[MAX_FILES];
    size_t                   nfiles;
};

static void put_names(struct mx_csv *csv, const char *word, uint32_t n)
{
    char name[48];

    for (uint32_t g = 0; g < n; g++) {
        snprintf(name, sizeof name, "%s.%u", word, g);
        mx_csv_plain(csv, name);
    }
}

static void put_numbers(struct mx_csv *csv, const double *numbers, uint32_t n)
{
    for (uint32_t g = 0; g < n; g++)
        mx_csv_real(csv, numbers ? numbers[g] : NAN);
}

void worker_head_epochs_csv(const struct worker_head *head, struct mx_buf *out)
{
    struct mx_csv csv = {.out = out};

    mx_csv_plain(&csv, "epoch,outer_loss,val_accuracy,val_worst_group_accuracy");
    put_names(&csv, "group_accuracy", head->groups);
    put_names(&csv, "hard_count", head->groups);
    mx_csv_plain(&csv, "edit_norm");
    mx_csv_end_line(&csv);
    for (uint32_t e = 0; e < head->nepochs; e++) {
        const struct worker_head_epoch *epoch = &head->epochs[e];

        mx_csv_uint(&csv, e);
        mx_csv_real(&csv, epoch->outer_loss);
        mx_csv_real(&csv, epoch->val_accuracy);
        mx_csv_real(&csv, epoch->val_worst_group_accuracy);
        put_numbers(&csv, epoch->group_accuracy, head->groups);
        put_numbers(&csv, epoch->hard_count, head->groups);
        mx_csv_real(&csv, epoch->edit_norm);
        mx_csv_end_line(&csv);
    }
}

static int write_epochs(struct writing *writing, const struct worker_head *head, struct mx_err *err)
{
    struct mx_buf text = {0};
    char         *path = mx_path_join(writing->job->folder, "epochs.csv");
    int           rc;

    worker_head_epochs_csv(head, &text);
    rc = path && mx_buf_ok(&text) ? mx_file_write(path, text.data, text.len, err)
                                  : mx_fail(err, MX_ENOMEM, "no memory to write epochs.csv");
    writing->files[writing->nfiles++] = (struct worker_stage_file){.name = "epochs.csv"};
    mx_buf_free(&text);
    free(path);
    return rc;
}

/* Doubles as they are, or as the floats whose values they have. */
static int append(struct worker_npy_writer *writer, const double *data, size_t count, bool wide,
                  struct mx_err *err)
{
    float some[1024];

    if (wide)
        return worker_npy_append(writer, data, count, err);
    for (size_t done = 0; done < count;) {
        size_t n = count - done < 1024 ? count - done : 1024;

        for (size_t i = 0; i < n; i++)
            some[i] = (float)data[done + i];
        if (worker_npy_append(writer, some, n, err))
            return -1;
        done += n;
    }
    return 0;
}

static int write_array(struct writing *writing, const char *name, uint32_t rows, uint32_t columns,
                       const double *data, struct mx_err *err)
{
    const bool                wide = writing->precision == WORKER_F64;
    const uint32_t            ndims = columns > 0 ? 2 : 1;
    const uint64_t            dims[2] = {rows, columns};
    const size_t              count = (size_t)rows * (columns > 0 ? columns : 1);
    char                     *path = mx_path_join(writing->job->folder, name);
    struct worker_npy_writer *writer =
        path ? worker_npy_begin(path, wide ? WORKER_NPY_F64 : WORKER_NPY_F32, ndims, dims, err)
             : NULL;

    if (!path)
        mx_fail(err, MX_ENOMEM, "no memory to write %s", name);
    free(path);
    if (!writer)
        return -1;
    if (append(writer, data, count, wide, err)) {
        worker_npy_drop(writer);
        return -1;
    }
    writing->files[writing->nfiles++] =
        (struct worker_stage_file){.name = name,
                                   .dtype = wide ? "float64" : "float32",
                                   .ndims = ndims,
                                   .dims = {rows, columns}};
    return worker_npy_finish(writer, err);
}

static int write_indices(struct writing *writing, const struct worker_head *head,
                         struct mx_err *err)
{
    static const char name[] = "support_indices.npy";
    const uint64_t    dims[1] = {head->nsupport};
    char             *path = mx_path_join(writing->job->folder, name);
    int rc = path ? worker_npy_write(path, WORKER_NPY_U32, 1, dims, head->support_rows, err)
                  : mx_fail(err, MX_ENOMEM, "no memory to write %s", name);

    writing->files[writing->nfiles++] = (struct worker_stage_file){
        .name = name, .dtype = "uint32", .ndims = 1, .dims = {head->nsupport}};
    free(path);
    return rc;
}

/* What the configuration left open: the form of hsfm's edits, a strength. */
static struct worker_stage_choice choice_of(const struct worker_job  *job,
                                            const struct worker_head *head)
{
    static const char *const    strengths[WORKER_HEAD_METHODS] = {[WORKER_HEAD_LLR] = "head.llr.C",
                                                                  [WORKER_HEAD_DFR] = "head.dfr.C",
                                                                  [WORKER_HEAD_SUBG] = "head.subg.C"};
    const unsigned              method = job->params.head_method;
    const enum worker_hsfm_form form = head->gram ? WORKER_HSFM_FORM_GRAM : WORKER_HSFM_FORM_DIRECT;

    if (method == WORKER_HEAD_HSFM)
        return (struct worker_stage_choice){"head.hsfm.form", worker_hsfm_forms[form].word, 0};
    return (struct worker_stage_choice){strengths[method], NULL, head->chosen};
}

int worker_head_write(const struct worker_job *job, const struct worker_head *head,
                      enum worker_precision precision, struct mx_err *err)
{
    struct writing                   w = {.job = job, .precision = precision};
    const struct worker_stage_choice choice = choice_of(job, head);

    if (write_array(&w, "head_w.npy", head->classes, head->dims, head->w, err) ||
        write_array(&w, "head_b.npy", head->classes, 0, head->b, err))
        return -1;
    if (head->nepochs > 0 && write_epochs(&w, head, err))
        return -1;
    if (head->nsupport > 0 && (write_indices(&w, head, err) ||
                               write_array(&w, "support_before.npy", head->nsupport, head->dims,
                                           head->support_before, err) ||
                               write_array(&w, "support_after.npy", head->nsupport, head->dims,
                                           head->support_after, err)))
        return -1;
    return worker_stage_write_choices(job, w.files, w.nfiles, &choice, choice.key ? 1 : 0, err);
}
