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

static int number_of_part(int gpu, int part)
{
    return gpu + FAKE_DEVICES * (part + 1);
}

int fake_card(int installed)
{
    return installed % FAKE_DEVICES;
}

/* As nvml.c has them, so that both speak of the same devices. */
void fake_uuid(int installed, unsigned char uuid[16])
{
    static const unsigned char common[16] = {0xfa, 0x4e, 0, 0, 0, 0, 0x40, 0, 0x80};
    const int                  part = installed / FAKE_DEVICES - 1;

    memcpy(uuid, common, sizeof common);
    uuid[3] = uuid[15] = (unsigned char)fake_card(installed);
    if (part >= 0) {
        uuid[6] = 0x50;
        uuid[15] = (unsigned char)part;
    }
}

void fake_uuid_text(int installed, char text[41])
{
    unsigned char u[16];

    fake_uuid(installed, u);
    snprintf(text, 41, "%s-%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
             installed < FAKE_DEVICES ? "GPU" : "MIG", u[0], u[1], u[2], u[3], u[4], u[5], u[6],
             u[7], u[8], u[9], u[10], u[11], u[12], u[13], u[14], u[15]);
}

/* As MX_FAKE_GPU_N has it. */
static int parts_of(int gpu)
{
    char        name[32];
    const char *text;

    snprintf(name, sizeof name, "MX_FAKE_GPU_%d", gpu);
    text = getenv(name);
    text = text ? strstr(text, "mig=") : NULL;
    return text ? atoi(text + 4) : 0;
}

/* The device whose UUID begins like this; -1: none, or several. */
static int find_uuid(const char *word, size_t length, int devices)
{
    int found = -1;

    for (int gpu = 0; gpu < devices; gpu++)
        for (int part = -1; part < parts_of(gpu); part++) {
            const int device = part < 0 ? gpu : number_of_part(gpu, part);
            char      text[41];

            fake_uuid_text(device, text);
            if (strncmp(text, word, length) != 0)
                continue;
            if (found >= 0)
                return -1;
            found = device;
        }
    return found;
}

/* The device that one word of the list names; -1: none. */
static int named(const char *word, size_t length, int devices)
{
    char whole[64] = "";

    if (length == 0 || length >= sizeof whole)
        return -1;
    memcpy(whole, word, length);
    if (isdigit((unsigned char)*word)) {
        char *end = NULL;
        long  index = strtol(whole, &end, 10);

        return !*end && index < devices ? (int)index : -1;
    }
    return length < 5 || (strncmp(whole, "GPU-", 4) && strncmp(whole, "MIG-", 4))
               ? -1
               : find_uuid(whole, length, devices);
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
