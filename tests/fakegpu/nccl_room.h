/* nccl_room.h - the memory that the ranks of a pretended NCCL communicator share. Each rank has an
 * area that it alone writes; what it has posted and left is counted, so that an area is used again
 * when all have read it. */
#ifndef FAKEGPU_NCCL_ROOM_H
#define FAKEGPU_NCCL_ROOM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    FAKE_RANKS = 16,
};

#define FAKE_AREA ((size_t)64 << 20) /* bytes of a rank; pages appear when they are written */

/* What a rank wants done: the same on all. */
struct fake_wish {
    const char *call; /* not compared: an address */
    uint64_t    count;
    int         kind, type, op, root;
};

struct fake_rank {
    _Atomic uint64_t posted, left; /* numbers of collectives */
    _Atomic int      here;         /* 1: the rank has come */
    int              device;
    struct fake_wish wish;
};

struct fake_room {
    _Atomic int      ranks, came;
    struct fake_rank rank[FAKE_RANKS];
    _Alignas(64) unsigned char area[]; /* FAKE_AREA bytes a rank */
};

/* Enter the room of that name as one of `ranks`; a misuse if the rank or its device is taken. */
struct fake_room *fake_room_enter(const char *name, int ranks, int rank, int device);
bool              fake_room_full(const struct fake_room *room);
void              fake_room_close(const char *name); /* nobody else comes */
void              fake_room_leave(struct fake_room *room, const char *name);
unsigned char    *fake_room_area(struct fake_room *room, int rank);

#endif
