/* Failures on demand: MX_FAKEGPU_FAIL is a list, its items separated by blanks or commas:
 *
 *     EVENT@N:KIND         the N-th event (from 1) of this process, and for `malloc` no other
 *     malloc>BYTES:oom     every allocation above so many bytes
 *     ...:once=FILE        only in the first process that gets there, which makes that file and
 *                          writes the device's UUID there
 *
 * EVENT is malloc, launch, copy, sync, nccl or library (which knows oom alone); KIND is oom, illegal, assert, ecc, hang,
 * remote, system or lost. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/fakegpu/fake.h"

struct item {
    enum fake_event           event;
    enum fake_kind_of_failure kind;
    uint64_t                  number; /* 0: by size */
    uint64_t                  above;
    char                      once[256];
};

enum {
    ITEMS = 8
};

static struct {
    struct item items[ITEMS];
    int         n;
    uint64_t    seen[FAKE_ON_LIBRARY + 1];
    bool        known;
} plan;

static int word_of(const char *const *words, int n, const char *text, size_t length)
{
    for (int k = 0; k < n; k++)
        if (strlen(words[k]) == length && strncmp(words[k], text, length) == 0)
            return k;
    fake_misuse_in("environment", "MX_FAKEGPU_FAIL", "'%.*s' is not known", (int)length, text);
}

static void read_item(const char *text, size_t length)
{
    static const char *const events[] = {"malloc", "launch", "copy", "sync", "nccl", "library"};
    static const char *const kinds[] = {"works", "oom",    "illegal", "assert", "ecc",
                                        "hang",  "remote", "system",  "lost"};
    struct item             *item = &plan.items[plan.n];
    size_t                   name = strcspn(text, "@>");
    char                    *end = NULL;
    uint64_t                 number;
    size_t                   left;

    if (plan.n == ITEMS || name >= length)
        fake_misuse_in("environment", "MX_FAKEGPU_FAIL", "'%.*s' is no EVENT@N:KIND (%d at most)",
                       (int)length, text, ITEMS);
    item->event = (enum fake_event)word_of(events, FAKE_ON_LIBRARY + 1, text, name);
    number = strtoull(text + name + 1, &end, 10);
    *(text[name] == '@' ? &item->number : &item->above) = number;
    if (*end != ':' || (text[name] == '@' && number == 0))
        fake_misuse_in("environment", "MX_FAKEGPU_FAIL", "'%.*s' has no number and kind",
                       (int)length, text);
    end++;
    left = length - (size_t)(end - text);
    name = strcspn(end, ": ,");
    item->kind = (enum fake_kind_of_failure)word_of(kinds, FAKE_LOST + 1, end, name);
    if (name < left) {
        const char *once = end + name + 1;

        left -= name + 1;
        if (strncmp(once, "once=", 5) || left - 5 >= sizeof item->once)
            fake_misuse_in("environment", "MX_FAKEGPU_FAIL", "after the kind comes :once=FILE");
        memcpy(item->once, once + 5, left - 5);
    }
    plan.n++;
}

static void read_plan(void)
{
    const char *text = getenv("MX_FAKEGPU_FAIL");

    plan.known = true;
    while (text && *text) {
        size_t length = strcspn(text, " ,");

        if (length > 0)
            read_item(text, length);
        text += length + (text[length] != '\0');
    }
}

static bool first_process(const char *file)
{
    int  fd = *file ? open(file, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600) : -1;
    char uuid[41];

    if (fd < 0)
        return !*file;
    fake_uuid_text(fake_machine()->installed[fake_device()], uuid);
    if (write(fd, uuid, sizeof uuid) != (ssize_t)sizeof uuid)
        fake_misuse_in("environment", "MX_FAKEGPU_FAIL", "%s cannot be written", file);
    close(fd);
    return true;
}

bool fake_has_fallen_off(int installed)
{
    char uuid[41], lost[41];
    bool found = false;

    if (!plan.known)
        read_plan();
    fake_uuid_text(installed, uuid);
    for (int k = 0; k < plan.n && !found; k++) {
        int fd =
            plan.items[k].kind == FAKE_LOST ? open(plan.items[k].once, O_RDONLY | O_CLOEXEC) : -1;

        if (fd < 0)
            continue;
        found = read(fd, lost, sizeof lost) == (ssize_t)sizeof lost &&
                memcmp(lost, uuid, sizeof lost) == 0;
        close(fd);
    }
    return found;
}

enum fake_kind_of_failure fake_happens(enum fake_event event, size_t bytes)
{
    if (!plan.known)
        read_plan();
    plan.seen[event]++;
    for (int k = 0; k < plan.n; k++) {
        const struct item *item = &plan.items[k];

        if (item->event == event &&
            (item->number ? item->number == plan.seen[event] : bytes > item->above) &&
            first_process(item->once))
            return item->kind;
    }
    return FAKE_WORKS;
}

bool fake_library_lacks_memory(void)
{
    const enum fake_kind_of_failure kind = fake_happens(FAKE_ON_LIBRARY, 0);

    if (kind != FAKE_WORKS && kind != FAKE_OOM)
        fake_misuse_in("environment", "MX_FAKEGPU_FAIL", "library fails by oom alone");
    return kind == FAKE_OOM;
}

cudaError_t fake_error_of(enum fake_kind_of_failure kind)
{
    switch (kind) {
    case FAKE_OOM:
        return cudaErrorMemoryAllocation;
    case FAKE_ILLEGAL:
        return cudaErrorIllegalAddress;
    case FAKE_ASSERT:
        return cudaErrorAssert;
    case FAKE_ECC:
        return cudaErrorECCUncorrectable;
    case FAKE_LOST:
        return cudaErrorUnknown;
    default:
        return cudaSuccess;
    }
}
