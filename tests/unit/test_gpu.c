/* test_gpu.c - GPUs as a management library tells them: one of our own (tests/fakegpu). */
#include <criterion/criterion.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sweep/gpu.h"
#include "sweep/nvml.h"

static void look(const char *number, const char *first, struct mx_gpus *gpus)
{
    struct mx_err err = {0};

    setenv("MX_FAKE_GPUS", number, 1);
    if (first)
        setenv("MX_FAKE_GPU_0", first, 1);
    cr_assert_eq(mx_gpus_look(MX_FAKE_NVML, gpus, &err), 0, "%s", err.text);
}

Test(gpu, names_memory_and_driver_are_told)
{
    struct mx_gpus gpus;

    look("2", "load=37 watts=0", &gpus);
    cr_assert_eq(gpus.n, 2);
    cr_expect_str_eq(gpus.driver, "580.95.05");
    cr_expect_eq(gpus.cuda, 13000);
    cr_expect_str_eq(gpus.list[1].uuid, "GPU-fa4e0001-0000-4000-8000-000000000001");
    cr_expect_str_eq(gpus.list[1].model, "NVIDIA Pretended 80GB");
    cr_expect_eq(gpus.list[1].memory_bytes, (uint64_t)81559 << 20);
    cr_expect_eq(gpus.list[1].minor, 1);
    cr_expect_str_eq(gpus.list[0].fault, "");
    cr_expect(fabs(gpus.list[0].load - .37) <= 1e-12);
    cr_expect(fabs(gpus.list[0].energy_j) <= 0);
    mx_gpus_free(&gpus);
}

Test(gpu, what_is_wrong_with_one_is_its_fault)
{
    static const struct {
        const char *special, *fault;
    } rows[] = {
        {"foreign=4711:5000", "1 other process computes on it (4711 with 5000 MiB)"},
        {"foreign=4711:5000 processes=3", "3 other processes compute on it (4711 with 5000 MiB)"},
        {"foreign=4711:5000 processes=65", "65 other processes compute on it"},
        {"used=3000", "3000 of its 81559 MiB are in use by others"},
        {"used=2000", ""},
        {"ecc=3", "3 uncorrected memory errors (ECC) since the driver was loaded"},
        {"rows=pending", "bad rows of its memory wait for a reset to be remapped"},
        {"rows=failed", "bad rows of its memory could not be remapped"},
        {"mode=2", "its mode forbids computing"},
        {"lost", "it has fallen off the bus"},
        {"reset", "it needs a reset"},
        {"mode=3", ""},
    };

    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        struct mx_gpus gpus;

        look("1", rows[k].special, &gpus);
        cr_assert_eq(gpus.n, 1, "%s", rows[k].special);
        cr_expect_str_eq(gpus.list[0].fault, rows[k].fault);
        cr_expect_eq(gpus.list[0].mend[0] != '\0', rows[k].fault[0] != '\0', "%s", rows[k].special);
        mx_gpus_free(&gpus);
    }
}

Test(gpu, the_server_of_mps_is_nobody_who_computes)
{
    int            ready[2];
    char           special[64], byte;
    pid_t          server;
    struct mx_gpus gpus;

    cr_assert_eq(pipe(ready), 0);
    if ((server = fork()) == 0) {
        prctl(PR_SET_NAME, "nvidia-cuda-mps-server");
        if (write(ready[1], "1", 1) == 1)
            pause();
        _exit(1);
    }
    cr_assert_eq(read(ready[0], &byte, 1), 1);
    snprintf(special, sizeof special, "foreign=%d:500", (int)server);
    look("1", special, &gpus);
    cr_expect_str_eq(gpus.list[0].fault, "");
    cr_expect_eq(gpus.list[0].processes, 0);
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    mx_gpus_free(&gpus);
}

Test(gpu, a_divided_one_is_followed_by_its_parts)
{
    struct mx_gpus gpus;

    look("2", "mig=2 ecc=1", &gpus);
    cr_assert_eq(gpus.n, 4);
    cr_expect(gpus.list[0].divided);
    cr_expect_eq(gpus.list[1].parent, 0);
    cr_expect_str_eq(mx_gpu_card(&gpus.list[1]), gpus.list[0].uuid);
    cr_expect_str_eq(mx_gpu_card(&gpus.list[3]), gpus.list[3].uuid);
    cr_expect_str_eq(gpus.list[2].uuid, "MIG-fa4e0000-0000-5000-8000-000000000001");
    cr_expect_str_eq(gpus.list[2].alias, "MIG-GPU-fa4e0000-0000-4000-8000-000000000000/8/0");
    cr_expect_str_eq(gpus.list[2].fault,
                     "1 uncorrected memory error (ECC) since the driver was loaded");
    cr_expect_eq(gpus.list[3].parent, -1);
    cr_expect_eq(gpus.list[3].index, 1);
    mx_gpus_free(&gpus);
}

Test(gpu, those_that_a_control_group_hides_are_not_counted)
{
    struct mx_gpus gpus;

    look("2", "hidden", &gpus);
    cr_assert_eq(gpus.n, 1);
    cr_expect_eq(gpus.list[0].index, 0);
    cr_expect_eq(gpus.list[0].minor, 1);
    mx_gpus_free(&gpus);
}

Test(gpu, a_machine_without_any_says_why)
{
    struct mx_gpus gpus;
    struct mx_err  err = {0};

    cr_expect_eq(mx_gpus_look("libno-such-library.so.1", &gpus, &err), -1);
    cr_expect_str_eq(err.text,
                     "there is no libno-such-library.so.1: no NVIDIA driver is installed");
    unsetenv("MX_FAKE_GPUS");
    cr_expect_eq(mx_gpus_look(MX_FAKE_NVML, &gpus, &err), -1);
    cr_expect(strstr(err.text, "does not start (its error 9): the NVIDIA driver is not loaded"));
    setenv("MX_FAKE_GPUS", "0", 1);
    cr_expect_eq(mx_gpus_look(MX_FAKE_NVML, &gpus, &err), -1);
    cr_expect_str_eq(err.text, "the NVIDIA driver knows of no GPU that this process may use");
    cr_expect_eq(err.code, MX_EGPU);
}

Test(gpu, figures_are_asked_for_anew_of_those_that_have_a_name)
{
    struct mx_nvml nvml;
    struct mx_gpus gpus;
    struct mx_err  err = {0};

    look("2", "lost", &gpus);
    setenv("MX_FAKE_GPU_1", "used=700 load=12", 1);
    cr_assert_eq(mx_nvml_open(MX_FAKE_NVML, &nvml, &err), 0, "%s", err.text);
    mx_gpus_update(&nvml, &gpus);
    cr_expect(isnan(gpus.list[0].memory_now) && isnan(gpus.list[0].load));
    cr_expect(fabs(gpus.list[1].memory_now - 700 * 0x1p20) <= 0);
    cr_expect(fabs(gpus.list[1].load - .12) <= 1e-12);
    mx_nvml_close(&nvml);
    mx_gpus_free(&gpus);
}

Test(gpu, a_list_travels_in_a_message)
{
    struct mx_gpus gpus, back;
    struct mx_buf  frame = {0};
    struct mx_wire wire;
    struct mx_err  err = {0};

    look("1", "ecc=1 mode=3 mig=1", &gpus);
    mx_gpus_put(&frame, &gpus);
    wire = (struct mx_wire){.at = (const unsigned char *)frame.data,
                            .end = (const unsigned char *)frame.data + frame.len};
    cr_assert_eq(mx_gpus_take(&wire, &back, &err), 0, "%s", err.text);
    cr_assert(mx_wire_done(&wire));
    cr_assert_eq(back.n, 2);
    cr_expect_str_eq(back.list[0].uuid, gpus.list[0].uuid);
    cr_expect_str_eq(back.list[0].fault, gpus.list[0].fault);
    cr_expect_str_eq(mx_gpu_card(&back.list[1]), gpus.list[0].uuid);
    cr_expect(back.list[0].exclusive);
    cr_expect_eq(back.list[1].memory_bytes, gpus.list[1].memory_bytes);
    mx_gpus_free(&gpus);
    mx_gpus_free(&back);
    mx_buf_free(&frame);
}

Test(gpu, mps_runs_where_its_number_is_of_a_living_process)
{
    char  folder[] = "/tmp/mx_mps_XXXXXX", path[64];
    FILE *file;

    cr_assert(mkdtemp(folder));
    setenv("CUDA_MPS_PIPE_DIRECTORY", folder, 1);
    cr_expect_not(mx_gpu_mps_runs());
    snprintf(path, sizeof path, "%s/nvidia-cuda-mps-control.pid", folder);
    cr_assert((file = fopen(path, "w")));
    fprintf(file, "%ld\n", (long)getpid());
    fclose(file);
    cr_expect(mx_gpu_mps_runs());
    cr_assert((file = fopen(path, "w")));
    fprintf(file, "%ld\n", 4194304L + 1); /* above the largest number of a process */
    fclose(file);
    cr_expect_not(mx_gpu_mps_runs());
    unlink(path);
    rmdir(folder);
}
