/* Messages between ranks, and between a supervisor and its executor. */
#include <stdlib.h>

#include "sweep/rank_message.h"
#include "tests/fuzz/fuzz.h"
#include "worker/protocol.h"

static void take_messages(const uint8_t *data, size_t size)
{
    static struct worker_job job;
    struct worker_message   *message = calloc(1, sizeof *message);
    long                     used = 1;

    while (message && size > 0 &&
           (used = worker_message_take(data, size, message, &job, NULL)) > 0) {
        fuzz_expect((size_t)used <= size, "a message is no longer than what came");
        worker_message_free(message);
        data += used;
        size -= (size_t)used;
    }
    free(message);
}

static void take_rank_messages(const uint8_t *data, size_t size)
{
    struct mx_rank_message *message = calloc(1, sizeof *message);
    long                    used = 1;

    while (message && size > 0 && (used = mx_rank_message_take(data, size, message, NULL)) > 0) {
        fuzz_expect((size_t)used <= size, "a message is no longer than what came");
        data += used;
        size -= (size_t)used;
    }
    free(message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if (data[0] & 1)
        take_messages(data + 1, size - 1);
    else
        take_rank_messages(data + 1, size - 1);
    return 0;
}
