/* run_files.c - what the results depend on, config.yaml and provenance.json, and the page that
 * shows them. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "kernels/nn.h"
#include "sweep/noted.h"
#include "sweep/outdir.h"
#include "sweep/provenance.h"
#include "sweep/report.h"
#include "sweep/run_state.h"
#include "worker/device.h"

/* A sweep stays on what it was begun with; before there was a choice that was CPUs. */
static void settle_device(struct mx_config *old, struct mx_config *edited)
{
    struct mx_value *was = &old->base[KEY_SCHEDULE_DEVICE];
    struct mx_value *is = &edited->base[KEY_SCHEDULE_DEVICE];

    if (was->choice == MX_DEVICE_AUTO)
        was->choice = MX_DEVICE_CPU;
    if (is->choice == MX_DEVICE_AUTO)
        is->choice = was->choice;
}

int run_compare_config(struct run *run, struct mx_err *err)
{
    struct mx_config_report report = {{0}, 0, 0};
    struct mx_buf           text = {0};
    char                   *file = mx_path_join(run->directory, "config.yaml");
    struct mx_config       *old = file ? mx_config_read(file, NULL, 0, false, &report, err) : NULL;
    enum mx_edit            edit;
    int                     rc = -1;

    if (!old) {
        fputs(mx_buf_str(&report.text), stderr);
        goto done;
    }
    settle_device(old, run->config);
    if (mx_outdir_compare(old, run->config, &edit, &text, err))
        goto done;
    if (edit != MX_EDIT_NONE)
        fputs(mx_buf_str(&text), stderr);
    if (edit == MX_EDIT_INCOMPATIBLE)
        mx_fail(err, MX_EINVAL,
                "%s holds a sweep of another configuration (above); give another --out, or "
                "mixsweep resume %s to go on with its own",
                run->directory, run->directory);
    else
        rc = 0;
done:
    mx_config_free(old);
    mx_buf_free(&report.text);
    mx_buf_free(&text);
    free(file);
    return rc;
}

/* Without a readable provenance.json nothing is known of the data before: the
 * stage keys, which hold the fingerprint, still keep old and new results apart. */
int run_compare_data(struct run *run, struct mx_err *err)
{
    struct mx_noted *noted = mx_noted_read(run->directory, err);
    int              rc = noted ? 0 : -1;

    for (size_t i = 0; i < run->ndata && rc == 0; i++) {
        const struct run_data *data = &run->data[i];
        const char            *set = worker_data_sets[data->set].word;
        char                   now[MX_HASH64_HEX], was[MX_HASH64_HEX];
        uint64_t               before;

        if (mx_noted_data(noted, set, data->path, &before) && before != data->fingerprint)
            rc = mx_fail(err, MX_EINVAL,
                         "the files of %s in %s have changed since %s was begun (fingerprint %s, "
                         "was %s); bring the old ones back, or start a new sweep with another "
                         "--out",
                         set, data->path, run->directory, mx_hash64_hex(data->fingerprint, now),
                         mx_hash64_hex(before, was));
    }
    for (size_t w = 0; w < run->nweights && rc == 0; w++) {
        struct run_weights *file = &run->weights[w];
        uint64_t            before;

        file->changed = mx_noted_file(noted, file->path, &before) && before != file->fingerprint;
    }
    mx_noted_free(noted);
    return rc;
}

/* Write what the results depend on: config.yaml and provenance.json. */
static int write_provenance(struct run *run, const char *config, struct mx_err *err)
{
    char                       device[96];
    struct kern_nn            *nn = kern_nn_new(1, err);
    struct mx_library_version  libraries[] = {{"kernels", nn ? kern_nn_name(nn) : ""},
                                              {"mpi", mx_comm_library()}};
    struct mx_provenance_data *data = calloc(run->ndata + 1, sizeof *data);
    struct mx_provenance_file *files = calloc(run->nweights + 1, sizeof *files);
    struct mx_provenance_form *forms = calloc(run->nforms + 1, sizeof *forms);
    struct mx_provenance       facts = {.name = run->config->name,
                                        .config = config,
                                        .seed = (uint64_t)run->config->base[KEY_SEED].integer,
                                        .data = data,
                                        .ndata = run->ndata,
                                        .files = files,
                                        .nfiles = run->nweights,
                                        .forms = forms,
                                        .nforms = run->nforms,
                                        .incarnation = mx_journal_incarnation(run->journal),
                                        .started_utc_s = mx_clock_utc_s(),
                                        .device = device,
                                        .command = (const char *const *)run->options->argv,
                                        .ncommand = (size_t)run->options->argc,
                                        .libraries = libraries,
                                        .nlibraries = sizeof libraries / sizeof libraries[0]};
    int                        rc = -1;

    if (!nn)
        goto done;
    if (!data || !files || !forms) {
        mx_fail(err, MX_ENOMEM, "no memory for provenance.json");
        goto done;
    }
    worker_device_name(device, sizeof device);
    for (size_t i = 0; i < run->ndata; i++)
        data[i] = (struct mx_provenance_data){.set = worker_data_sets[run->data[i].set].word,
                                              .path = run->data[i].path,
                                              .fingerprint = run->data[i].fingerprint,
                                              .channels = run->data[i].channels,
                                              .mean = run->data[i].mean,
                                              .sd = run->data[i].sd};
    for (size_t i = 0; i < run->nweights; i++)
        files[i] = (struct mx_provenance_file){run->weights[i].path, run->weights[i].fingerprint};
    for (size_t k = 0; k < run->nforms; k++)
        forms[k] = (struct mx_provenance_form){.set = run->forms[k].set,
                                               .arch = run->forms[k].arch,
                                               .dims = run->forms[k].dims,
                                               .classes = run->forms[k].classes,
                                               .support_per_class = run->forms[k].support_per_class,
                                               .inner_steps = run->forms[k].inner_steps,
                                               .form = run->forms[k].gram ? "gram" : "direct",
                                               .chosen = run->forms[k].chosen};
    rc = mx_provenance_write(run->directory, &facts, err);
done:
    kern_nn_free(nn);
    free(files);
    free(data);
    free(forms);
    return rc;
}

int run_write_config(struct run *run, struct mx_err *err)
{
    struct mx_buf text = {0};
    char         *path = mx_path_join(run->directory, "config.yaml");
    int           rc;

    mx_config_write(run->config, &text);
    rc = path && mx_buf_ok(&text) ? mx_file_write(path, text.data, text.len, err)
                                  : mx_fail(err, MX_ENOMEM, "no memory for the configuration");
    if (rc == 0)
        rc = write_provenance(run, text.data, err);
    mx_buf_free(&text);
    free(path);
    return rc;
}

void run_write_report(struct run *run)
{
    const struct mx_report_sweep sweep = {.directory = run->directory,
                                          .config = run->config,
                                          .plan = run->plan,
                                          .results = run->results,
                                          .used = run->replay.used};
    struct mx_err                err;

    if (mx_report_write(&sweep, NULL, &err))
        mx_console_log(run->console, MX_LOG_WARNING, NULL,
                       "no report.html: %s; mixsweep report %s makes it later", err.text,
                       run->directory);
}
