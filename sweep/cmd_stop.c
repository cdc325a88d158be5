/* cmd_stop.c - `mixsweep stop`. */
#include <stdbool.h>
#include <stdio.h>

#include "sweep/command.h"
#include "sweep/control.h"
#include "sweep/outdir.h"
#include "sweep/owner.h"

struct options {
    bool now;
};

static const struct mx_option known[] = {
    {.name = "now",
     .at = offsetof(struct options, now),
     .help = "do not finish them: trainings save themselves, and go on when resumed"},
    {.name = NULL},
};

static const struct mx_example examples[] = {
    {"mixsweep stop ratios", "From any host that sees the folder:"},
    {NULL, NULL},
};

const struct mx_usage mx_usage_stop = {
    .command = "stop",
    .forms = {"stop DIR [--now]"},
    .takes = "one DIR",
    .least = 1,
    .most = 1,
    .completes = MX_COMPLETES_FOLDERS,
    .summary = "ask a running sweep, on any host, to stop; resume goes on later",
    .about =
        "Ask the sweep that runs in DIR, on this host or another, to finish its running trials "
        "and stop. It looks for this about once a second. mixsweep resume DIR goes on later.",
    .options = known,
    .examples = examples,
    .exits = "0 asked, or no sweep runs there; 2 DIR holds no sweep; 3 it cannot be written; 4 the "
             "sweep is still starting: ask again in a moment.",
};

static const double begin_wait_s = 10, look_every_s = 0.1;

/* A sweep that is starting says its incarnation soon: wait for that. */
static int look(const char *directory, struct mx_owner_look *owner, struct mx_err *err)
{
    for (double waited_s = 0;; waited_s += look_every_s) {
        if (mx_owner_look(directory, &mx_owner_machine, owner, err))
            return -1;
        if (!owner->alive || owner->incarnation > 0)
            return 0;
        if (waited_s >= begin_wait_s)
            return mx_fail(err, MX_EOWNED,
                           "the sweep in %.200s, process %ld on %s, is still starting; ask again "
                           "in a moment",
                           directory, owner->process.pid, owner->process.host);
        mx_owner_machine.sleep_s(NULL, look_every_s);
    }
}

static int stop(const char *directory, bool now, struct mx_err *err)
{
    struct mx_owner_look owner;

    if (mx_outdir_expect(directory, err) || look(directory, &owner, err))
        return -1;
    if (!owner.alive) {
        printf("%s: no sweep runs there, nothing to stop\n", directory);
        return 0;
    }
    if (mx_control_write(directory, now ? MX_REQUEST_END : MX_REQUEST_DRAIN, owner.incarnation,
                         err))
        return -1;
    printf("%s: asked the sweep on %s (process %ld) to %s; mixsweep resume %s goes on later\n",
           directory, owner.process.host, owner.process.pid,
           now ? "stop now" : "finish its running trials and stop", directory);
    return 0;
}

int mx_cmd_stop(int argc, char **argv)
{
    struct options options = {.now = false};
    struct mx_err  err = {0};
    const char    *directory;
    size_t         n;
    int            rc = mx_command_read(&mx_usage_stop, argc, argv, &options, &directory, &n, &err);

    if (rc == 0)
        rc = stop(directory, options.now, &err);
    return rc < 0 ? mx_command_fail(&err) : 0;
}
