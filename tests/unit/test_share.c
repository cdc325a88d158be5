/* Executors shared out over pretended clusters. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "sweep/share.h"

enum {
    MOST_RANKS = 16
};

/* CPUs [first .. first + count) of a node of 8. */
static struct mx_place place(const char *host, unsigned first, unsigned count)
{
    struct mx_place p = {
        .boot = "boot", .node_cpus = 8, .memory_bytes = (uint64_t)4 << 30, .cpus = {0}};

    snprintf(p.host, sizeof p.host, "%s", host);
    for (unsigned c = first; c < first + count; c++)
        p.cpus[c / 64] |= (uint64_t)1 << (c % 64);
    return p;
}

/* Share out; `expected` as text, "2 2 1"; `told`: the lines. */
static void check(const struct mx_place *places, unsigned n, struct mx_share_request request,
                  const char *expected, const char *told)
{
    const struct mx_place *pointers[MOST_RANKS];
    unsigned               workers[MOST_RANKS], sum = 0;
    struct mx_buf          why = {0}, got = {0};
    unsigned               total;

    for (unsigned r = 0; r < n; r++)
        pointers[r] = places[r].host[0] ? &places[r] : NULL;
    total = mx_share_out(pointers, n, &request, workers, NULL, &why);
    for (unsigned r = 0; r < n; r++) {
        mx_buf_printf(&got, "%s%u", r ? " " : "", workers[r]);
        sum += workers[r];
    }
    cr_expect_str_eq(mx_buf_str(&got), expected);
    cr_expect_eq(total, sum);
    cr_expect_str_eq(mx_buf_str(&why), told);
    mx_buf_free(&why);
    mx_buf_free(&got);
}

static const struct mx_share_request plenty = {.jobs = 1000, .bytes_each = 1};

static const struct mx_share_request mpirun = {.jobs = 1000, .bytes_each = 1, .launched = true};

static struct mx_share_request ask(unsigned workers)
{
    struct mx_share_request request = plenty;

    request.asked = workers;
    return request;
}

Test(share, one_rank_gets_an_executor_for_each_usable_cpu)
{
    struct mx_place p = place("a", 0, 8);

    check(&p, 1, plenty, "8", "");
}

Test(share, workers_are_a_number_for_a_node_shared_out_over_its_ranks)
{
    struct mx_place p[4] = {place("a", 0, 8), place("b", 0, 8), place("a", 0, 8), place("a", 0, 8)};

    check(p, 4, ask(5), "2 5 2 1", "");
    check(p, 4, ask(2), "1 2 1 0", "");
    check(p, 4, plenty, "3 8 3 2", "");
}

Test(share, two_boots_of_one_name_are_two_nodes)
{
    struct mx_place p[2] = {place("a", 0, 8), place("a", 0, 8)};

    strcpy(p[1].boot, "other");
    check(p, 2, ask(3), "3 3", "");
}

Test(share, ranks_that_never_came_get_nothing)
{
    struct mx_place p[3] = {place("a", 0, 8), {.host = ""}, place("a", 0, 8)};

    check(p, 3, ask(4), "2 0 2", "");
}

Test(share, bound_ranks_count_the_cpus_of_all_together_and_are_told)
{
    struct mx_place p[2] = {place("a", 0, 1), place("a", 4, 1)};

    check(p, 2, mpirun, "1 1",
          "rank 0 on a is bound to 1 of the 8 CPUs that the job has there, and so are its "
          "executors; mpirun --bind-to none lets them use all\n"
          "rank 1 on a is bound to 1 of the 8 CPUs that the job has there, and so are its "
          "executors; mpirun --bind-to none lets them use all\n"
          "a: 2 executors of 2 ranks, 2 CPUs usable, 4096 MiB of memory free\n");
}

Test(share, without_a_launcher_nothing_is_said_of_binding)
{
    struct mx_place p = place("a", 0, 2);

    check(&p, 1, plenty, "2", "");
}

Test(share, under_a_launcher_each_node_is_told)
{
    struct mx_place p[3] = {place("a", 0, 8), place("b", 0, 8), place("a", 0, 8)};

    check(p, 3, mpirun, "4 8 4",
          "a: 8 executors of 2 ranks, 8 CPUs usable, 4096 MiB of memory free\n"
          "b: 8 executors of 1 rank, 8 CPUs usable, 4096 MiB of memory free\n");
}

Test(share, many_bound_ranks_of_a_node_are_told_in_few_lines)
{
    struct mx_place         p[8];
    const struct mx_place  *pointers[8];
    struct mx_share_request request = mpirun;
    unsigned                workers[8], lines = 0;
    struct mx_buf           why = {0};

    for (unsigned r = 0; r < 8; r++) {
        p[r] = place("a", r, 1);
        pointers[r] = &p[r];
    }
    mx_share_out(pointers, 8, &request, workers, NULL, &why);
    for (const char *at = mx_buf_str(&why); (at = strchr(at, '\n')); at++)
        lines++;
    cr_expect_eq(lines, 6);
    cr_expect_not_null(strstr(mx_buf_str(&why), "4 more ranks on a are bound like that\n"));
    mx_buf_free(&why);
}

Test(share, memory_lowers_the_number_unless_it_was_asked_for)
{
    struct mx_place         p[2] = {place("a", 0, 8), place("a", 0, 8)};
    struct mx_share_request request = plenty;

    request.bytes_each = (uint64_t)1 << 30;
    check(p, 2, request, "2 2",
          "a: 4 of 8 executors started: each needs about 1024 MiB and 4096 MiB are free\n");
    request.asked = 6;
    check(p, 2, request, "3 3", "");
    request.asked = 0;
    request.bytes_each = (uint64_t)64 << 30;
    check(p, 2, request, "1 0",
          "a: 1 of 8 executors started: each needs about 65536 MiB and 4096 MiB are free\n");
}

Test(share, what_executors_have_in_common_is_on_a_node_once)
{
    struct mx_place         p[2] = {place("a", 0, 8), place("a", 0, 8)};
    struct mx_share_request request = plenty;

    request.bytes_each = (uint64_t)512 << 20;
    request.bytes_node = (uint64_t)1 << 30;
    check(p, 2, request, "3 3",
          "a: 6 of 8 executors started: each needs about 512 MiB and 4096 MiB are free, of which "
          "they share about 1024 MiB\n");
    request.bytes_node = (uint64_t)8 << 30;
    check(p, 2, request, "1 0",
          "a: 1 of 8 executors started: each needs about 512 MiB and 4096 MiB are free, of which "
          "they share about 8192 MiB\n");
}

Test(share, the_control_groups_quota_bounds_the_node)
{
    struct mx_place p[2] = {place("a", 0, 8), place("a", 0, 8)};

    p[0].quota_cpus = p[1].quota_cpus = 3;
    check(p, 2, plenty, "2 1", "a: 3 of 8 CPUs used: the control group grants no more time\n");
    check(p, 2, ask(4), "2 2", "a: 4 executors share 3 CPUs, as asked by --workers\n");
}

Test(share, there_are_never_more_executors_than_stages)
{
    struct mx_place         p[3] = {place("a", 0, 8), place("b", 0, 8), place("c", 0, 8)};
    struct mx_share_request request = plenty;

    request.jobs = 10;
    check(p, 3, request, "8 2 0", "");
    request.jobs = 0;
    check(p, 3, request, "1 0 0", "");
}

Test(share, a_place_survives_its_message)
{
    struct mx_place look, back;
    struct mx_buf   out = {0};
    struct mx_err   err = {0};
    struct mx_wire  wire;
    uint16_t        type;
    size_t          body, frame;

    cr_assert_eq(mx_place_look(&look, &err), 0, "%s", err.text);
    cr_expect_gt(look.memory_bytes, 0);
    cr_expect_gt(look.node_cpus, 0);
    frame = mx_wire_begin(&out, 1);
    mx_place_put(&out, &look);
    mx_wire_end(&out, frame);
    cr_assert_eq(mx_wire_peek(out.data, out.len, &type, &body, NULL), 1);
    wire = mx_wire_body(out.data, body);
    mx_place_take(&wire, &back);
    cr_expect(mx_wire_done(&wire));
    cr_expect_str_eq(back.host, look.host);
    cr_expect_str_eq(back.boot, look.boot);
    cr_expect_eq(memcmp(back.cpus, look.cpus, sizeof look.cpus), 0);
    cr_expect_eq(back.node_cpus, look.node_cpus);
    cr_expect_eq(back.memory_bytes, look.memory_bytes);
    mx_buf_free(&out);
}

/* GPUs of a node for tests: those with a fault have one. */
static struct mx_gpu cards[] = {
    {.uuid = "GPU-0", .model = "M"},
    {.uuid = "GPU-1", .model = "M"},
    {.uuid = "GPU-2", .model = "M"},
    {.uuid = "GPU-3", .model = "M", .fault = "it needs a reset", .mend = "reset it"},
};

static struct mx_place with_gpus(const char *host, const struct mx_gpus *gpus, int local)
{
    struct mx_place p = place(host, 0, 8);

    p.gpus = gpus;
    p.local = local;
    return p;
}

/* Share out GPUs; `expected`: for each rank executors and its GPUs, "2:GPU-0,GPU-1 0:". */
static void check_gpus(const struct mx_place *places, unsigned n, struct mx_share_request request,
                       const char *expected, const char *told)
{
    const struct mx_place *pointers[MOST_RANKS];
    struct mx_gpu_hand     hands[MOST_RANKS] = {{0}};
    unsigned               workers[MOST_RANKS];
    struct mx_buf          why = {0}, got = {0};

    request.cuda = true;
    for (unsigned r = 0; r < n; r++)
        pointers[r] = places[r].host[0] ? &places[r] : NULL;
    mx_share_out(pointers, n, &request, workers, hands, &why);
    for (unsigned r = 0; r < n; r++) {
        mx_buf_printf(&got, "%s%u:", r ? " " : "", workers[r]);
        for (unsigned k = 0; k < hands[r].n; k++)
            mx_buf_printf(&got, "%s%s", k ? "," : "", places[r].gpus->list[hands[r].gpus[k]].uuid);
    }
    cr_expect_str_eq(mx_buf_str(&got), expected);
    cr_expect_str_eq(mx_buf_str(&why), told);
    mx_buf_free(&why);
    mx_buf_free(&got);
}

Test(share, each_gpu_that_is_fit_gets_an_executor)
{
    const struct mx_gpus  all = {.list = cards, .n = 4};
    const struct mx_place one = with_gpus("a", &all, 0);

    check_gpus(&one, 1, plenty, "3:GPU-0,GPU-1,GPU-2",
               "a: GPU-3 (M) is left out: it needs a reset; reset it\n"
               "a: 3 executors on 3 GPUs\n");
}

Test(share, the_gpus_of_a_node_are_dealt_to_its_ranks)
{
    const struct mx_gpus  all = {.list = cards, .n = 3};
    const struct mx_place two[] = {with_gpus("a", &all, 1), with_gpus("a", &all, 0)};

    check_gpus(two, 2, plenty, "1:GPU-1 2:GPU-0,GPU-2", "a: 3 executors on 3 GPUs\n");
}

Test(share, a_gpu_that_few_ranks_see_goes_to_them_first)
{
    const struct mx_gpus  both = {.list = cards, .n = 2}, first = {.list = cards, .n = 1};
    const struct mx_place two[] = {with_gpus("a", &both, 0), with_gpus("a", &first, 1)};

    check_gpus(two, 2, plenty, "1:GPU-1 1:GPU-0", "a: 2 executors on 2 GPUs\n");
}

Test(share, the_same_uuid_on_two_nodes_is_no_matter)
{
    const struct mx_gpus  first = {.list = cards, .n = 1};
    const struct mx_place two[] = {with_gpus("a", &first, 0), with_gpus("b", NULL, 0)};

    check_gpus(two, 2, plenty, "1:GPU-0 0:",
               "a: 1 executor on 1 GPU\nb: no executor, since there is no GPU that can be used\n");
}

Test(share, several_executors_share_a_gpu_if_asked)
{
    const struct mx_gpus    both = {.list = cards, .n = 2};
    const struct mx_gpus    under_mps = {.list = cards, .n = 2, .mps = true};
    const struct mx_place   one = with_gpus("a", &both, 0), mps = with_gpus("a", &under_mps, 0);
    struct mx_share_request request = plenty;

    request.per_gpu = 3;
    check_gpus(&one, 1, request, "6:GPU-0,GPU-1",
               "a: 6 executors on 2 GPUs; MPS does not run: those of one GPU take turns on it\n");
    check_gpus(&mps, 1, request, "6:GPU-0,GPU-1",
               "a: 6 executors on 2 GPUs; MPS runs: those of one GPU compute at once\n");
    request.asked = 5;
    check_gpus(&mps, 1, request, "5:GPU-0,GPU-1",
               "a: 5 executors on 2 GPUs; MPS runs: those of one GPU compute at once\n");
    request.per_gpu = 0;
    request.asked = 1;
    check_gpus(&one, 1, request, "1:GPU-0,GPU-1", "a: 1 executor on 2 GPUs\n");
}

Test(share, a_gpu_for_one_process_gets_one_unless_mps_runs)
{
    struct mx_gpu           own[] = {{.uuid = "GPU-9", .model = "M", .exclusive = true}};
    const struct mx_gpus    alone = {.list = own, .n = 1};
    const struct mx_gpus    under_mps = {.list = own, .n = 1, .mps = true};
    const struct mx_place   one = with_gpus("a", &alone, 0), mps = with_gpus("a", &under_mps, 0);
    struct mx_share_request request = plenty;

    request.per_gpu = 2;
    check_gpus(&one, 1, request, "1:GPU-9",
               "a: one executor for each GPU: they take one process at a time (compute mode), and "
               "MPS does not run\na: 1 executor on 1 GPU\n");
    check_gpus(&mps, 1, request, "2:GPU-9",
               "a: 2 executors on 1 GPU; MPS runs: those of one GPU compute at once\n");
}

Test(share, memory_bounds_the_executors_of_gpus_too)
{
    const struct mx_gpus    both = {.list = cards, .n = 2};
    const struct mx_place   one = with_gpus("a", &both, 0);
    struct mx_share_request request = plenty;

    request.bytes_each = (uint64_t)3 << 30;
    check_gpus(&one, 1, request, "1:GPU-0,GPU-1",
               "a: 1 of 2 executors started: there is no memory for more\n"
               "a: 1 executor on 2 GPUs\n");
}
