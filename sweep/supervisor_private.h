/* supervisor_private.h - what the files of the supervisor share.
 *
 * supervisor.c         executors: started, given orders, ended
 * supervisor_watch.c   what comes from them: bytes, output, deaths, silence
 * supervisor_events.c  what of that is told, in order; the dead are buried
 * supervisor_meter.c   what stages took of GPUs, by the driver's counters
 */
#ifndef MX_SWEEP_SUPERVISOR_PRIVATE_H
#define MX_SWEEP_SUPERVISOR_PRIVATE_H

#include <poll.h>

#include "base/buf.h"
#include "sweep/gpu_meter.h"
#include "sweep/nvml.h"
#include "sweep/output_log.h"
#include "sweep/spawn.h"
#include "sweep/supervisor.h"

enum {
    MX_SUPERVISED_FDS = 3 /* socket, pidfd, output */
};

struct mx_supervised {
    struct mx_child       child; /* pid 0: not running; a descriptor of -1: closed */
    struct mx_output_log *log;
    struct mx_buf         in, out;       /* answers; orders that the socket did not take yet */
    size_t                taken, sent;   /* bytes at the front of in and out that are done with */
    bool                  ready;         /* said HELLO */
    bool                  ended;         /* seen dead, and all that it sent is in `in` */
    bool                  listed;        /* in the list of those that have something */
    unsigned              failed_starts; /* deaths before HELLO, in a row */
    uint64_t              waiting;       /* orders without an answer */
    uint64_t              first;       /* lease of the one to begin with, 0 once one is answered */
    uint64_t              answered;    /* lease of the last answer */
    enum mx_reason        kill_reason; /* why we killed it, NONE if we did not */
    char                  complaint[160];        /* of ours, behind that reason */
    uint64_t              seen_lease, seen_done; /* its progress as last seen ... */
    double                moved_s;               /* ... and since when it stands there */
    double                pause_s;               /* its output is not read before then */
    char                  device[96];
};

struct mx_supervisor {
    struct mx_supervisor_options options; /* its texts and lists are those below */
    char                        *program, *directory;
    struct mx_capped_file       *output; /* of its executors */
    struct mx_supervisor_gpu    *gpus;   /* (ngpus) */
    struct mx_nvml               nvml;
    mx_nvml_device              *devices; /* (ngpus), NULL: it has no counter */
    struct mx_gpu_meter         *meter;   /* NULL: executors compute on CPUs */
    int                          progress_fd;
    struct worker_progress_slot *slots;    /* (workers), shared with the executors */
    struct pollfd               *polled;   /* (workers * MX_SUPERVISED_FDS + 1) */
    uint32_t                    *list;     /* ring of (workers): those that have something */
    double                       looked_s; /* when progress was looked at last */
    uint32_t                     list_first, list_count;
    struct worker_message        lent; /* of the event given last */
    struct mx_supervised         executors[];
};

/* The GPU of an executor, NULL if it computes on the CPU. */
const struct mx_supervisor_gpu *mx_supervised_gpu(const struct mx_supervisor *supervisor,
                                                  uint32_t                    index);

/* Put the executor at that place at the end of the list of those that have something. */
void mx_supervisor_list(struct mx_supervisor *supervisor, uint32_t index);

/* Start the process of an executor, anew if it had one. */
int mx_supervised_start(struct mx_supervisor *supervisor, uint32_t index, struct mx_err *err);

/* Close the descriptors of a process that was waited for. */
void mx_supervised_close(struct mx_child *child);

/* Kill an executor, for a reason and, if not "", a complaint. */
void mx_supervised_kill(struct mx_supervised *executor, enum mx_reason reason,
                        const char *complaint);

/* Find the counters of the supervisor's GPUs, and release what they need. -1 with MX_ENOMEM. */
int  mx_supervised_meter_open(struct mx_supervisor *supervisor, struct mx_err *err);
void mx_supervised_meter_close(struct mx_supervisor *supervisor);

/* Send what waits to be sent, as far as the socket takes it. */
void mx_supervised_send(struct mx_supervised *executor);

/* One look at all descriptors, waiting at most timeout_s, and all that follows
 * from it; not yet from progress that stands still. */
int mx_supervisor_look(struct mx_supervisor *supervisor, double timeout_s, int wake_fd,
                       struct mx_err *err);

#endif
