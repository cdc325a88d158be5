/* Archives of data sets, which a publisher or a mirror made: whatever they hold, nothing but files and
 * folders below the one folder comes out, and no more than the set has. The first byte chooses what of
 * the archive is wanted. */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "sweep/fetch.h"
#include "tests/fuzz/fuzz.h"

enum {
    ROOM = 1 << 20,
    MOST_OPEN = 16
};

static char     place[] = "/dev/shm/mx_fuzz_XXXXXX"; /* in memory: many folders a second */
static uint64_t bytes;                               /* of the files that were found */

static void remove_place(void)
{
    mx_dir_remove(place, NULL);
}

/* PLACE/in is unpacked into; what leads out of it would lie beside. */
static int look_at(const char *path, const struct stat *about, int kind, struct FTW *walk)
{
    (void)kind;
    fuzz_expect(S_ISDIR(about->st_mode) || S_ISREG(about->st_mode),
                "only files and folders are made");
    fuzz_expect((about->st_mode & (S_ISUID | S_ISGID | S_ISVTX)) == 0,
                "no file has special rights");
    fuzz_expect(walk->level != 1 || strcmp(path + walk->base, "in") == 0, "nothing lies outside");
    if (S_ISREG(about->st_mode))
        bytes += (uint64_t)about->st_size;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const below[] = {"", "set/", "set/part/"};
    static int               made;
    uint64_t                 room = ROOM;
    char                     in[sizeof place + 4];

    if (size == 0)
        return 0;
    if (!made) {
        fuzz_expect(mkdtemp(place) != NULL, "a folder can be made");
        atexit(remove_place);
        made = 1;
    }
    snprintf(in, sizeof in, "%s/in", place);
    fuzz_expect(mkdir(in, 0700) == 0, "a folder can be made");
    mx_fetch_unpack(fuzz_file(data + 1, size - 1), below[data[0] % 3], in, &room, NULL);
    bytes = 0;
    fuzz_expect(nftw(place, look_at, MOST_OPEN, FTW_PHYS) == 0,
                "what was unpacked can be looked at");
    fuzz_expect(room <= ROOM && bytes <= ROOM - room, "no more comes out than was counted");
    fuzz_expect(mx_dir_remove(in, NULL) == 0, "what was unpacked can be removed");
    return 0;
}
