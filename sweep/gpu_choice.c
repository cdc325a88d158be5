#include "sweep/gpu_choice.h"

#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct mx_gpu_environment mx_gpu_environment(void)
{
    return (struct mx_gpu_environment){
        .cuda_visible_devices = getenv("CUDA_VISIBLE_DEVICES"),
        .cuda_device_order = getenv("CUDA_DEVICE_ORDER"),
        .gpu_device_ordinal = getenv("GPU_DEVICE_ORDINAL"),
        .slurm_step_gpus = getenv("SLURM_STEP_GPUS"),
        .slurm_job_gpus = getenv("SLURM_JOB_GPUS"),
    };
}

int mx_gpu_local_rank(const char *(*get)(const char *name))
{
    static const char *const names[] = {"OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID",
                                        "MV2_COMM_WORLD_LOCAL_RANK", "SLURM_LOCALID"};

    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
        const char *text = get(names[k]);
        char       *end;
        long        rank = text ? strtol(text, &end, 10) : -1;

        if (rank >= 0 && rank <= INT_MAX && end != text && *end == '\0')
            return (int)rank;
    }
    return -1;
}

/* What is being chosen from, and what has been. */
struct choice {
    const struct mx_gpus *gpus;
    const char           *variable; /* that is being read */
    unsigned             *chosen;
    size_t                n, room;
    struct mx_buf        *why;
    int                   order[MX_MAX_GPUS]; /* places of whole GPUs, as numbers count them */
    int                   count;
};

static bool models_differ(const struct choice *choice)
{
    for (int k = 1; k < choice->count; k++)
        if (strcmp(choice->gpus->list[choice->order[k]].model,
                   choice->gpus->list[choice->order[0]].model) != 0)
            return true;
    return false;
}

/* Count whole GPUs as CUDA does. */
static void number_gpus(struct choice *choice, const char *device_order)
{
    int fastest = 0;

    for (size_t k = 0; k < choice->gpus->n; k++)
        if (choice->gpus->list[k].parent < 0)
            choice->order[choice->count++] = (int)k;
    if (device_order && strcmp(device_order, "PCI_BUS_ID") == 0)
        return;
    for (int k = 1; k < choice->count; k++)
        if (choice->gpus->list[choice->order[k]].speed >
            choice->gpus->list[choice->order[fastest]].speed)
            fastest = k;
    for (int first = choice->order[fastest]; fastest > 0; fastest--) {
        choice->order[fastest] = choice->order[fastest - 1];
        if (fastest == 1)
            choice->order[0] = first;
    }
}

static bool has(const struct choice *choice, unsigned place)
{
    for (size_t k = 0; k < choice->n; k++)
        if (choice->chosen[k] == place)
            return true;
    return false;
}

/* False if it is there already. */
static bool choose_one(struct choice *choice, unsigned place)
{
    if (has(choice, place))
        return false;
    if (choice->n < choice->room)
        choice->chosen[choice->n++] = place;
    return true;
}

/* A GPU, or all parts of one that is divided. */
static bool choose(struct choice *choice, unsigned place)
{
    bool fresh = true;

    if (!choice->gpus->list[place].divided)
        return choose_one(choice, place);
    for (unsigned k = 0; k < choice->gpus->n; k++)
        if (choice->gpus->list[k].parent == (int)place)
            fresh &= choose_one(choice, k);
    return fresh;
}

static void choose_all(struct choice *choice)
{
    for (int k = 0; k < choice->count; k++)
        choose(choice, (unsigned)choice->order[k]);
}

/* The place that a UUID, whole or cut short, means; -1 for none, -2 for several. */
static int find_uuid(const struct mx_gpus *gpus, const char *text, size_t len)
{
    int found = -1;

    for (size_t k = 0; k < gpus->n; k++) {
        const char *const names[] = {gpus->list[k].uuid, gpus->list[k].alias};

        for (size_t i = 0; i < 2; i++) {
            if (strncmp(names[i], text, len) != 0)
                continue;
            if (strlen(names[i]) == len)
                return (int)k;
            found = found == -1 ? (int)k : -2;
        }
    }
    return found;
}

/* As the C library reads the front of a text as a number; -1 if it is none, or below 0. */
static long front_number(const char *text, size_t len)
{
    char  copy[24] = "";
    char *end;
    long  x;

    memcpy(copy, text, len < sizeof copy ? len : sizeof copy - 1);
    x = strtol(copy, &end, 10);
    return end == copy || x < 0 ? -1 : x;
}

static void tell_end(const struct choice *choice, const char *entry, size_t len, const char *what)
{
    mx_buf_printf(choice->why, "%s: '%.*s' %s, and ends the list\n", choice->variable, (int)len,
                  entry, what);
}

/* The place that an entry of CUDA_VISIBLE_DEVICES means; -1: it ends the list. */
static int find_entry(const struct choice *choice, const char *entry, size_t len, const char *kind)
{
    long number;
    int  place;

    if (kind) {
        if (strncmp(entry, kind, strlen(kind)) != 0) {
            tell_end(choice, entry, len, "is no UUID like the first one");
            return -1;
        }
        place = find_uuid(choice->gpus, entry, len);
        if (place < 0)
            tell_end(choice, entry, len,
                     place == -1 ? "is no GPU of this node" : "means several GPUs");
        return place < 0 ? -1 : place;
    }
    number = front_number(entry, len);
    if (number < 0 || number >= choice->count) {
        tell_end(choice, entry, len, "is no number of a GPU here");
        return -1;
    }
    return choice->order[number];
}

/* CUDA's rules. */
static void choose_visible(struct choice *choice, const char *text)
{
    const char *kind = strncmp(text, "GPU-", 4) == 0   ? "GPU-"
                       : strncmp(text, "MIG-", 4) == 0 ? "MIG-"
                                                       : NULL;

    if (!*text || strcmp(text, "NoDevFiles") == 0) {
        mx_buf_printf(choice->why, "%s hides all GPUs\n", choice->variable);
        return;
    }
    for (const char *at = text; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        size_t len;
        int    place;

        while (isspace((unsigned char)*at))
            at++;
        len = strcspn(at, ",");
        while (len > 0 && isspace((unsigned char)at[len - 1]))
            len--;
        if ((place = find_entry(choice, at, len, kind)) < 0)
            return;
        if (!choose(choice, (unsigned)place)) {
            mx_buf_printf(choice->why,
                          "%s: '%.*s' stands for a GPU that is in the list already, which means "
                          "no GPU at all to CUDA\n",
                          choice->variable, (int)len, at);
            choice->n = 0;
            return;
        }
    }
}

/* "0,2-4": numbers of devices, by Slurm's count. True if all of them are here. */
static bool choose_minors(struct choice *choice, const char *text)
{
    bool all = true;

    while (*text) {
        char *end;
        long  first = strtol(text, &end, 10), last = first;

        if (end == text)
            return false;
        if (*end == '-')
            last = strtol(end + 1, &end, 10);
        for (long minor = first; minor <= last && minor < first + MX_MAX_GPUS; minor++) {
            int place = -1;

            for (int k = 0; k < choice->count; k++)
                if (choice->gpus->list[choice->order[k]].minor == minor)
                    place = choice->order[k];
            if (place >= 0)
                choose(choice, (unsigned)place);
            else
                all = false;
        }
        text = end + (*end == ',');
        if (end == text && *text)
            return false;
    }
    return all;
}

/* Slurm's lists. Where a control group hides the others, what is left is the job's, and its
 * numbers may not even be among those that Slurm tells. */
static void choose_slurm(struct choice *choice, const char *text)
{
    if (choose_minors(choice, text) && choice->n > 0)
        return;
    choice->n = 0;
    choose_all(choice);
    mx_buf_printf(choice->why,
                  "%s: '%.60s' does not name GPUs that this process sees; it uses all that it "
                  "sees\n",
                  choice->variable, text);
}

/* Numbers whose order only CUDA knows. */
static void tell_order(const struct choice *choice, const struct mx_gpu_environment *environment)
{
    const char *text = environment->cuda_visible_devices;

    if (text && isdigit((unsigned char)*text) && models_differ(choice) &&
        !(environment->cuda_device_order &&
          strcmp(environment->cuda_device_order, "PCI_BUS_ID") == 0))
        mx_buf_text(choice->why, "CUDA_VISIBLE_DEVICES has numbers, and the GPUs are of different "
                                 "models: which is which is certain with UUIDs, or with "
                                 "CUDA_DEVICE_ORDER=PCI_BUS_ID\n");
}

size_t mx_gpu_choose(const struct mx_gpus *gpus, const struct mx_gpu_environment *environment,
                     unsigned *chosen, size_t room, struct mx_buf *why)
{
    const struct {
        const char *name, *text;
        void (*read)(struct choice *choice, const char *text);
    } variables[] = {
        {"CUDA_VISIBLE_DEVICES", environment->cuda_visible_devices, choose_visible},
        {"GPU_DEVICE_ORDINAL", environment->gpu_device_ordinal, choose_visible},
        {"SLURM_STEP_GPUS", environment->slurm_step_gpus, choose_slurm},
        {"SLURM_JOB_GPUS", environment->slurm_job_gpus, choose_slurm},
    };
    struct choice choice = {.gpus = gpus, .chosen = chosen, .room = room, .why = why};

    number_gpus(&choice, environment->cuda_device_order);
    tell_order(&choice, environment);
    for (size_t k = 0; k < sizeof variables / sizeof variables[0]; k++)
        if (variables[k].text) {
            choice.variable = variables[k].name;
            variables[k].read(&choice, variables[k].text);
            return choice.n;
        }
    choose_all(&choice);
    return choice.n;
}

/* The environment hid all; the last line of `why`, if there is one, says how. */
static int fail_without(const struct mx_buf *why, struct mx_err *err)
{
    const char *text = mx_buf_str(why), *last = text;

    for (const char *at = text; *at; at++)
        if (at[0] == '\n' && at[1])
            last = at + 1;
    return mx_fail(err, MX_EGPU, "the environment leaves no GPU to this process%s%.*s",
                   *last ? ": " : "", (int)strcspn(last, "\n"), last);
}

int mx_gpus_of_process(struct mx_gpus *gpus, struct mx_buf *why, struct mx_err *err)
{
    const struct mx_gpu_environment environment = mx_gpu_environment();
    unsigned                        chosen[MX_MAX_GPUS];
    struct mx_gpu                  *kept;
    size_t                          n;

    if (mx_gpus_look(NULL, gpus, err))
        return -1;
    n = mx_gpu_choose(gpus, &environment, chosen, MX_MAX_GPUS, why);
    if (n == 0 || !(kept = calloc(n, sizeof *kept))) {
        mx_gpus_free(gpus);
        return n == 0 ? fail_without(why, err)
                      : mx_fail(err, MX_ENOMEM, "no memory for a list of GPUs");
    }
    for (size_t k = 0; k < n; k++)
        kept[k] = gpus->list[chosen[k]];
    free(gpus->list);
    gpus->list = kept;
    gpus->n = n;
    return 0;
}
