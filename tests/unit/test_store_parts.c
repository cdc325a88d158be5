/* Processes that decode one store together: its bytes and its mistakes are those of one alone,
 * whoever is killed, stopped or slow, and nothing else stays. */
#include "store_players.h"

Test(store_parts, helpers_make_all_parts_that_the_holder_has_not_begun_and_the_bytes_are_the_same)
{
    for (uint32_t size = 0; size <= 8; size += 8)
        for (uint32_t side = 0; side <= size; side += 8)
            for (int helpers = 1; helpers <= 2; helpers++) {
                struct list   *list = make_list(size);
                struct mx_buf  alone;
                struct player *holder, *others[2];
                uint32_t       helped = 0;

                list->spec.side = side;
                name_store(list);
                alone = make_alone(list);
                holder = start_holder(list, HOLD);
                for (int h = 0; h < helpers; h++)
                    others[h] = start(list, GO_ON, 0, 0);
                for (uint32_t k = 1; k < PARTS; k++) {
                    char ending[32];

                    snprintf(ending, sizeof ending, ".part-%u", k);
                    await_file(list, ending);
                }
                release(holder);
                cr_expect_eq(end(holder, 0).decoded, PART);
                for (int h = 0; h < helpers; h++) {
                    const struct outcome outcome = end(others[h], 0);

                    cr_expect(outcome.opened, "%s", outcome.err.text);
                    helped += outcome.decoded;
                }
                cr_expect_eq(helped, FILES - PART);
                expect_store(list, &alone);
                mx_buf_free(&alone);
                free_list(list);
            }
}

Test(store_parts, limits_share_what_is_certain_and_no_more)
{
    struct list   *list = make_list(8);
    struct mx_buf  alone;
    struct player *holder, *helper;

    list->spec.keep = 10; /* three parts, the last of two files */
    for (int all = 0; all <= 1; all++) {
        const uint32_t looked_at = all ? FILES : list->spec.keep;

        list->spec.all = all;
        name_store(list);
        cr_assert_eq(end(start(list, GO_ON, 0, 0), 0).decoded, looked_at);
        alone = take_store(list);
        holder = start_holder(list, HOLD);
        helper = start(list, GO_ON, 0, 0);
        await_file(list, all ? ".part-10" : ".part-2");
        release(holder);
        cr_expect_eq(end(holder, 0).decoded, PART);
        cr_expect_eq(end(helper, 0).decoded, looked_at - PART);
        expect_store(list, &alone);
        mx_buf_free(&alone);
    }
    free_list(list);
}

Test(store_parts, a_helper_that_is_killed_leaves_nothing)
{
    struct list   *list = make_list(8);
    struct mx_buf  alone = make_alone(list);
    struct player *holder = start_holder(list, HOLD), *helper = start(list, DIE, 2, 0);

    await_act(helper); /* in the middle of a part */
    release(helper);
    end(helper, SIGKILL);
    cr_expect(exists(list, ".part-1.tmp"));
    release(holder);
    cr_expect_eq(end(holder, 0).decoded, FILES);
    expect_store(list, &alone);
    mx_buf_free(&alone);
    free_list(list);
}

Test(store_parts, after_a_holder_that_is_killed_a_helper_goes_on_with_all_parts)
{
    struct list   *list = make_list(8);
    struct mx_buf  alone = make_alone(list);
    struct player *holder = start_holder(list, DIE), *helper = start(list, GO_ON, 0, 0);
    struct outcome outcome;

    await_file(list, ".part-10");
    release(holder);
    end(holder, SIGKILL);
    outcome = end(helper, 0);
    cr_expect(outcome.opened, "%s", outcome.err.text);
    cr_expect_eq(outcome.decoded, FILES); /* each once */
    expect_store(list, &alone);
    mx_buf_free(&alone);
    free_list(list);
}

Test(store_parts, what_is_left_when_all_are_killed_is_used_by_the_next)
{
    struct list   *list = make_list(8);
    struct mx_buf  alone = make_alone(list);
    struct player *holder = start_holder(list, DIE), *helper = start(list, DIE, 6, 0);

    await_act(helper); /* it has made a part, and begun another */
    release(holder);
    end(holder, SIGKILL);
    release(helper);
    end(helper, SIGKILL);
    cr_expect(exists(list, ".part-1") && exists(list, ".part-2.tmp") && exists(list, ".claims"));
    cr_expect_eq(end(start(list, GO_ON, 0, 0), 0).decoded, FILES - PART);
    expect_store(list, &alone);
    mx_buf_free(&alone);
    free_list(list);
}

Test(store_parts, a_part_that_is_damaged_is_decoded_again)
{
    enum {
        PIXELS = 4096
    };
    struct list   *list = make_list(8);
    struct mx_buf  alone = make_alone(list);
    struct player *holder = start_holder(list, HOLD), *helper = start(list, GO_ON, 0, 0);

    await_file(list, ".part-10");
    for (long k = 0; k < 5;
         k++) { /* magic, key, a row; pixels of the third image; the end is missing */
        char  path[TEXT];
        FILE *file;
        long  at = (long[]){2, 20, 150, PIXELS + 2 * 3 * 8 * 8 + 5, 0}[k];
        int   byte;

        snprintf(path, sizeof path, "%s.part-%ld", list->stem, 2 * k + 1);
        if (at == 0) {
            cr_assert_eq(truncate(path, PIXELS + 10), 0);
            continue;
        }
        file = fopen(path, "r+b");
        cr_assert(file && fseek(file, at, SEEK_SET) == 0);
        byte = fgetc(file);
        cr_assert(fseek(file, at, SEEK_SET) == 0 && fputc(byte ^ 4, file) != EOF && !fclose(file));
    }
    release(holder);
    cr_expect_eq(end(holder, 0).decoded, PART + 4 * PART + 1);
    cr_expect_eq(end(helper, 0).decoded, FILES - PART);
    expect_store(list, &alone);
    mx_buf_free(&alone);
    free_list(list);
}

Test(store_parts, nobody_waits_long_for_a_helper_that_is_stopped)
{
    struct list   *list = make_list(8);
    struct mx_buf  alone = make_alone(list);
    struct player *holder = start_holder(list, HOLD), *helper = start(list, SLEEP, 2, 0);
    int            status;

    cr_assert_eq(waitpid(helper->pid, &status, WUNTRACED), helper->pid);
    cr_assert(WIFSTOPPED(status));
    release(holder);
    cr_expect_eq(end(holder, 0).decoded, FILES);
    cr_assert_eq(kill(helper->pid, SIGCONT), 0);
    cr_expect(end(helper, 0).opened);
    expect_store(list, &alone); /* and what it had begun is gone */
    mx_buf_free(&alone);
    free_list(list);
}

Test(store_parts, a_helper_whose_disk_is_full_waits_as_if_it_did_not_help)
{
    struct list   *list = make_list(8);
    struct mx_buf  alone = make_alone(list);
    struct player *holder = start_holder(list, HOLD), *helper = start(list, HOLD, 9, 4096 + 300);
    struct outcome outcome;

    await_act(helper); /* it has tried one part, and waits */
    cr_expect(!exists(list, ".part-1") && !exists(list, ".part-1.tmp"));
    release(helper);
    release(holder);
    cr_expect_eq(end(holder, 0).decoded, FILES);
    outcome = end(helper, 0);
    cr_expect(outcome.opened, "%s", outcome.err.text);
    cr_expect_eq(outcome.decoded, 0);
    expect_store(list, &alone);
    mx_buf_free(&alone);
    free_list(list);
}

Test(store_parts, who_is_asked_to_end_ends_and_the_others_go_on)
{
    struct list   *list = make_list(8);
    struct mx_buf  alone = make_alone(list);
    struct player *holder = start_holder(list, HOLD), *helper;
    struct outcome outcome;

    for (uint32_t at = 0; at < 2 * FILES; at += 7) { /* in a part, between two, waiting */
        outcome = end(start(list, ASK, at, 0), 0);
        cr_expect_eq(outcome.err.code, MX_EINTERRUPTED, "%u", at);
        cr_expect(!outcome.opened);
    }
    release(holder);
    cr_expect(end(holder, 0).opened);
    expect_store(list, &alone);

    holder = start(list, ASK, 20, 0);
    outcome = end(holder, 0);
    cr_expect_eq(outcome.err.code, MX_EINTERRUPTED);
    cr_expect_eq(count_files(list), 0);

    holder = start_holder(list, HOLD);
    helper = start(list, GO_ON, 0, 0);
    await_file(list, ".part-10");
    release(holder);
    end(holder, 0);
    cr_expect(end(helper, 0).opened);
    expect_store(list, &alone);
    mx_buf_free(&alone);
    free_list(list);
}

Test(store_parts, many_at_once_make_the_same_bytes_whoever_is_killed)
{
    enum {
        PROCESSES = 6
    };
    struct list  *list = make_list(8);
    struct mx_buf alone = make_alone(list);

    for (uint32_t round = 0; round < 12; round++) {
        struct player *players[PROCESSES];

        for (uint32_t p = 0; p < PROCESSES; p++)
            players[p] = start(list, p == round % PROCESSES ? DIE : GO_ON, round * 4, 0);
        release(players[round % PROCESSES]);
        for (uint32_t p = 0; p < PROCESSES; p++) {
            /* One that is to die may have nothing left to do before it has gone so far. */
            const bool           dies = p == round % PROCESSES;
            const struct outcome outcome = end(players[p], dies ? -1 : 0);

            cr_expect(dies || outcome.opened, "%s", outcome.err.text);
        }
        expect_store(list, &alone);
    }
    mx_buf_free(&alone);
    free_list(list);
}

Test(store_parts, who_only_helps_waits_for_the_store_of_another_and_makes_none)
{
    struct list   *list = make_list(8);
    struct mx_buf  alone = make_alone(list);
    struct player *holder, *helper;
    struct outcome outcome;

    list->spec.only_helps = true;
    helper = start(list, HOLD, 2, 0);
    await_act(helper); /* it has looked for something to do more than once */
    cr_expect_eq(count_files(list), 0);
    list->spec.only_helps = false;
    holder = start_holder(list, HOLD);
    release(helper);
    await_file(list, ".part-10");
    release(holder);
    cr_expect_eq(end(holder, 0).decoded, PART);
    outcome = end(helper, 0);
    cr_expect(outcome.opened, "%s", outcome.err.text);
    cr_expect_eq(outcome.decoded, FILES - PART);
    expect_store(list, &alone);
    mx_buf_free(&alone);
    free_list(list);
}

Test(store_parts, who_only_helps_ends_when_it_is_asked_to)
{
    struct list   *list = make_list(8);
    struct outcome outcome;

    list->spec.only_helps = true;
    outcome = end(start(list, ASK, 3, 0), 0); /* nobody makes the store */
    cr_expect_not(outcome.opened);
    cr_expect_eq(outcome.err.code, MX_EINTERRUPTED, "%s", outcome.err.text);
    cr_expect_eq(count_files(list), 0);
    cr_expect_null(worker_image_cache_open(NULL, &list->spec, &(struct mx_err){0}, &outcome.err));
    cr_expect_eq(outcome.err.code, MX_EIO);
    free_list(list);
}
