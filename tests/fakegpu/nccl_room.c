#include "tests/fakegpu/nccl_room.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/fakegpu/fake.h"

static const size_t whole = sizeof(struct fake_room) + FAKE_RANKS * FAKE_AREA;

static void sit_down(struct fake_room *room, int ranks, int rank, int device)
{
    int none = 0;

    if (!atomic_compare_exchange_strong(&room->ranks, &none, ranks) && none != ranks)
        fake_misuse("nranks", "%d here and %d in another process", ranks, none);
    if (atomic_exchange(&room->rank[rank].here, 1))
        fake_misuse("rank", "%d is taken by another process", rank);
    room->rank[rank].device = device;
    atomic_fetch_add(&room->came, 1);
}

struct fake_room *fake_room_enter(const char *name, int ranks, int rank, int device)
{
    int               fd = shm_open(name, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    struct fake_room *room = NULL;

    if (fd < 0 || ftruncate(fd, (off_t)whole))
        fake_misuse("commId", "no shared memory of the name %s", name);
    room = mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
    close(fd);
    if (room == MAP_FAILED)
        fake_misuse("fakegpu", "no addresses for a communicator");
    sit_down(room, ranks, rank, device);
    return room;
}

bool fake_room_full(const struct fake_room *room)
{
    if (atomic_load(&room->came) < atomic_load(&room->ranks))
        return false;
    for (int a = 0; a < room->ranks; a++)
        for (int b = 0; b < a; b++)
            if (room->rank[a].device == room->rank[b].device)
                fake_misuse("rank", "ranks %d and %d are on one device", b, a);
    return true;
}

void fake_room_close(const char *name)
{
    (void)shm_unlink(name);
}

void fake_room_leave(struct fake_room *room, const char *name)
{
    munmap(room, whole);
    fake_room_close(name); /* who comes later finds an empty room, and waits there */
}

unsigned char *fake_room_area(struct fake_room *room, int rank)
{
    return room->area + (size_t)rank * FAKE_AREA;
}
