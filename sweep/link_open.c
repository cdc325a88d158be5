/* link_open.c - ranks and executors started and ended. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/disk.h"
#include "sweep/link_ranks.h"

enum {
    HANDED_BYTES = 32 << 20
};

static const double pause_s =
    200e-6;                       /* between two looks at MPI while nothing else is to be done */
static const double hello_s = 30; /* that a rank has to say HELLO once we listen, at least */
static const double ended_s = 5;  /* that ranks have to end their executors, at most */

/* HELLO, if it has come: where the rank is. */
static void take_hello(struct mx_link *link, unsigned rank, struct mx_place *place)
{
    struct link_rank      *r = &link->ranks[rank];
    struct mx_buf         *inbox = mx_comm_inbox(link->comm, rank);
    struct mx_rank_message hello;
    struct mx_err          wrong = {0};
    long                   used = mx_rank_message_take(inbox->data, inbox->len, &hello, &wrong);

    if (used == 0)
        return;
    if (used < 0) {
        link_lose_rank(link, rank, wrong.text);
    } else if (hello.type == MX_RANK_LEAVING) {
        link_lose_rank(link, rank, hello.text);
    } else if (hello.type != MX_RANK_HELLO || strcmp(hello.text, MX_VERSION) != 0) {
        snprintf(wrong.text, sizeof wrong.text,
                 "it runs mixsweep %.40s, rank 0 runs %s; use one version on all nodes",
                 hello.type == MX_RANK_HELLO ? hello.text : "of another kind", MX_VERSION);
        link_lose_rank(link, rank, wrong.text);
    } else {
        struct mx_wire wire = {.at = hello.bytes,
                               .end = (const unsigned char *)hello.bytes + hello.len};

        if (mx_gpus_take(&wire, &link->gpus[rank], &wrong)) {
            link_lose_rank(link, rank, wrong.text);
            return;
        }
        *place = hello.place;
        place->gpus = &link->gpus[rank];
        r->process = hello.process;
        r->state = LINK_RANK_LIVE;
        r->taken = (size_t)used;
    }
}

/* Wait for HELLO of all; who does not say it in time is left out. */
static void await_ranks(struct mx_link *link, struct mx_place *places)
{
    double   start_s = mx_clock_monotonic_s(), limit_s = fmax(hello_s, link->rank_timeout_s);
    unsigned awaited = link->nranks - 1;

    while (awaited > 0 && mx_clock_monotonic_s() - start_s < limit_s) {
        if (mx_comm_progress(link->comm) == 0)
            mx_clock_sleep_s(pause_s);
        awaited = 0;
        for (unsigned r = 1; r < link->nranks; r++) {
            if (link->ranks[r].state == LINK_RANK_AWAITED)
                take_hello(link, r, &places[r]);
            awaited += link->ranks[r].state == LINK_RANK_AWAITED;
        }
    }
    for (unsigned r = 1; r < link->nranks; r++)
        if (link->ranks[r].state == LINK_RANK_AWAITED) {
            char why[64];

            snprintf(why, sizeof why, "it did not report within %.0f s", limit_s);
            link_lose_rank(link, r, why);
        }
}

/* Number the executors in the order of ranks. */
static int number_executors(struct mx_link *link, const unsigned *workers, struct mx_err *err)
{
    size_t n = link->workers;

    link->left = link->workers;
    link->rank_of = calloc(n, sizeof *link->rank_of);
    link->progress = calloc(n, sizeof *link->progress);
    link->lives = calloc(n, sizeof *link->lives);
    link->up = calloc(n, sizeof *link->up);
    link->devices = calloc(n, sizeof *link->devices);
    link->orders = calloc(n, sizeof *link->orders);
    link->waiting = calloc(n, sizeof *link->waiting);
    if (!link->rank_of || !link->progress || !link->lives || !link->up || !link->devices ||
        !link->orders || !link->waiting)
        return mx_fail(err, MX_ENOMEM, "no memory for %u executors", link->workers);
    for (uint32_t i = 0, r = 0, first = 0; i < n; i++) {
        while (i - first >= workers[r])
            first += workers[r++];
        link->rank_of[i] = r;
        link->progress[i] = NAN;
    }
    for (unsigned r = 0, first = 0; r < link->nranks; first += workers[r++]) {
        link->ranks[r].first = first;
        link->ranks[r].workers = workers[r];
    }
    return 0;
}

static int copy_gpus(struct mx_gpus *to, const struct mx_gpus *from, struct mx_err *err)
{
    *to = *from;
    if (!(to->list = malloc((from->n + 1) * sizeof *to->list))) {
        to->n = 0;
        return mx_fail(err, MX_ENOMEM, "no memory for a list of GPUs");
    }
    if (from->n > 0)
        memcpy(to->list, from->list, from->n * sizeof *to->list);
    return 0;
}

/* The GPUs of a rank's executors, (hand->n); NULL with MX_ENOMEM. */
static struct mx_supervisor_gpu *list_gpus(const struct mx_link *link, unsigned rank,
                                           struct mx_err *err)
{
    const struct mx_gpu_hand *hand = &link->hands[rank];
    struct mx_supervisor_gpu *list = calloc(hand->n + 1, sizeof *list);

    if (!list)
        mx_fail(err, MX_ENOMEM, "no memory for a list of GPUs");
    for (unsigned k = 0; list && k < hand->n; k++) {
        const struct mx_gpu *gpu = &link->gpus[rank].list[hand->gpus[k]];

        memcpy(list[k].uuid, gpu->uuid, sizeof list[k].uuid);
        memcpy(list[k].model, gpu->model, sizeof list[k].model);
    }
    return list;
}

/* Look at all places and decide who starts how many. */
static int share(struct mx_link *link, const struct mx_link_options *options, struct mx_buf *why,
                 struct mx_err *err)
{
    struct mx_share_request request = options->share;
    struct mx_place        *places = calloc(link->nranks, sizeof *places);
    const struct mx_place **known = calloc(link->nranks, sizeof *known);
    unsigned               *workers = calloc(link->nranks, sizeof *workers);
    int                     rc = -1;

    if (!places || !known || !workers) {
        mx_fail(err, MX_ENOMEM, "no memory for %u ranks", link->nranks);
        goto done;
    }
    if (mx_place_look(&places[0], err) ||
        (options->gpus && copy_gpus(&link->gpus[0], options->gpus, err)))
        goto done;
    places[0].gpus = &link->gpus[0];
    if (link->comm)
        await_ranks(link, places);
    for (unsigned r = 0; r < link->nranks; r++)
        known[r] = link->ranks[r].state == LINK_RANK_LIVE ? &places[r] : NULL;
    request.launched = link->comm != NULL;
    link->workers = mx_share_out(known, link->nranks, &request, workers, link->hands, why);
    rc = link->workers > 0
             ? number_executors(link, workers, err)
             : mx_fail(err, MX_EGPU,
                       "no GPU can be used (%.*s); mixsweep doctor tells more, and --set "
                       "schedule.device=cpu begins a sweep on CPUs",
                       (int)strcspn(mx_buf_str(why), "\n"), mx_buf_str(why));
done:
    free(places);
    free(known);
    free(workers);
    return rc;
}

static int start_rank(struct mx_link *link, unsigned rank, struct mx_rank_message *order,
                      struct mx_err *err)
{
    struct mx_supervisor_gpu *list = list_gpus(link, rank, err);
    struct mx_buf             bytes = {0};
    int                       rc = -1;

    if (!list)
        return -1;
    mx_rank_gpus_put(&bytes, list, link->hands[rank].n);
    order->bytes = bytes.data;
    order->len = bytes.len;
    rc = mx_buf_ok(&bytes) ? link_tell(link, rank, order, err)
                           : mx_fail(err, MX_ENOMEM, "no memory for a message to rank %u", rank);
    mx_buf_free(&bytes);
    free(list);
    return rc;
}

static int start_ranks(struct mx_link *link, const struct mx_link_options *options,
                       struct mx_err *err)
{
    struct mx_rank_message order = {.type = MX_RANK_START};
    struct mx_rank_start  *start = &order.start;
    char                  *path = mx_disk_real_path(options->directory);

    if (!path)
        return mx_fail(err, MX_EIO, "the path of %s cannot be resolved", options->directory);
    snprintf(start->directory, sizeof start->directory, "%s", path);
    free(path);
    start->root = link->ranks[0].process;
    start->memory_bytes = options->memory_bytes;
    start->stall_timeout_s = options->stall_timeout_s;
    start->rank_timeout_s = options->rank_timeout_s;
    for (unsigned r = 1; r < link->nranks; r++) {
        start->first = link->ranks[r].first;
        start->workers = link->ranks[r].workers;
        if (start_rank(link, r, &order, err))
            return -1;
    }
    return 0;
}

static int open_ranks(struct mx_link *link, const struct mx_link_options *options,
                      struct mx_buf *why, struct mx_err *err)
{
    link->gpus = calloc(link->nranks, sizeof *link->gpus);
    link->hands = calloc(link->nranks, sizeof *link->hands);
    if (!link->gpus || !link->hands || !(link->ranks = calloc(link->nranks, sizeof *link->ranks)))
        return mx_fail(err, MX_ENOMEM, "no memory for %u ranks", link->nranks);
    if (mx_owner_machine.self(NULL, &link->ranks[0].process, err))
        return -1;
    link->ranks[0].state = LINK_RANK_LIVE;
    if (share(link, options, why, err) || (link->comm && start_ranks(link, options, err)))
        return -1;
    link->watched_s = mx_clock_monotonic_s();
    return 0;
}

/* The executors of rank 0 itself. */
static int open_own(struct mx_link *link, struct mx_supervisor_options *options, struct mx_err *err)
{
    struct mx_supervisor_gpu *gpus = list_gpus(link, 0, err);

    if (!gpus)
        return -1;
    options->workers = link->ranks[0].workers;
    options->gpus = gpus;
    options->ngpus = link->hands[0].n;
    link->supervisor = mx_supervisor_open(options, err);
    free(gpus);
    return link->supervisor ? 0 : -1;
}

struct mx_link *mx_link_open(const struct mx_link_options *options, struct mx_buf *why,
                             struct mx_err *err)
{
    struct mx_supervisor_options local = {.program = options->program,
                                          .directory = options->directory,
                                          .memory_bytes = options->memory_bytes,
                                          .stall_timeout_s = options->stall_timeout_s};
    struct mx_link              *link = calloc(1, sizeof *link);

    if (!link) {
        mx_fail(err, MX_ENOMEM, "no memory for the executors");
        return NULL;
    }
    link->comm = options->comm;
    link->nranks = link->comm ? mx_comm_size(link->comm) : 1;
    link->current = -1;
    link->rank_timeout_s = options->rank_timeout_s;
    link->handed_bytes = options->handed_bytes > 0 ? options->handed_bytes : HANDED_BYTES;
    if (open_ranks(link, options, why, err) || !(link->own = worker_contributions_new(err)) ||
        !(link->reduction = mx_reduction_new(link->comm, err)))
        goto fail;
    if (open_own(link, &local, err))
        goto fail;
    return link;
fail:
    mx_link_close(link, 0);
    return NULL;
}

/* Tell the other ranks to end their executors. */
static void quit_ranks(struct mx_link *link)
{
    static const struct mx_rank_message quit = {.type = MX_RANK_QUIT};

    for (unsigned r = 1; r < link->nranks; r++)
        if (link->ranks[r].state == LINK_RANK_LIVE)
            link_tell(link, r, &quit, NULL);
    mx_comm_progress(link->comm);
}

/* Wait until they say that they have: for a bounded time, since whoever asked us
 * to end may not wait. */
static void await_ends(struct mx_link *link, double deadline_s)
{
    struct mx_link_event event;
    unsigned             live = link->nranks;

    while (live > 0 && mx_clock_monotonic_s() < deadline_s) {
        if (link_tend_ranks(link, NULL))
            return;
        while (link_next_remote(link, &event, NULL) == 1)
            ; /* what comes now comes too late */
        live = 0;
        for (unsigned r = 1; r < link->nranks; r++)
            live += link->ranks[r].state == LINK_RANK_LIVE;
        if (live > 0)
            mx_clock_sleep_s(pause_s);
    }
    for (unsigned r = 1; r < link->nranks; r++)
        if (link->ranks[r].state == LINK_RANK_LIVE)
            link_lose_rank(link, r, "it did not end its executors in time");
}

void mx_link_close(struct mx_link *link, double grace_s)
{
    const double deadline_s = mx_clock_monotonic_s() + grace_s + ended_s;

    if (!link)
        return;
    if (link->comm && link->ranks)
        quit_ranks(link);
    mx_supervisor_end(link->supervisor, grace_s);
    mx_supervisor_close(link->supervisor);
    if (link->comm && link->ranks)
        await_ends(link, deadline_s);
    for (uint32_t i = 0; link->orders && i < link->workers; i++)
        mx_buf_free(&link->orders[i]);
    worker_message_free(&link->message);
    worker_contributions_free(link->own);
    mx_reduction_free(link->reduction);
    mx_buf_free(&link->frame);
    for (unsigned r = 0; link->gpus && r < link->nranks; r++)
        mx_gpus_free(&link->gpus[r]);
    mx_nvml_close(&link->nvml);
    free(link->gpus);
    free(link->hands);
    free(link->ranks);
    free(link->rank_of);
    free(link->progress);
    free(link->lives);
    free(link->up);
    free(link->devices);
    free(link->orders);
    free(link->waiting);
    free(link);
}

void mx_ranks_dismiss(struct mx_comm *comm)
{
    struct mx_rank_message bye = {.type = MX_RANK_BYE};
    struct mx_buf          frame = {0};
    double                 start_s = mx_clock_monotonic_s();
    size_t                 pending = 1;

    if (!comm)
        return;
    bye.lossy = mx_comm_lossy(comm);
    mx_rank_message_put(&frame, &bye);
    for (unsigned r = 1; mx_buf_ok(&frame) && r < mx_comm_size(comm); r++)
        mx_comm_send(comm, r, frame.data, frame.len, NULL);
    mx_buf_free(&frame);
    while (pending > 0 && mx_clock_monotonic_s() - start_s < ended_s) {
        if (mx_comm_progress(comm) == 0)
            mx_clock_sleep_s(pause_s);
        pending = 0;
        for (unsigned r = 1; r < mx_comm_size(comm); r++)
            pending += mx_comm_pending(comm, r);
    }
    for (unsigned r = 1; r < mx_comm_size(comm); r++)
        if (mx_comm_pending(comm, r) > 0)
            mx_comm_drop(comm, r);
}
