/* A sweep's end without the sweep: executors of pretended GPUs, started and fed by the real link, run
 * empty stages, and their numbers are summed.
 *
 *     use_reduction PROGRAM GPUS PER_GPU STAGES ROUNDS [died=EXECUTOR] [wrong=STAGE] [timeout=S] [handed=BYTES]
 *
 * PROGRAM is what executors are. Stage 0 is the journal's alone: an earlier incarnation did it. After
 * ROUNDS reductions the last one's way is printed, behind the lines for a log. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "sweep/link.h"
#include "tests/fakegpu/fake.h"
#include "tests/unit/tiny_job.h"
#include "worker/device.h"

struct use {
    const char                  *program;
    unsigned                     gpus, per_gpu, stages, rounds;
    int                          died, wrong;
    double                       timeout_s;
    size_t                       handed; /* bytes at most; 0: as usual */
    char                         folder[64];
    struct mx_gpu               *list;
    struct mx_link              *link;
    struct worker_contributions *journal;
    struct mx_link_maker        *makers;
};

static _Noreturn void end(const char *what, const struct mx_err *err)
{
    printf("%s: %s\n", what, err ? err->text : "it is odd");
    exit(1);
}

static void open_link(struct use *use)
{
    struct mx_gpus         gpus = {.n = use->gpus};
    struct mx_link_options options = {
        .program = use->program,
        .directory = use->folder,
        .share = {.jobs = use->stages, .cuda = true, .per_gpu = use->per_gpu},
        .gpus = &gpus,
        .rank_timeout_s = use->timeout_s,
        .handed_bytes = use->handed};
    struct mx_buf why = {0};
    struct mx_err err = {0};
    char          log[80];

    snprintf(use->folder, sizeof use->folder, "/tmp/mixsweep-reduction-XXXXXX");
    if (!mkdtemp(use->folder) || snprintf(log, sizeof log, "%s/log", use->folder) < 0 ||
        mx_dir_make(log, &err))
        end("a folder", &err);
    use->list = calloc(use->gpus, sizeof *use->list);
    for (unsigned k = 0; k < use->gpus; k++) {
        fake_uuid_text((int)k, use->list[k].uuid);
        strcpy(use->list[k].model, "Pretended GPU");
    }
    gpus.list = use->list;
    if (!(use->link = mx_link_open(&options, &why, &err)))
        end("the link", &err);
    mx_buf_free(&why);
}

static struct mx_link_event next_event(struct use *use)
{
    struct mx_link_event event;
    struct mx_err        err = {0};
    int                  rc;

    while ((rc = mx_link_poll(use->link, 60, -1, &event, &err)) == 0)
        ;
    if (rc < 0)
        end("an event", &err);
    return event;
}

static void expect(struct use *use, int kind)
{
    const struct mx_link_event event = next_event(use);

    if ((int)event.kind != kind)
        end("an executor", &(struct mx_err){.text = "it went another way"});
}

/* The executors take turns. */
static void run_stages(struct use *use)
{
    const unsigned       n = mx_link_workers(use->link);
    struct worker_job    job = tiny_job(1);
    struct mx_link_event event;

    job.empty = true;
    job.params.device = WORKER_DEVICE_CUDA;
    for (unsigned k = 0; k < n; k++)
        expect(use, MX_LINK_UP);
    for (uint32_t stage = 1; stage < use->stages; stage++) {
        job.repeat = stage;
        if (mx_link_start(use->link, stage % n, stage, stage, &job, NULL))
            end("an order", NULL);
    }
    for (uint32_t stage = 1; stage < use->stages; stage++) {
        event = next_event(use);
        if (event.kind != MX_LINK_DONE)
            end("a stage", &(struct mx_err){.text = "it is not done"});
        use->makers[event.stage] = (struct mx_link_maker){event.executor, event.life};
        if ((int)event.stage != use->wrong)
            worker_contributions_add(use->journal, 0, event.stage, event.result->metrics,
                                     event.result->nmetrics, NULL);
    }
}

/* What only the journal has, with bits that no sum of numbers would leave alone. */
static void note_earlier(struct use *use)
{
    const struct worker_metric earlier[] = {
        {"val.accuracy", -0.0}, {"test.accuracy", -NAN}, {"val.loss", 5e-324}};

    worker_contributions_add(use->journal, 0, 0, earlier, 3, NULL);
    if (use->wrong > 0)
        worker_contributions_add(use->journal, 0, (uint32_t)use->wrong, earlier, 2, NULL);
}

static void reduce(struct use *use)
{
    const struct mx_link_table table = {use->journal, use->makers, use->stages};
    struct mx_link_reduced     reduced;
    struct mx_err              err = {0};
    int                        rc = mx_link_reduce(use->link, &table, &reduced, &err);

    fputs(mx_buf_str(&reduced.told), stdout);
    mx_buf_free(&reduced.told);
    if (rc)
        end("the reduction", &err);
    printf("%s over %u: %llu numbers, %s\n", reduced.path, reduced.ranks,
           (unsigned long long)reduced.slots, reduced.matches ? "equal" : "DIFFERENT");
    if (!reduced.matches)
        printf("stage %llu, %s, in %u\n", (unsigned long long)reduced.stage, reduced.metric,
               reduced.there);
}

static void read_words(struct use *use, int argc, char **argv)
{
    if (argc < 6)
        end("the command line", NULL);
    *use = (struct use){.program = argv[1],
                        .gpus = (unsigned)atoi(argv[2]),
                        .per_gpu = (unsigned)atoi(argv[3]),
                        .stages = (unsigned)atoi(argv[4]),
                        .rounds = (unsigned)atoi(argv[5]),
                        .died = -1,
                        .timeout_s = 30};
    for (int i = 6; i < argc; i++) {
        char *value = strchr(argv[i], '=');

        if (value && strncmp(argv[i], "died", 4) == 0)
            use->died = atoi(value + 1);
        else if (value && strncmp(argv[i], "wrong", 5) == 0)
            use->wrong = atoi(value + 1);
        else if (value && strncmp(argv[i], "timeout", 7) == 0)
            use->timeout_s = atof(value + 1);
        else if (value && strncmp(argv[i], "handed", 6) == 0)
            use->handed = (size_t)atol(value + 1);
        else
            end(argv[i], NULL);
    }
}

int main(int argc, char **argv)
{
    struct use use;

    read_words(&use, argc, argv);
    use.journal = worker_contributions_new(NULL);
    use.makers = malloc(use.stages * sizeof *use.makers);
    if (!use.journal || !use.makers)
        end("memory", NULL);
    memset(use.makers, 0xFF, use.stages * sizeof *use.makers);
    open_link(&use);
    note_earlier(&use);
    run_stages(&use);
    if (use.died >= 0) {
        mx_link_kill(use.link, (uint32_t)use.died, MX_REASON_CRASHED);
        expect(&use, MX_LINK_LOST);
        expect(&use, MX_LINK_UP);
    }
    for (unsigned k = 0; k < use.rounds; k++)
        reduce(&use);
    mx_link_close(use.link, 0);
    worker_contributions_free(use.journal);
    free(use.makers);
    free(use.list);
    return mx_dir_remove(use.folder, NULL) ? 1 : 0;
}
