/* What is wrong with image files is told by all processes that decode them together as by one alone. */
#include "store_players.h"

/* Opened by a holder and a helper, the store fails as by one alone. */
static void expect_failure(struct list *list, enum mx_code code, const char *part)
{
    const struct outcome alone = end(start(list, GO_ON, 0, 0), 0);
    struct player       *holder, *helper;
    struct outcome       outcome;

    cr_assert(!alone.opened);
    cr_expect_eq(alone.err.code, code);
    cr_assert_eq(count_files(list), 0);
    holder = start_holder(list, HOLD);
    helper = start(list, GO_ON, 0, 0);
    await_file(list, part);
    mx_clock_sleep_s(0.05);
    release(holder);
    for (int k = 0; k < 2; k++) {
        outcome = end(k ? helper : holder, 0);
        cr_expect(!outcome.opened);
        cr_expect_eq(outcome.err.code, code);
        cr_expect_str_eq(outcome.err.text, alone.err.text);
    }
    cr_expect_eq(count_files(list), 0);
}

Test(store_mistakes, of_several_mistakes_the_first_is_told_by_all)
{
    struct list *list = make_list(8);

    put_text(list->folder, "21.png", "no image");
    put_text(list->folder, "9.png", "no image either");
    name_store(list);
    expect_failure(list, MX_EDATA, ".part-1");
    free_list(list);
}

Test(store_mistakes, a_file_that_is_changed_is_told_by_all)
{
    struct list *list = make_list(8);

    put_level(list->folder, "9.png", SIDE, 201); /* after it was hashed */
    expect_failure(list, MX_EIO, ".part-1");
    free_list(list);
}

Test(store_mistakes, an_image_of_another_size_is_told_by_all)
{
    for (uint32_t odd = 8; odd <= 10; odd++) { /* the first of a part, or not */
        struct list *list = make_list(0);
        char         name[16];

        snprintf(name, sizeof name, "%u.png", odd);
        put_level(list->folder, name, SIDE + 1, 1);
        for (uint32_t i = 8; odd == 8 && i < 12; i++) { /* or all of it */
            snprintf(name, sizeof name, "%u.png", i);
            put_level(list->folder, name, SIDE + 1, 1);
        }
        name_store(list);
        expect_failure(list, MX_EINVAL, ".part-1");
        free_list(list);
    }
}

Test(store_mistakes, damaged_files_that_are_skipped_are_skipped_by_all)
{
    struct list   *list = make_list(8);
    struct mx_buf  alone;
    struct player *holder, *helper;

    list->params.data_on_decode_error = WORKER_ON_DECODE_ERROR_SKIP;
    put_text(list->folder, "2.png", "no image");
    for (uint32_t i = 8; i < 14; i++) /* a whole part, and half of one */
        put_text(list->folder, list->names[i], "no image either");
    name_store(list);
    alone = make_alone(list);
    holder = start_holder(list, HOLD);
    helper = start(list, GO_ON, 0, 0);
    await_file(list, ".part-10");
    release(holder);
    cr_expect_eq(end(holder, 0).decoded, PART);
    cr_expect_eq(end(helper, 0).decoded, FILES - PART);
    expect_store(list, &alone);
    mx_buf_free(&alone);
    free_list(list);
}
