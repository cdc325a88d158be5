/* nccl_parts.h - a communicator, for both files of the NCCL stand-in. */
#ifndef FAKEGPU_NCCL_PARTS_H
#define FAKEGPU_NCCL_PARTS_H

#include <nccl.h>

#include "tests/fakegpu/fake.h"
#include "tests/fakegpu/nccl_room.h"

struct fake_communicator {
    char              name[64]; /* of the room */
    struct fake_room *room;     /* NULL: left */
    int               ranks, rank, device;
    bool              waits;       /* calls return when they are done (blocking) */
    bool              ready;       /* all ranks have come */
    bool              in_progress; /* the last call must be asked for */
    bool              aborted, broken, finalized;
    uint64_t          queued, posted, done; /* collectives */
    ncclResult_t      error;
};

/* Unlock; the library's result unless the runtime has an error. */
ncclResult_t fake_nccl_leave(cudaError_t status, ncclResult_t result);
/* What failures on demand do to a communicator; true: the call fails at once. */
bool         fake_nccl_fails(struct fake_communicator *comm);
int          fake_nccl_groups(void); /* that were started and not ended */

#endif
