/* run_state.h - what a running sweep consists of; private to run*.c.
 *
 * run.c opens and closes it, run_restore.c fills it from the journal,
 * run_loop.c turns events into actions until everything has ended.
 */
#ifndef MX_SWEEP_RUN_STATE_H
#define MX_SWEEP_RUN_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "sweep/config.h"
#include "sweep/console.h"
#include "sweep/grid.h"
#include "sweep/journal.h"
#include "sweep/link.h"
#include "sweep/owner.h"
#include "sweep/plan.h"
#include "sweep/replay.h"
#include "sweep/results.h"
#include "sweep/run.h"
#include "sweep/sched.h"
#include "sweep/status_file.h"
#include "sweep/time_limit.h"
#include "worker/dataset.h"
#include "worker/head_needs.h"

/* A rank, its executors [first .. first + workers), and what they did in this
 * incarnation. */
struct run_node {
    char     host[64];
    uint32_t first, workers, gone; /* gone: of the workers, given up */
    bool     lost;
    uint32_t host_number;  /* the first rank of its host */
    uint64_t done, failed; /* stages */
    double   busy_s;       /* that they took */

    struct mx_gpu_use gpu; /* likewise */
};

/* A GPU that a rank has executors on, or that is left out. */
struct run_gpu {
    struct mx_gpu gpu;
    unsigned      rank;
    size_t        place; /* in the rank's list */
    uint32_t      executors;
};

enum {
    RUN_FAILURES_KEPT = 8
};

/* A trial that failed, for status.json. */
struct run_failure {
    uint32_t       trial;
    enum mx_reason reason;
    unsigned       attempts;
    char           text[256];
};

/* A data set in use: looked at once. */
struct run_data {
    unsigned set, normalize; /* worker_dataset_normalize() */
    char     path[WORKER_PATH_SIZE];
    uint64_t fingerprint;
    uint32_t channels;
    float    mean[WORKER_MAX_CHANNELS], sd[WORKER_MAX_CHANNELS];

    struct worker_remarks remarks;

    struct worker_params     *params; /* that it was opened for */
    struct worker_shape       shape;  /* classes 0: of features, which have none */
    struct worker_head_counts counts;
    uint32_t                  dims;      /* of features; else 0 */
    bool                      has_marks; /* boxes or masks, looked for and found */
    bool                      has_segments;
};

/* The form that hsfm's edits take for one shape. */
struct run_form {
    const char *set, *arch; /* words; arch NULL: of features */
    uint32_t    dims, classes, support_per_class, inner_steps;
    bool        gram, chosen; /* chosen: head.hsfm.form was auto */
};

/* A file of weights, or of rows of a support set, in use, or marks (mx_noted_marks()): read once. */
struct run_weights {
    char    *path;
    uint64_t fingerprint;
    bool     changed; /* since the sweep was begun */
};

struct run {
    const struct mx_run_options *options;
    struct mx_config            *config;
    struct mx_grid              *grid;
    struct mx_plan              *plan;
    struct mx_replay             replay; /* of the journal; the plan's stages by key */
    char                        *directory;
    bool                         made_directory; /* by this incarnation */
    char                        *smoke_data;     /* folder of generated data, NULL unless --smoke */
    struct run_data             *data;
    size_t                       ndata;
    struct run_weights          *weights;
    size_t                       nweights;
    struct run_form             *forms;
    size_t                       nforms;
    struct mx_owner             *owner;
    struct mx_journal           *journal;
    struct mx_sched             *sched;
    struct mx_results           *results;
    struct mx_console           *console;
    struct mx_link              *link;
    struct run_gpu              *gpu_list; /* (ngpus): by rank */
    size_t                       ngpus;
    struct mx_gpus               gpus;         /* of this process, where the sweep runs on GPUs */
    struct mx_buf                device_notes; /* lines on why it runs on what it runs */
    struct mx_actions            actions;
    struct mx_link_maker        *makers; /* by stage: who did it in this incarnation */
    struct run_node             *nodes;  /* (ranks) */
    unsigned                     workers, ranks;
    double                       expected_s[WORKER_STAGE_KINDS]; /* of a stage, as `plan` has it */
    long                         launcher;                       /* our parent at the start */
    struct mx_status_reduction   reduction; /* how it went; ranks 0: there was none */
    struct run_failure           failures[RUN_FAILURES_KEPT]; /* a ring of the last ones */
    size_t                       nfailures;
    enum mx_keep                 keep;
    uint32_t            *readers;      /* by stage: others that read its files and have not ended */
    struct worker_job    job;          /* of the stage that was started last ... */
    uint32_t             job_stage;    /* ... UINT32_MAX: none was */
    double               started_s;    /* monotonic, of this incarnation */
    struct mx_time_limit limit;        /* when it has to have ended */
    uint64_t             ended_before; /* trials that earlier incarnations ended */
    double               results_s, results_cost_s; /* tables: last written, how long it took */
    double               owner_s;                   /* owner.json: last renewed */
    double               status_s;                  /* status.json: last written */
    double               control_s;                 /* control.json: last looked for */
    double               house_s;                   /* the house: last kept */
    bool                 draining, ending;
    bool                 undecided_on_disk; /* decisions of early stopping may not be durable yet */
};

/* Read the configuration, take the directory, make plan, scheduler and tables: what goes wrong here
 * leaves an existing directory as it is, and a new one is removed again. -1 with *err. */
int run_open(struct run *run, struct mx_err *err);

/* Columns of the terminal behind a descriptor; 0 if it is none. What ranks of an MPI job
 * print goes through a terminal of mpirun's own, wherever it ends. */
unsigned run_terminal_width(const struct run *run, int fd);

/* Read the journal into scheduler and tables and start a new incarnation. */
int run_restore(struct run *run, struct mx_err *err);

/* Run until nothing is left to do, or a request or an error ends it. Returns
 * 0; or -1 with *err: the environment failed (MX_EIO, MX_ENOMEM), the
 * directory was taken over (MX_EOWNED). */
int run_loop(struct run *run, struct mx_err *err);

/* Write results.csv and cells.csv now. */
int run_write_results(struct run *run, struct mx_err *err);

/* Write status.json and metrics.prom. `state` as in formats.md; exit_code -1
 * while there is none. */
int run_write_status(struct run *run, const char *state, int exit_code, struct mx_err *err);

/* Give the scheduler an event and do what it says. */
int run_feed(struct run *run, struct mx_event event, struct mx_err *err);

/* At the end, when nothing runs: reduce the tables of the ranks and compare them
 * with the journal. MX_EINTERNAL if they differ; a reduction that does not come
 * to its end is told, and the results are the journal's all the same. */
int run_reduce(struct run *run, struct mx_err *err);

/* At the start, when it is known which stages have ended before (by stage: done;
 * failed for good): count readers. A stage that is done and whose files are gone
 * is to be done again if a reader of it is not: done[] then says so. Files that
 * nobody will read and schedule.keep does not keep are removed. */
int run_count_readers(struct run *run, bool *done, const bool *failed, struct mx_err *err);

/* A stage is done: files that it was the last to read are removed, where
 * schedule.keep does not keep them. */
int run_release_inputs(struct run *run, uint32_t stage, struct mx_err *err);

/* A training was stopped: what it would have gone on from is removed. */
int run_drop_checkpoints(struct run *run, uint32_t stage, struct mx_err *err);

/* Which ranks are on one host. */
void run_number_hosts(struct run *run);

/* A host gets no more work, or does again: the journal and people are told. */
int run_note_host(struct run *run, const struct mx_action *action, struct mx_err *err);

/* The executors of a rank do not come back. */
int run_lose_rank(struct run *run, unsigned rank, struct mx_err *err);

/* How many executors a rank has now. */
uint32_t run_executors(const struct run_node *node);

/* The GPU of an executor has failed, and nothing can be started on it: it does not come back. */
int run_lose_executor(struct run *run, const struct mx_link_event *event, struct mx_err *err);

/* Whether stages of a kind leave a folder. */
bool run_leaves_folder(const struct run *run, enum worker_kind kind);

/* Where and what the job of a stage leaves on disk; its folder is made. */
int run_place_job(struct run *run, uint32_t stage, struct worker_job *job, struct mx_err *err);

/* Something came from an executor. */
int run_link_event(struct run *run, const struct mx_link_event *event, struct mx_err *err);

/* Remember a failed attempt for status.json. */
void run_note_failure(struct run *run, uint32_t trial, enum mx_reason reason, unsigned attempts,
                      const char *text);

/* A trial is to be run again: its failures are history. */
void run_forget_failures(struct run *run, uint32_t trial);

/* Counts and speed right now. */
struct mx_progress run_progress(const struct run *run, struct mx_sched_counts *counts);

/* Compare with the configuration that the directory was begun with: an edit
 * that would mix results of different kinds is MX_EINVAL. */
int run_compare_config(struct run *run, struct mx_err *err);

/* Once there is a plan: a config.yaml that was changed in its directory, so that trials that
 * are done there belong to no cell any more, is MX_EINVAL. */
int run_compare_edited(const struct run *run, struct mx_err *err);

/* Decide what the sweep runs on, where its configuration leaves it open: what it was begun
 * with, which run_compare_config() has found, else GPUs if any can be used. Looks at the GPUs.
 * What a user should know of the choice is noted in run->device_notes. MX_EGPU if it is to be GPUs
 * and stages cannot run on them. */
int run_choose_device(struct run *run, struct mx_err *err);

/* Once there are executors: note their GPUs. And while there are: look how those do. */
int  run_note_gpus(struct run *run, struct mx_err *err);
void run_look_at_gpus(struct run *run);

/* Compare the data with the fingerprints in DIR/provenance.json: sets that have
 * changed since are MX_EINVAL, since old results and new ones would be of
 * different images. */
int run_compare_data(struct run *run, struct mx_err *err);

/* Write DIR/config.yaml, every key resolved, and DIR/provenance.json. */
int run_write_config(struct run *run, struct mx_err *err);

/* Write DIR/report.html of a sweep that has come to its end: whoever interrupts one does not
 * wait. It can be made again, and the results are as good without it: a failure is told. */
void run_write_report(struct run *run);

/* The mx_fingerprint_fn of a sweep (`user` is the struct run): checks a data
 * set, and a file of weights, the first time it is asked about, and makes the
 * miniature under --smoke. */
int run_fingerprint(void *user, const struct worker_params *params, uint64_t *fingerprint,
                    struct mx_err *err);

/* Release what is known of the data. */
void run_forget_data(struct run *run);

/* What is known of the data of a cell; NULL if it was not opened with just these limits and
 * shares. */
const struct run_data *run_data_of(const struct run *run, const struct worker_params *params);

/* Look at every cell before anything runs: refuse heads whose data cannot carry their method,
 * and scores of boxes and masks where there are none or where their table is not sound
 * (MX_EDATA, unless the sweep goes on with what was begun: then such trials fail); and note
 * the forms of hsfm for provenance.json. */
int run_look(struct run *run, struct mx_err *err);

/* Tell what is odd with the files of the data sets. */
void run_tell_remarks(const struct run *run);

/* Whether all decoded images could be kept for all processes of a node. */
bool run_images_are_cached(const struct run *run);

/* Trials that are in a final state. */
uint64_t run_ended(const struct mx_sched_counts *counts);

#endif
