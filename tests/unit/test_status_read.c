#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "sweep/progress.h"
#include "sweep/status_print.h"
#include "sweep/status_read.h"
#include "sweep/text_table.h"

static const struct mx_status_gpu gpus[] = {
    {"GPU-0000001a-3", "NVIDIA H100 80GB HBM3", "", 2, UINT64_C(80) << 30, 1e10, 0.5, 7.5e6},
    {"GPU-0000002b-3", "NVIDIA H100 80GB HBM3",
     "one other process computes on it (4711), and it is not ours", 0, 0, NAN, NAN, NAN}};
static struct mx_status_node nodes[] = {
    {"n1", 0, 2, 2, 30, 1, 60, 7265, false, false, gpus, 2, {true, 9000, 3.5e6}},
    {"n2", 1, 0, 1, 3, 0, NAN, 60, false, true, NULL, 0, {false, 0, NAN}}};
static struct mx_status_running slowest[] = {{"0a.r0", "train", "n1", 1, 3725, 0.256},
                                             {"0b.r0", "head", "n1", 0, 2.5, NAN}};
static struct mx_status_failing failing[] = {
    {"0b.r1", "the loss is\x1b[31m not a number, which no training survives", 1,
     MX_REASON_DIVERGED}};
static struct mx_status_reduction reduction = {"tree", 2, 4096, 0.5, true};

static struct mx_status example(void)
{
    return (struct mx_status){
        .name = "ratios",
        .state = "running",
        .incarnation = 3,
        .updated_utc_s = 1764000000.125,
        .counts = {.by_state = {[MX_STATE_PENDING] = 4,
                                [MX_STATE_RUNNING] = 2,
                                [MX_STATE_DONE] = 31,
                                [MX_STATE_FAILED] = 1},
                   .planned = 38},
        .rate_per_hour = 60,
        .eta_s = 360,
        .eta_basis = "some rule",
        .gpu = {true, 12600, 7.2e6},
        .exit_code = -1,
        .nodes = nodes,
        .nnodes = 2,
        .slowest = slowest,
        .nslowest = 2,
        .failing = failing,
        .nfailing = 1,
        .reduction = &reduction,
    };
}

/* A machine where process 41 lives, and one on another host that wrote `age` seconds ago. */
struct machine {
    double age;
};

static int self(void *user, struct mx_process *out, struct mx_err *err)
{
    (void)user;
    (void)err;
    *out =
        (struct mx_process){.host = "here", .boot = "b1", .pid_space = "p1", .pid = 7, .start = 70};
    return 0;
}

static bool start_of(void *user, long pid, uint64_t *start)
{
    (void)user;
    *start = 410;
    return pid == 41;
}

static int age_s(void *user, const char *path, double *age, struct mx_err *err)
{
    (void)path;
    (void)err;
    *age = ((struct machine *)user)->age;
    return 0;
}

static double utc_s(void *user)
{
    (void)user;
    return 1764000003.5;
}

static struct machine               world = {.age = 0};
static const struct mx_owner_system machine = {self, start_of, age_s, utc_s, NULL, &world};

static char folder[] = "/tmp/mx_status_read_XXXXXX";

static void put(const char *name, const char *text)
{
    char *path = mx_path_join(folder, name);

    cr_assert_eq(mx_file_write(path, text, strlen(text), NULL), 0);
    free(path);
}

static void put_owner(const char *host, long pid, unsigned incarnation)
{
    char text[256];

    snprintf(text, sizeof text,
             "{\"host\":\"%s\",\"boot\":\"b1\",\"pid_namespace\":\"p1\",\"pid\":%ld,"
             "\"start\":\"410\",\"incarnation\":%u,\"token\":\"t\"}",
             host, pid, incarnation);
    put("owner.json", text);
}

static void begin(void)
{
    struct mx_status status = example();

    strcpy(folder + strlen(folder) - 6, "XXXXXX");
    cr_assert(mkdtemp(folder));
    cr_assert_eq(mx_status_write(folder, &status, NULL), 0);
    put("config.yaml", "");
    put_owner("here", 41, 3);
}

static void end(void)
{
    cr_assert_eq(mx_dir_remove(folder, NULL), 0);
}

/* What the view says about the state, with the file as it is. */
static void expect_state(const char *state)
{
    struct mx_status_view view;
    struct mx_err         err = {0};

    cr_assert_eq(mx_status_view_open(folder, &machine, &view, &err), 0, "%s", err.text);
    cr_expect_str_eq(view.status.state, state);
    mx_status_view_close(&view);
}

static void write_state(const char *state, int exit_code)
{
    struct mx_status status = example();

    status.state = state;
    status.exit_code = exit_code;
    cr_assert_eq(mx_status_write(folder, &status, NULL), 0);
}

TestSuite(status_read, .init = begin, .fini = end);

Test(status_read, gives_back_every_field_that_was_written)
{
    struct mx_status      status = example();
    struct mx_status_view view;
    struct mx_buf         before = {0}, after = {0};
    struct mx_err         err = {0};

    cr_assert_eq(mx_status_view_open(folder, &machine, &view, &err), 0, "%s", err.text);
    mx_status_json(&status, &before);
    mx_status_json(&view.status, &after);
    cr_expect_str_eq(mx_buf_str(&after), mx_buf_str(&before));
    cr_expect_float_eq(view.age_s, 3.375, 1e-6);
    cr_expect_eq(view.owner.process.pid, 41);
    mx_buf_free(&before);
    mx_buf_free(&after);
    mx_status_view_close(&view);
}

Test(status_read, a_sweep_that_says_it_runs_is_lost_without_its_owner)
{
    expect_state("running");
    put_owner("here", 42, 3);
    expect_state("lost");
    write_state("draining", -1);
    expect_state("lost");
    write_state("finished", 0);
    expect_state("finished");
    put_owner("elsewhere", 42, 3);
    write_state("running", -1);
    world.age = MX_OWNER_ALIVE_S - 1;
    expect_state("running");
    world.age = MX_OWNER_ALIVE_S + 1;
    expect_state("lost");
}

Test(status_read, an_interrupted_sweep_that_goes_on_runs_before_it_says_so)
{
    struct mx_status_view view;
    struct mx_err         err = {0};

    write_state("interrupted", 75);
    expect_state("interrupted"); /* its owner is about to leave */
    put_owner("here", 41, 4);
    cr_assert_eq(mx_status_view_open(folder, &machine, &view, &err), 0, "%s", err.text);
    cr_expect_str_eq(view.status.state, "running");
    cr_expect_eq(view.status.exit_code, -1);
    cr_expect(isnan(view.status.eta_s));
    cr_expect_eq(view.status.counts.by_state[MX_STATE_DONE], 31);
    cr_expect_eq(view.status.nnodes, 0);
    mx_status_view_close(&view);
}

static void expect_error(enum mx_code code, const char *text)
{
    struct mx_status_view view;
    struct mx_err         err = {0};
    struct mx_buf         expected = {0};

    cr_expect_eq(mx_status_view_open(folder, &machine, &view, &err), -1);
    cr_expect_eq(err.code, code);
    mx_buf_printf(&expected, text, folder, folder);
    cr_expect_str_eq(err.text, mx_buf_str(&expected));
    mx_buf_free(&expected);
}

Test(status_read, says_what_is_wrong_with_the_directory)
{
    static const char *const none_of_ours[] = {
        "",
        "{}",
        "[1]",
        "{\"state\":\"running\"",
        "\xff",
        "{\"state\":\"dreaming\",\"planned\":1,\"updated\":\"2025-11-24T16:00:00.125Z\"}",
        "{\"state\":\"running\",\"planned\":1,\"updated\":\"yesterday\"}",
        "{\"state\":\"running\",\"planned\":\"1\",\"updated\":\"2025-11-24T16:00:00.125Z\"}"};
    char *path = mx_path_join(folder, "status.json");

    for (size_t k = 0; k < sizeof none_of_ours / sizeof none_of_ours[0]; k++) {
        put("status.json", none_of_ours[k]);
        expect_error(MX_EIO, "%s/status.json was not written by mixsweep; mixsweep resume %s "
                             "writes it anew");
    }
    cr_assert_eq(remove(path), 0);
    expect_error(MX_EIO, "there is no %s/status.json; a sweep that starts writes it within "
                         "seconds, and mixsweep resume %s does it anew");
    free(path);
}

Test(status_read, takes_a_file_whose_lists_are_odd)
{
    put("status.json",
        "{\"state\":\"running\",\"planned\":1,\"updated\":\"2025-11-24T16:00:00.125Z\","
        "\"done\":-4,\"nodes\":[1,{\"host\":7,\"gpus\":[3]}],\"slowest\":{},\"failing\":[null],"
        "\"reduction\":[],\"incarnation\":99999999999}");
    expect_state("running");
}

/* As a person sees it. */
static void expect_text(const char *state, unsigned width, const char *text)
{
    struct mx_status_view view;
    struct mx_buf         out = {0};
    struct mx_err         err = {0};

    write_state(state, strcmp(state, "interrupted") == 0 ? 75 : -1);
    cr_assert_eq(mx_status_view_open(folder, &machine, &view, &err), 0, "%s", err.text);
    mx_status_text(&view, "runs/ratios", width, &out);
    cr_expect_str_eq(mx_buf_str(&out), text, "is\n%s", mx_buf_str(&out));
    mx_buf_free(&out);
    mx_status_view_close(&view);
}

Test(status_read, counts_come_first_and_lost_nodes_before_the_others)
{
    expect_text("running", 0,
                "ratios: running on here (process 41), incarnation 3, updated 3s ago\n"
                "38 trials: 31 done, 1 failed, 2 running, 4 pending\n"
                "60/h, ETA 6m, by some rule; 3.5 GPU hours, 2 kWh\n"
                "\n"
                "nodes and their stages\n"
                "node  rank  executors  running  done  failed  rate  worked\n"
                "n2       1          0        0     3       0           60s  lost\n"
                "n1       0          2        2    30       1  60/h   2h01m\n"
                "\n"
                "failed attempts, the last ones first\n"
                "trial  attempts  reason    text\n"
                "0b.r1         1  diverged  the loss is\\x1B[31m not a number, which no training "
                "survives\n"
                "\n"
                "under way, the slowest first\n"
                "trial  stage  node  executor  since  share\n"
                "0a.r0  train  n1           1    62m    26%\n"
                "0b.r0  head   n1           0     3s\n"
                "\n"
                "GPUs\n"
                "node  GPU           model           executors  load        memory\n"
                "n1    GPU-0000002b  H100 80GB HBM3          0                      left out\n"
                "n1    GPU-0000001a  H100 80GB HBM3          2   50%  9.3/80.0 GiB\n"
                "GPU-0000002b on n1: one other process computes on it (4711), and it is not ours\n"
                "\n"
                "reduction: tree over 2 ranks, 4096 bytes in 0.5 s, equals the journal\n");
}

Test(status_read, no_line_is_wider_than_the_terminal)
{
    for (unsigned width = 1; width <= 100; width++) {
        struct mx_status_view view;
        struct mx_buf         out = {0};

        cr_assert_eq(mx_status_view_open(folder, &machine, &view, NULL), 0);
        mx_status_text(&view, "runs/ratios", width, &out);
        cr_expect(mx_buf_ok(&out));
        for (char *line = strtok(out.data, "\n"); line; line = strtok(NULL, "\n"))
            cr_expect_leq(mx_text_width(line), width, "of %u columns: %s", width, line);
        mx_buf_free(&out);
        mx_status_view_close(&view);
    }
}

/* Names as clusters have them, and failures that say much: what does not fit a line goes on in
 * the next one. */
Test(status_read, at_80_columns_nothing_is_cut)
{
    static const char     text[] = "the executor was killed (signal 9); if nobody did that, the "
                                   "machine ran out of memory; its last words: mixsweep executor: "
                                   "slot 3, 1,024 MiB resident";
    struct mx_status      status = example();
    struct mx_status_node node = nodes[0];
    struct mx_status_view view;
    struct mx_buf         out = {0};
    char                 *to;

    node.host = "gpu-017.cluster.example.org";
    status.name = "cifar10-ratios-resnet18";
    status.eta_basis = mx_progress_basis;
    status.rate_per_hour = 123456;
    status.eta_s = 300000;
    for (unsigned k = 0; k < MX_STATES; k++)
        status.counts.by_state[k] = 100000;
    status.counts.planned = 600000;
    status.nodes = &node;
    status.nnodes = 1;
    status.slowest = &(struct mx_status_running){
        "0123456789abcdef.r10", "inter_model", node.host, 127, 3725, 0.256};
    status.nslowest = 1;
    status.failing =
        &(struct mx_status_failing){"0123456789abcdef.r10", text, 3, MX_REASON_OUT_OF_MEMORY};
    put_owner("login-2.cluster.example.org", 4194303, 3);
    cr_assert_eq(mx_status_write(folder, &status, NULL), 0);
    cr_assert_eq(mx_status_view_open(folder, &machine, &view, NULL), 0);
    mx_status_text(&view, "runs/ratios", 80, &out);
    cr_expect_null(strstr(mx_buf_str(&out), "\xE2\x80\xA6"), "is\n%s", mx_buf_str(&out));
    /* Lines that go on are put together again. */
    to = out.data;
    for (const char *at = out.data; *at;) {
        const bool goes_on = strncmp(at, "\n  ", 3) == 0;

        *to++ = goes_on ? ' ' : *at;
        at += goes_on ? 3 : 1;
    }
    *to = '\0';
    cr_expect(strstr(out.data, "cifar10-ratios-resnet18: running on login-2.cluster.example.org "
                               "(process 4194303), incarnation 3, updated 3s ago\n"
                               "600000 trials: 100000 done, 100000 failed, 100000 quarantined, "
                               "100000 stopped, 100000 running, 100000 pending\n"
                               "123456/h, ETA 3d11h, by this start's rate; 3.5 GPU hours, 2 kWh\n"),
              "is\n%s", out.data);
    cr_expect(strstr(out.data, "0123456789abcdef.r10, attempt 3, out_of_memory: the executor was"),
              "is\n%s", out.data);
    cr_expect(strstr(out.data, text), "is\n%s", out.data);
    cr_expect(strstr(out.data, "\ngpu-017     0"), "is\n%s", out.data);
    mx_buf_free(&out);
    mx_status_view_close(&view);
}

Test(status_read, one_that_does_not_run_says_how_to_go_on)
{
    struct mx_status_view view;
    struct mx_buf         out = {0};

    write_state("interrupted", 75);
    cr_assert_eq(mx_status_view_open(folder, &machine, &view, NULL), 0);
    mx_status_text(&view, "runs/ratios", 0, &out);
    cr_expect(strstr(mx_buf_str(&out),
                     "ratios: interrupted, incarnation 3, last heard of 3s ago, "
                     "2025-11-24T16:00:00.125Z\n"
                     "38 trials: 31 done, 1 failed, 2 running, 4 pending\n"
                     "mixsweep resume runs/ratios goes on; exit code 75; 3.5 GPU hours, 2 kWh\n"),
              "is\n%s", mx_buf_str(&out));
    mx_status_view_close(&view);
    mx_buf_clear(&out);
    put_owner("here", 42, 3);
    write_state("running", -1);
    cr_assert_eq(mx_status_view_open(folder, &machine, &view, NULL), 0);
    mx_status_text(&view, "runs/ratios", 0, &out);
    cr_expect(strstr(mx_buf_str(&out), "its process (42 on here) is gone: mixsweep resume "
                                       "runs/ratios goes on; 3.5 GPU hours, 2 kWh\n"));
    cr_expect(strstr(mx_buf_str(&out), "38 trials: 31 done, 1 failed, 6 pending\n"),
              "what ran does not run any more");
    cr_expect(strstr(mx_buf_str(&out), "n1       0          2        0    30"));

    cr_expect(strstr(mx_buf_str(&out), "under way when it was last heard of, the slowest first\n"));
    mx_buf_free(&out);
    mx_status_view_close(&view);
}

Test(status_read, of_many_nodes_some_are_shown_and_all_are_counted)
{
    struct mx_status      status = example();
    struct mx_status_node many[27];
    struct mx_status_view view;
    struct mx_buf         out = {0};
    size_t                lines = 0;

    for (unsigned k = 0; k < 27; k++)
        many[k] = (struct mx_status_node){.host = "n", .rank = k, .executors = 1, .lost = k == 26};
    status.nodes = many;
    status.nnodes = 27;
    cr_assert_eq(mx_status_write(folder, &status, NULL), 0);
    cr_assert_eq(mx_status_view_open(folder, &machine, &view, NULL), 0);
    mx_status_text(&view, "runs/ratios", 80, &out);
    cr_expect(strstr(mx_buf_str(&out), "\nnodes and their stages (20 of 27)\n"), "is\n%s",
              mx_buf_str(&out));
    for (const char *at = mx_buf_str(&out); (at = strstr(at, "\nn   ")); at++)
        lines++;
    cr_expect_eq(lines, 20);
    cr_expect(strstr(mx_buf_str(&out), "lost\n"));
    mx_buf_free(&out);
    mx_status_view_close(&view);
}
