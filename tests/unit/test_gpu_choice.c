/* test_gpu_choice.c - which GPUs the environment gives to a process. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "sweep/gpu_choice.h"

/* Three GPUs, of which the last is divided into two; the second is the fastest. */
static struct mx_gpu list[] = {
    {.uuid = "GPU-aaaa1111", .model = "A", .parent = -1, .minor = 4, .speed = 10},
    {.uuid = "GPU-aabb2222", .model = "B", .parent = -1, .minor = 5, .speed = 20},
    {.uuid = "GPU-cccc3333", .model = "A", .parent = -1, .minor = 6, .speed = 10, .divided = true},
    {.uuid = "MIG-dddd4444", .model = "A", .parent = 2, .alias = "MIG-GPU-cccc3333/7/0"},
    {.uuid = "MIG-eeee5555", .model = "A", .parent = 2, .alias = "MIG-GPU-cccc3333/8/0"},
};
static const struct mx_gpus gpus = {.list = list, .n = sizeof list / sizeof list[0]};

#define BY_BUS .cuda_device_order = "PCI_BUS_ID"

struct example {
    struct mx_gpu_environment environment;
    const char               *chosen, *why; /* places; a piece of what is told, NULL: nothing is */
};

static const struct example examples[] = {
    {{0}, "1 0 3 4", NULL}, /* all, the fastest first */
    {{BY_BUS}, "0 1 3 4", NULL},
    {{.cuda_visible_devices = "0", BY_BUS}, "0", NULL},
    {{.cuda_visible_devices = "0"}, "1", "the GPUs are of different models"},
    {{.cuda_visible_devices = "1,0", BY_BUS}, "1 0", NULL},
    {{.cuda_visible_devices = " 1 , 0 ", BY_BUS}, "1 0", NULL},
    {{.cuda_visible_devices = "2", BY_BUS}, "3 4", NULL},
    {{.cuda_visible_devices = "1,-1,0", BY_BUS}, "1", "'-1' is no number of a GPU here"},
    {{.cuda_visible_devices = "0,3,1", BY_BUS}, "0", "'3' is no number of a GPU here"},
    {{.cuda_visible_devices = "0,x,1", BY_BUS}, "0", "'x' is no number"},
    {{.cuda_visible_devices = "1x,0", BY_BUS}, "1 0", NULL},
    {{.cuda_visible_devices = "0,,1", BY_BUS}, "0", "'' is no number"},
    {{.cuda_visible_devices = "-1"}, "", "ends the list"},
    {{.cuda_visible_devices = "99999999999999999999", BY_BUS}, "", "ends the list"},
    {{.cuda_visible_devices = "", BY_BUS}, "", "hides all GPUs"},
    {{.cuda_visible_devices = "NoDevFiles"}, "", "hides all GPUs"},
    {{.cuda_visible_devices = "0,1,0", BY_BUS}, "", "in the list already"},
    {{.cuda_visible_devices = "GPU-aabb2222"}, "1", NULL},
    {{.cuda_visible_devices = "GPU-aab,GPU-aaa"}, "1 0", NULL},
    {{.cuda_visible_devices = "GPU-aa"}, "", "'GPU-aa' means several GPUs"},
    {{.cuda_visible_devices = "GPU-aaaa,GPU-f"}, "0", "'GPU-f' is no GPU of this node"},
    {{.cuda_visible_devices = "GPU-aaaa,1"}, "0", "'1' is no UUID like the first one"},
    {{.cuda_visible_devices = "GPU-aaaa,MIG-dddd4444"}, "0", "no UUID like the first"},
    {{.cuda_visible_devices = "0,GPU-aabb", BY_BUS}, "0", "is no number"},
    {{.cuda_visible_devices = "GPU-aaaa,GPU-aaaa1111"}, "", "in the list already"},
    {{.cuda_visible_devices = "GPU-cccc"}, "3 4", NULL},
    {{.cuda_visible_devices = "MIG-eeee5555,MIG-d"}, "4 3", NULL},
    {{.cuda_visible_devices = "MIG-GPU-cccc3333/8/0"}, "4", NULL},
    {{.cuda_visible_devices = "MIG-GPU-cccc3333"}, "", "means several GPUs"},
    {{.gpu_device_ordinal = "1", BY_BUS}, "1", NULL},
    {{.cuda_visible_devices = "0", .gpu_device_ordinal = "1", BY_BUS}, "0", NULL},
    {{.slurm_job_gpus = "4,5", BY_BUS}, "0 1", NULL},
    {{.slurm_job_gpus = "4-6", BY_BUS}, "0 1 3 4", NULL},
    {{.slurm_job_gpus = "4,5", .slurm_step_gpus = "5", BY_BUS}, "1", NULL},
    {{.slurm_job_gpus = "4,5", .cuda_visible_devices = "2", BY_BUS}, "3 4", NULL},
    /* A control group hides the others: numbers of the node mean nothing here. */
    {{.slurm_job_gpus = "0,1,2", BY_BUS}, "0 1 3 4", "does not name GPUs that this process sees"},
    {{.slurm_job_gpus = "4:x", BY_BUS}, "0 1 3 4", "does not name GPUs"},
};

Test(gpu_choice, each_form_of_each_variable_chooses_as_cuda_does)
{
    for (size_t e = 0; e < sizeof examples / sizeof examples[0]; e++) {
        const struct example *example = &examples[e];
        unsigned              chosen[8];
        struct mx_buf         why = {0};
        char                  text[64] = "";
        size_t                n = mx_gpu_choose(&gpus, &example->environment, chosen, 8, &why);

        for (size_t k = 0, at = 0; k < n; k++)
            at += (size_t)snprintf(text + at, sizeof text - at, "%s%u", k ? " " : "", chosen[k]);
        cr_expect_str_eq(text, example->chosen, "example %zu: got '%s', wanted '%s'", e, text,
                         example->chosen);
        if (example->why)
            cr_expect(strstr(mx_buf_str(&why), example->why), "example %zu says '%s'", e,
                      mx_buf_str(&why));
        else
            cr_expect_str_eq(mx_buf_str(&why), "", "example %zu", e);
        mx_buf_free(&why);
    }
}

Test(gpu_choice, no_more_are_chosen_than_there_is_room_for)
{
    const struct mx_gpu_environment all = {BY_BUS};
    unsigned                        chosen[2];
    struct mx_buf                   why = {0};

    cr_expect_eq(mx_gpu_choose(&gpus, &all, chosen, 2, &why), 2);
    mx_buf_free(&why);
}

static const char *open_mpi(const char *name)
{
    return strcmp(name, "OMPI_COMM_WORLD_LOCAL_RANK") == 0 ? "3" : NULL;
}

static const char *slurm(const char *name)
{
    return strcmp(name, "SLURM_LOCALID") == 0 ? "0" : NULL;
}

static const char *odd(const char *name)
{
    return strcmp(name, "SLURM_LOCALID") == 0 ? "-2" : "x";
}

Test(gpu_choice, the_launcher_tells_the_local_rank)
{
    cr_expect_eq(mx_gpu_local_rank(open_mpi), 3);
    cr_expect_eq(mx_gpu_local_rank(slurm), 0);
    cr_expect_eq(mx_gpu_local_rank(odd), -1);
}
