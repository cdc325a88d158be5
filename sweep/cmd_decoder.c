/* cmd_decoder.c - `mixsweep decoder`: the child process that decodes image files for the sweep that starts.
 *
 * Started by sweep/decoders.c, never by a person. What is wrong with the files is told by the
 * process that started it, which comes upon the same.
 */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"
#include "base/parent.h"
#include "sweep/command.h"
#include "sweep/decoders.h"
#include "worker/dataset.h"
#include "worker/stage.h"

/* A handler can reach nothing but a global. */
static volatile sig_atomic_t asked_to_end;

static void on_end(int number)
{
    (void)number;
    asked_to_end = 1;
}

static bool is_asked(void *user, uint64_t done, uint64_t total)
{
    (void)user;
    (void)done;
    (void)total;
    return asked_to_end;
}

int mx_cmd_decoder(int argc, char **argv)
{
    const struct sigaction       action = {.sa_handler = on_end};
    const struct worker_progress progress = {.tick = is_asked};
    struct mx_decoding           decoding;
    int64_t                      parent;

    if (argc != 3 || strcmp(argv[1], "--parent") != 0 || !mx_num_parse_int(argv[2], &parent)) {
        fputs("mixsweep: decoder is started by mixsweep run, not by hand\n", stderr);
        return 2;
    }
    if (sigaction(SIGTERM, &action, NULL) || mx_follow_parent((long)parent, NULL) ||
        pread(STDIN_FILENO, &decoding, sizeof decoding, 0) != sizeof decoding)
        return 1;
    return worker_dataset_help(&decoding.params, decoding.seed, &progress, NULL) ? 1 : 0;
}
