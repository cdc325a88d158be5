#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "worker/protocol.h"

static struct worker_job example_job(void)
{
    struct worker_job job = {.kind = WORKER_STAGE_TRAIN};

    job.seed = 0xfedcba9876543210u;
    job.repeat = 3;
    job.stream_extra = 9;
    job.keep_weights = true;
    job.temporary = true;
    snprintf(job.stages, sizeof job.stages, "/out/stages");
    for (int i = 0; i < 300; i++)
        cr_assert_eq(worker_job_add_input(&job,
                                          i < 299 ? WORKER_STAGE_TRAIN : WORKER_STAGE_FEATURES,
                                          "fedcba9876543210fedcba9876543210", NULL),
                     0);
    job.checkpoint_s = 300.5;
    job.empty = true;
    job.params.mix_alpha = 0.2;
    job.params.train_epochs = -4;
    job.params.train_nesterov = true;
    strcpy(job.key, "0123456789abcdef0123456789abcdef");
    strcpy(job.folder, "/somewhere/stages/x");
    strcpy(job.params.data_path, "/data/with spaces");
    return job;
}

static void put_run(struct mx_buf *frame)
{
    struct worker_job     job = example_job();
    struct worker_message run = {.type = WORKER_MESSAGE_RUN, .lease = 77, .stage = 5, .job = &job};

    worker_message_put(frame, &run);
    worker_job_free(&job);
}

Test(protocol, a_job_arrives_as_it_was_sent)
{
    struct worker_message got;
    struct worker_job     sent = example_job(), job;
    struct mx_buf         frame = {0};
    struct mx_err         err;

    memset(&job, 0xEE, sizeof job);
    job.inputs = NULL;
    job.inputs_room = 0;
    put_run(&frame);
    cr_assert_eq(worker_message_take(frame.data, frame.len, &got, &job, &err), (long)frame.len);
    cr_expect_eq(got.job, &job);
    cr_expect_eq(got.lease, 77);
    cr_expect_eq(got.stage, 5);
    cr_expect_eq(job.seed, 0xfedcba9876543210u);
    cr_expect_eq(job.repeat, 3);
    cr_expect(job.keep_weights);
    cr_expect_eq(job.checkpoint_s, 300.5);
    cr_expect(job.empty);
    cr_expect(job.params.mix_alpha == 0.2);
    cr_expect_eq(job.params.train_epochs, -4);
    cr_expect(job.params.train_nesterov);
    cr_expect_str_eq(job.key, sent.key);
    cr_expect_str_eq(job.folder, sent.folder);
    cr_expect_str_eq(job.params.data_path, "/data/with spaces");
    cr_expect_str_eq(job.stages, "/out/stages");
    cr_expect(job.temporary);
    cr_assert_eq(job.ninputs, 300);
    cr_expect_eq(job.inputs[299].kind, WORKER_STAGE_FEATURES);
    cr_expect_str_eq(job.inputs[299].key, "fedcba9876543210fedcba9876543210");
    cr_expect(worker_job_has_input(&job, WORKER_STAGE_FEATURES));
    cr_expect_not(worker_job_has_input(&job, WORKER_STAGE_HEAD));
    worker_job_free(&sent);
    worker_job_free(&job);
    mx_buf_free(&frame);
}

Test(protocol, a_job_is_refused_where_none_is_awaited)
{
    struct worker_message got;
    struct mx_buf         frame = {0};
    struct mx_err         err = {0};

    put_run(&frame);
    cr_assert_eq(worker_message_take(frame.data, frame.len, &got, NULL, &err), -1);
    cr_expect_str_eq(err.text, "a message of type 2 is damaged");
    mx_buf_free(&frame);
}

Test(protocol, notes_arrive_with_either_answer)
{
    static const enum worker_message_type types[] = {WORKER_MESSAGE_DONE, WORKER_MESSAGE_FAILED};

    for (int k = 0; k < 2; k++) {
        struct worker_message sent = {.type = types[k], .text = "why", .note = "goes on"}, got;
        struct mx_buf         frame = {0};

        worker_message_put(&frame, &sent);
        cr_assert_eq(worker_message_take(frame.data, frame.len, &got, NULL, NULL), (long)frame.len);
        cr_expect_str_eq(got.note, "goes on");
        mx_buf_free(&frame);
    }
}

Test(protocol, results_arrive_with_the_same_bits_nan_included)
{
    struct worker_message sent = {.type = WORKER_MESSAGE_DONE, .seconds = 1.5}, got;
    struct mx_buf         frame = {0};
    struct mx_err         err;

    cr_assert_eq(worker_result_add(&sent.result, "val.accuracy", 0.1 + 0.2, &err), 0);
    cr_assert_eq(worker_result_add(&sent.result, "val.group_gap", NAN, &err), 0);
    worker_message_put(&frame, &sent);
    cr_assert_eq(worker_message_take(frame.data, frame.len, &got, NULL, &err), (long)frame.len);
    cr_assert_eq(got.result.nmetrics, 2);
    cr_expect_str_eq(got.result.metrics[0].name, "val.accuracy");
    cr_expect(got.result.metrics[0].value == 0.1 + 0.2);
    cr_expect(isnan(got.result.metrics[1].value));
    worker_message_free(&got);
    worker_message_free(&sent);
    mx_buf_free(&frame);
}

/* One message of each type about groups, with all fields that it uses. */
static size_t group_messages(struct worker_message list[4])
{
    static const char bytes[] = {0, 1, (char)0x80, (char)0xFF, 0, 7};

    list[0] = (struct worker_message){
        .type = WORKER_MESSAGE_GROUP, .stage = 3, .bytes = bytes, .len = sizeof bytes};
    list[1] = (struct worker_message){.type = WORKER_MESSAGE_LEAVE};
    list[2] = (struct worker_message){
        .type = WORKER_MESSAGE_PART, .stage = UINT32_MAX, .bytes = bytes, .len = sizeof bytes};
    list[3] = (struct worker_message){.type = WORKER_MESSAGE_GROUPED,
                                      .stage = 4,
                                      .code = MX_EGPU,
                                      .text = "ncclAllReduce: unhandled system error",
                                      .bytes = bytes + 2,
                                      .len = 3};
    return 4;
}

Test(protocol, messages_of_groups_arrive_as_they_were_sent)
{
    struct worker_message sent[4], got;
    const size_t          n = group_messages(sent);
    struct mx_buf         frames = {0};
    size_t                at = 0;

    for (size_t k = 0; k < n; k++)
        worker_message_put(&frames, &sent[k]);
    for (size_t k = 0; k < n; k++) {
        const long used = worker_message_take(frames.data + at, frames.len - at, &got, NULL, NULL);

        cr_assert_gt(used, 0, "message %zu", k);
        at += (size_t)used;
        cr_expect_eq(got.type, sent[k].type);
        cr_expect_eq(got.lease, 0);
        cr_expect_eq(got.stage, sent[k].stage);
        cr_expect_eq(got.code, sent[k].code);
        cr_expect_str_eq(got.text, sent[k].text);
        cr_assert_eq(got.len, sent[k].len);
        cr_expect(got.len == 0 || memcmp(got.bytes, sent[k].bytes, got.len) == 0);
    }
    cr_expect_eq(at, frames.len);
    mx_buf_free(&frames);
}

/* An empty answer, as that of a member that only takes part. */
Test(protocol, bytes_of_a_group_may_be_none)
{
    struct worker_message sent = {.type = WORKER_MESSAGE_GROUPED, .stage = 1}, got;
    struct mx_buf         frame = {0};

    worker_message_put(&frame, &sent);
    cr_assert_eq(worker_message_take(frame.data, frame.len, &got, NULL, NULL), (long)frame.len);
    cr_expect_eq(got.code, MX_OK);
    cr_expect_eq(got.len, 0);
    cr_expect_str_eq(got.text, "");
    mx_buf_free(&frame);
}

Test(protocol, messages_of_groups_cut_or_damaged_are_not_taken)
{
    struct worker_message sent[4], got;
    const size_t          n = group_messages(sent);

    for (size_t k = 0; k < n; k++) {
        struct mx_buf frame = {0};
        struct mx_err err = {0};

        worker_message_put(&frame, &sent[k]);
        for (size_t len = 0; len < frame.len; len++)
            cr_expect_eq(worker_message_take(frame.data, len, &got, NULL, NULL), 0,
                         "message %zu at %zu", k, len);
        frame.data[8]--; /* the head has one byte less than the fields need */
        cr_expect_eq(worker_message_take(frame.data, frame.len, &got, NULL, &err), -1);
        cr_expect_eq(err.code, MX_EINTERNAL);
        mx_buf_free(&frame);
    }
}

Test(protocol, a_frame_cut_anywhere_is_waited_for)
{
    struct worker_message got;
    struct worker_job     job = {.ninputs = 0};
    struct mx_buf         frame = {0};

    put_run(&frame);
    for (size_t len = 0; len < frame.len; len++)
        cr_assert_eq(worker_message_take(frame.data, len, &got, &job, NULL), 0, "at %zu", len);
    mx_buf_free(&frame);
}

/* The length in the head says one thing and the fields another. */
Test(protocol, a_body_that_is_too_short_or_too_long_is_refused)
{
    struct worker_message sent = {.type = WORKER_MESSAGE_HELLO, .device = "CPU"}, got;
    struct mx_buf         frame = {0};
    struct mx_err         err = {0};

    worker_message_put(&frame, &sent);
    frame.data[8]--;
    cr_expect_eq(worker_message_take(frame.data, frame.len, &got, NULL, &err), -1);
    cr_expect_str_eq(err.text, "a message of type 1 is damaged");
    frame.data[8] = (char)(frame.data[8] + 2);
    mx_buf_add(&frame, "x", 1);
    cr_expect_eq(worker_message_take(frame.data, frame.len, &got, NULL, &err), -1);
    cr_expect_eq(err.code, MX_EINTERNAL);
    mx_buf_free(&frame);
}
