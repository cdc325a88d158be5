/* nvml_parts.h - what the files of the management library's stand-in share. */
#ifndef FAKEGPU_NVML_PARTS_H
#define FAKEGPU_NVML_PARTS_H

#include <stdbool.h>

/* Whoever calls these looks them up by name. */
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#define EXPORT __attribute__((visibility("default")))

enum {
    NVML_OK = 0,
    NVML_NOT_SUPPORTED = 3,
    NVML_NO_PERMISSION = 4,
    NVML_NOT_FOUND = 6,
    NVML_TOO_SMALL = 7,
    NVML_DRIVER_NOT_LOADED = 9,
    NVML_LOST = 15,
    NVML_RESET = 16,
};

enum {
    NVML_MOST = 16, /* GPUs, and parts of one */
    NVML_PARTS = 7, /* at most, of a card that can be divided */
    NVML_WHOLE = -1,
    /* Room that NVIDIA's interface asks for. */
    NVML_VERSION_ROOM = 80,
    NVML_NAME_ROOM = 96,
    NVML_UUID_ROOM = 96,
};

/* What a handle points to: which GPU, and which part of it. */
struct nvml_device {
    int      gpu, part; /* NVML_WHOLE */
    unsigned given;     /* in which start of the library; 0: never */
};

/* ---- what the environment says ---- */

int         fake_gpus(void);
int         fake_parts(int gpu);
/* The value of "word=value" among the specialities of a GPU, "" for a bare word; NULL. */
const char *fake_told(int gpu, const char *word, char value[64]);
long        fake_number(int gpu, const char *word, long otherwise);
bool        fake_is(int gpu, const char *word);

/* ---- what every call checks; misuse ends the process ---- */

void fake_nvml_started(const char *call);
/* Of a device that this start of the library gave out: what every call on it answers first. */
int  fake_nvml_device(const char *call, const struct nvml_device *device);
void fake_nvml_place(const char *call, unsigned place, int n);
void fake_nvml_room(const char *call, const char *argument, const void *to, unsigned room,
                    unsigned needed);
void fake_nvml_pointer(const char *call, const char *argument, const void *to);

/* Those of the call that they stand in. */
#define STARTED()              fake_nvml_started(__func__)
#define DEVICE(device)         fake_nvml_device(__func__, device)
#define PLACE(place, n)        fake_nvml_place(__func__, place, n)
#define ROOM(to, room, needed) fake_nvml_room(__func__, #to, to, room, needed)
#define POINTER(to)            fake_nvml_pointer(__func__, #to, to)

/* The handle of a GPU or of a part of it, given out. */
struct nvml_device *fake_nvml_give(int gpu, int part);

#endif
