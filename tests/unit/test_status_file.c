#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "sweep/status_file.h"

static const struct mx_status_gpu  gpus[] = {{"GPU-1", "H100", "", 2, 1024, 512, 0.5, 1e6},
                                             {"GPU-2", "H100", "lost", 0, 0, NAN, NAN, NAN}};
static const struct mx_status_node nodes[] = {
    {"n\"1", 0, 2, 1, 3, 0, NAN, 40.5, false, true, gpus, 2, {true, 1800, 5e5}}};
static const struct mx_status_running slowest[] = {{"0a.r0", "train", "n1", 1, 12.5, 0.25}};
static const struct mx_status_failing failing[] = {{"0b.r1", "loss is nan", 1, MX_REASON_DIVERGED}};
static const struct mx_status_reduction reduction = {"tree", 4, 4096, 0.5, true};

static struct mx_status example(void)
{
    return (struct mx_status){
        .name = "ratios",
        .state = "running",
        .incarnation = 2,
        .updated_utc_s = 1764000000.125,
        .counts = {.by_state = {[MX_STATE_PENDING] = 4,
                                [MX_STATE_RUNNING] = 1,
                                [MX_STATE_DONE] = 3,
                                [MX_STATE_FAILED] = 1},
                   .planned = 9},
        .rate_per_hour = 120,
        .eta_s = NAN,
        .gpu = {true, 9000, NAN},
        .exit_code = -1,
        .nodes = nodes,
        .nnodes = 1,
        .slowest = slowest,
        .nslowest = 1,
        .failing = failing,
        .nfailing = 1,
    };
}

Test(status_file, has_the_fields_of_the_contract)
{
    struct mx_status status = example();
    struct mx_buf    out = {0};

    mx_status_json(&status, &out);
    cr_expect_str_eq(
        mx_buf_str(&out),
        "{\"name\":\"ratios\",\"state\":\"running\",\"incarnation\":2,"
        "\"updated\":\"2025-11-24T16:00:00.125Z\",\"planned\":9,\"done\":3,\"failed\":1,"
        "\"quarantined\":0,\"stopped\":0,\"running\":1,\"pending\":4,\"rate_per_hour\":120,"
        "\"eta_s\":null,\"eta_basis\":null,\"gpu_hours\":2.5,\"energy_j\":null,"
        "\"exit_code\":null,"
        "\"nodes\":[{\"host\":\"n\\\"1\",\"rank\":0,\"executors\":2,\"running\":1,\"done\":3,"
        "\"failed\":0,\"rate_per_hour\":null,\"busy_seconds\":40.5,\"gpu_hours\":0.5,"
        "\"energy_j\":500000,\"quarantined\":false,\"lost\":true,\"gpus\":["
        "{\"uuid\":\"GPU-1\",\"model\":\"H100\",\"executors\":2,\"memory_bytes\":1024,"
        "\"memory_used_bytes\":512,\"load\":0.5,\"energy_j\":1000000,\"left_out\":null},"
        "{\"uuid\":\"GPU-2\",\"model\":\"H100\",\"executors\":0,\"memory_bytes\":0,"
        "\"memory_used_bytes\":null,\"load\":null,\"energy_j\":null,\"left_out\":\"lost\"}]}],"
        "\"slowest\":[{\"trial\":\"0a.r0\",\"stage\":\"train\",\"host\":\"n1\",\"executor\":1,"
        "\"seconds\":12.5,\"progress\":0.25}],"
        "\"failing\":[{\"trial\":\"0b.r1\",\"attempts\":1,\"reason\":\"diverged\","
        "\"text\":\"loss is nan\"}],\"reduction\":null}\n",
        "is\n%s", mx_buf_str(&out));
    mx_buf_clear(&out);
    status.reduction = &reduction;
    status.exit_code = 0;
    mx_status_json(&status, &out);
    cr_expect(strstr(mx_buf_str(&out), "\"exit_code\":0,"));
    cr_expect(strstr(mx_buf_str(&out), "\"reduction\":{\"path\":\"tree\",\"ranks\":4,"
                                       "\"bytes\":4096,\"seconds\":0.5,\"matches\":true}}"));
    mx_buf_free(&out);
}

/* Each family has its HELP and TYPE once, before its samples. */
Test(status_file, metrics_are_in_the_text_format_of_prometheus)
{
    struct mx_status      status = example();
    struct mx_status_node node = nodes[0];
    struct mx_buf         out = {0};

    node.ngpus = 0;
    node.gpu = status.gpu = (struct mx_gpu_use){.known = false};
    status.name = "a\\b\"\n";
    status.nodes = &node;
    mx_status_metrics(&status, &out);
    cr_expect_str_eq(
        mx_buf_str(&out),
        "# HELP mixsweep_state 1 for what the sweep says it is doing.\n"
        "# TYPE mixsweep_state gauge\n"
        "mixsweep_state{sweep=\"a\\\\b\\\"\\n\",state=\"running\"} 1\n"
        "mixsweep_state{sweep=\"a\\\\b\\\"\\n\",state=\"draining\"} 0\n"
        "mixsweep_state{sweep=\"a\\\\b\\\"\\n\",state=\"finished\"} 0\n"
        "mixsweep_state{sweep=\"a\\\\b\\\"\\n\",state=\"interrupted\"} 0\n"
        "# HELP mixsweep_trials Trials by state; their sum is mixsweep_trials_planned.\n"
        "# TYPE mixsweep_trials gauge\n"
        "mixsweep_trials{sweep=\"a\\\\b\\\"\\n\",state=\"done\"} 3\n"
        "mixsweep_trials{sweep=\"a\\\\b\\\"\\n\",state=\"failed\"} 1\n"
        "mixsweep_trials{sweep=\"a\\\\b\\\"\\n\",state=\"quarantined\"} 0\n"
        "mixsweep_trials{sweep=\"a\\\\b\\\"\\n\",state=\"stopped\"} 0\n"
        "mixsweep_trials{sweep=\"a\\\\b\\\"\\n\",state=\"running\"} 1\n"
        "mixsweep_trials{sweep=\"a\\\\b\\\"\\n\",state=\"pending\"} 4\n"
        "# HELP mixsweep_trials_planned Trials of the whole sweep.\n"
        "# TYPE mixsweep_trials_planned gauge\n"
        "mixsweep_trials_planned{sweep=\"a\\\\b\\\"\\n\"} 9\n"
        "# HELP mixsweep_incarnation How often the sweep was started.\n"
        "# TYPE mixsweep_incarnation gauge\n"
        "mixsweep_incarnation{sweep=\"a\\\\b\\\"\\n\"} 2\n"
        "# HELP mixsweep_updated_timestamp_seconds When these numbers were written.\n"
        "# TYPE mixsweep_updated_timestamp_seconds gauge\n"
        "mixsweep_updated_timestamp_seconds{sweep=\"a\\\\b\\\"\\n\"} 1764000000.125\n"
        "# HELP mixsweep_trials_per_second Trials that end in a second at present.\n"
        "# TYPE mixsweep_trials_per_second gauge\n"
        "mixsweep_trials_per_second{sweep=\"a\\\\b\\\"\\n\"} 0.03333333333333333\n"
        "# HELP mixsweep_node_executors Executors of a node.\n"
        "# TYPE mixsweep_node_executors gauge\n"
        "mixsweep_node_executors{sweep=\"a\\\\b\\\"\\n\",host=\"n\\\"1\",rank=\"0\"} 2\n"
        "# HELP mixsweep_node_running Stages that a node is running.\n"
        "# TYPE mixsweep_node_running gauge\n"
        "mixsweep_node_running{sweep=\"a\\\\b\\\"\\n\",host=\"n\\\"1\",rank=\"0\"} 1\n"
        "# HELP mixsweep_node_lost 1 if a node was lost in this incarnation.\n"
        "# TYPE mixsweep_node_lost gauge\n"
        "mixsweep_node_lost{sweep=\"a\\\\b\\\"\\n\",host=\"n\\\"1\",rank=\"0\"} 1\n"
        "# HELP mixsweep_node_stages_done_total Stages that a node has done in this incarnation.\n"
        "# TYPE mixsweep_node_stages_done_total counter\n"
        "mixsweep_node_stages_done_total{sweep=\"a\\\\b\\\"\\n\",host=\"n\\\"1\",rank=\"0\"} 3\n"
        "# HELP mixsweep_node_stage_failures_total Attempts that failed on a node in this "
        "incarnation.\n"
        "# TYPE mixsweep_node_stage_failures_total counter\n"
        "mixsweep_node_stage_failures_total{sweep=\"a\\\\b\\\"\\n\",host=\"n\\\"1\",rank=\"0\"} 0\n"
        "# HELP mixsweep_node_busy_seconds_total Time that executors of a node spent on ended "
        "stages.\n"
        "# TYPE mixsweep_node_busy_seconds_total counter\n"
        "mixsweep_node_busy_seconds_total{sweep=\"a\\\\b\\\"\\n\",host=\"n\\\"1\",rank=\"0\"} "
        "40.5\n",
        "is\n%s", mx_buf_str(&out));
    mx_buf_free(&out);
}

Test(status_file, metrics_of_gpus_come_after_those_of_nodes)
{
    struct mx_status status = example();
    struct mx_buf    out = {0};
    const char      *found;

    status.name = "a\\b\"\n";
    mx_status_metrics(&status, &out);
    cr_expect(strstr(mx_buf_str(&out),
                     "# TYPE mixsweep_gpu_seconds_total counter\n"
                     "mixsweep_gpu_seconds_total{sweep=\"a\\\\b\\\"\\n\"} 9000\n"));
    cr_expect_null(strstr(mx_buf_str(&out), "mixsweep_energy_joules_total"), "nobody told it");
    cr_expect(strstr(mx_buf_str(&out), "rank=\"0\"} 1800\n"));
    cr_expect(strstr(mx_buf_str(&out), "rank=\"0\"} 500000\n"));
    found = strstr(mx_buf_str(&out), "# HELP mixsweep_gpu_executors");
    cr_assert(found, "is\n%s", mx_buf_str(&out));
    cr_expect_str_eq(
        found,
        "# HELP mixsweep_gpu_executors Executors that compute on a GPU.\n"
        "# TYPE mixsweep_gpu_executors gauge\n"
        "mixsweep_gpu_executors{sweep=\"a\\\\b\\\"\\n\",host=\"n\\\"1\",rank=\"0\",gpu=\"GPU-1\","
        "model=\"H100\"} 2\n"
        "mixsweep_gpu_executors{sweep=\"a\\\\b\\\"\\n\",host=\"n\\\"1\",rank=\"0\",gpu=\"GPU-2\","
        "model=\"H100\"} 0\n"
        "# HELP mixsweep_gpu_left_out 1 if a GPU is not used because of what is wrong with it.\n"
        "# TYPE mixsweep_gpu_left_out gauge\n"
        "mixsweep_gpu_left_out{sweep=\"a\\\\b\\\"\\n\",host=\"n\\\"1\",rank=\"0\",gpu=\"GPU-1\","
        "model=\"H100\"} 0\n"
        "mixsweep_gpu_left_out{sweep=\"a\\\\b\\\"\\n\",host=\"n\\\"1\",rank=\"0\",gpu=\"GPU-2\","
        "model=\"H100\"} 1\n"
        "# HELP mixsweep_gpu_memory_bytes Memory of a GPU.\n"
        "# TYPE mixsweep_gpu_memory_bytes gauge\n"
        "mixsweep_gpu_memory_bytes{sweep=\"a\\\\b\\\"\\n\",host=\"n\\\"1\",rank=\"0\",gpu=\"GPU-"
        "1\",model=\"H100\"} 1024\n"
        "mixsweep_gpu_memory_bytes{sweep=\"a\\\\b\\\"\\n\",host=\"n\\\"1\",rank=\"0\",gpu=\"GPU-"
        "2\",model=\"H100\"} 0\n"
        "# HELP mixsweep_gpu_memory_used_bytes Memory of a GPU in use, by whomever.\n"
        "# TYPE mixsweep_gpu_memory_used_bytes gauge\n"
        "mixsweep_gpu_memory_used_bytes{sweep=\"a\\\\b\\\"\\n\",host=\"n\\\"1\",rank=\"0\",gpu="
        "\"GPU-1\",model=\"H100\"} 512\n"
        "# HELP mixsweep_gpu_utilization_ratio Share of the time that a GPU computed.\n"
        "# TYPE mixsweep_gpu_utilization_ratio gauge\n"
        "mixsweep_gpu_utilization_ratio{sweep=\"a\\\\b\\\"\\n\",host=\"n\\\"1\",rank=\"0\",gpu="
        "\"GPU-1\",model=\"H100\"} 0.5\n"
        "# HELP mixsweep_gpu_energy_joules_total What a GPU has drawn since its driver was "
        "loaded.\n"
        "# TYPE mixsweep_gpu_energy_joules_total counter\n"
        "mixsweep_gpu_energy_joules_total{sweep=\"a\\\\b\\\"\\n\",host=\"n\\\"1\",rank=\"0\",gpu="
        "\"GPU-1\",model=\"H100\"} 1000000\n",
        "is\n%s", mx_buf_str(&out));
    mx_buf_free(&out);
}

Test(status_file, is_written_whole_into_the_directory)
{
    char             folder[] = "/tmp/mx_status_XXXXXX";
    struct mx_status status = example();
    struct mx_err    err = {0};
    json_t          *root;
    char            *path;

    cr_assert(mkdtemp(folder));
    path = mx_path_join(folder, "status.json");
    cr_assert_eq(mx_status_write(folder, &status, &err), 0, "%s", err.text);
    root = json_load_file(path, 0, NULL);
    cr_assert(root);
    cr_expect_eq(json_integer_value(json_object_get(root, "planned")), 9);
    json_decref(root);
    free(path);
    cr_assert_eq(mx_dir_remove(folder, NULL), 0);
    cr_expect_eq(mx_status_write(folder, &status, &err), -1);
    cr_expect_eq(err.code, MX_EIO);
}
