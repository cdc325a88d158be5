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
    total = mx_share_out(pointers, n, &request, workers, &why);
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
    mx_share_out(pointers, 8, &request, workers, &why);
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
