/* The pretended machine: MX_FAKEGPU_DEVICES, MX_FAKEGPU_MEMORY, MX_FAKEGPU_ORDER, and which
 * of its devices CUDA_VISIBLE_DEVICES lets a process see. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fakegpu/fake.h"

static uint64_t number_of(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    char       *end = NULL;
    uint64_t    value;

    if (!text || !*text)
        return otherwise;
    value = strtoull(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end)
        fake_misuse_in("environment", name, "'%s' is no whole number", text);
    return value;
}

/* As nvml.c has them, so that both speak of the same devices. */
void fake_uuid(int installed, unsigned char uuid[16])
{
    static const unsigned char common[16] = {0xfa, 0x4e, 0, 0, 0, 0, 0x40, 0, 0x80};

    memcpy(uuid, common, sizeof common);
    uuid[3] = uuid[15] = (unsigned char)installed;
}

void fake_uuid_text(int installed, char text[41])
{
    unsigned char u[16];

    fake_uuid(installed, u);
    snprintf(text, 41, "GPU-%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
             u[0], u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12], u[13],
             u[14], u[15]);
}

/* The device that one word of the list names; -1: none. No device here is split (MIG), so a
 * word for a part names none. */
static int named(const char *word, size_t length, int devices)
{
    char text[41], whole[64] = "";
    int  found = -1;

    if (length == 0 || length >= sizeof whole)
        return -1;
    memcpy(whole, word, length);
    if (isdigit((unsigned char)*word)) {
        char *end = NULL;
        long  index = strtol(whole, &end, 10);

        return !*end && index < devices ? (int)index : -1;
    }
    if (length < 5 || strncmp(whole, "GPU-", 4))
        return -1;
    for (int d = 0; d < devices; d++) {
        fake_uuid_text(d, text);
        if (strncmp(text, whole, length) == 0) {
            if (found >= 0)
                return -1; /* the beginning of more than one */
            found = d;
        }
    }
    return found;
}

/* The list holds up to the first word that names nothing; a device named twice: none at all. */
static void see(struct fake_machine *machine, int devices)
{
    const char *list = getenv("CUDA_VISIBLE_DEVICES");

    machine->visible = 0;
    for (int d = 0; !list && d < devices; d++)
        if (!fake_has_fallen_off(d))
            machine->installed[machine->visible++] = d;
    while (list && *list) {
        size_t length = strcspn(list, ",");
        size_t blanks = strspn(list, " ");
        size_t used = length;

        while (used > blanks && list[used - 1] == ' ')
            used--;
        int device = blanks > length ? -1 : named(list + blanks, used - blanks, devices);

        if (device < 0 || fake_has_fallen_off(device))
            return;
        for (int k = 0; k < machine->visible; k++)
            if (machine->installed[k] == device) {
                machine->visible = 0;
                return;
            }
        machine->installed[machine->visible++] = device;
        list += length + (list[length] == ',');
    }
}

const struct fake_machine *fake_machine(void)
{
    static struct fake_machine machine;
    static bool                known;
    const char                *order = getenv("MX_FAKEGPU_ORDER");
    const char                *devices = getenv("MX_FAKEGPU_DEVICES");

    if (known)
        return &machine;
    machine.driver = !devices || strcmp(devices, "none") != 0;
    if (machine.driver) {
        uint64_t n = number_of("MX_FAKEGPU_DEVICES", number_of("MX_FAKE_GPUS", 1));

        if (n > FAKE_DEVICES)
            fake_misuse_in("environment", "MX_FAKEGPU_DEVICES", "at most %d", FAKE_DEVICES);
        see(&machine, (int)n);
    }
    machine.memory = number_of("MX_FAKEGPU_MEMORY", (uint64_t)2 << 30);
    machine.eager = order && strcmp(order, "eager") == 0;
    if (!machine.eager && order && strcmp(order, "late") != 0)
        machine.seed = number_of("MX_FAKEGPU_ORDER", 0);
    known = true;
    return &machine;
}
