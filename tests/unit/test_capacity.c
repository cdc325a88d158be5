#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "sweep/capacity.h"

/* A pretended machine: files below a temporary folder. */
static void put(const char *root, const char *path, const char *text)
{
    char full[512], folder[512];

    snprintf(full, sizeof full, "%s%s", root, path);
    snprintf(folder, sizeof folder, "%s", full);
    *strrchr(folder, '/') = '\0';
    cr_assert_eq(mx_dir_make(folder, NULL), 0);
    cr_assert_eq(mx_file_write(full, text, strlen(text), NULL), 0);
}

Test(capacity, control_group_limits_are_respected)
{
    char               root[] = "/tmp/mixsweep-capacity-XXXXXX";
    struct mx_capacity capacity;

    cr_assert_not_null(mkdtemp(root));
    put(root, "/proc/self/cgroup", "0::/job_7\n");
    put(root, "/proc/meminfo", "MemTotal: 999 kB\nMemAvailable:    8388608 kB\n");
    put(root, "/sys/fs/cgroup/job_7/cpu.max", "150000 100000\n");
    put(root, "/sys/fs/cgroup/job_7/memory.max", "4294967296\n");
    put(root, "/sys/fs/cgroup/job_7/memory.current", "1073741824\n");
    mx_capacity_read(root, &capacity);
    cr_expect_eq(capacity.quota_cpus, 2);
    cr_expect_eq(capacity.memory_bytes, 3221225472u);
    cr_assert_eq(mx_dir_remove(root, NULL), 0);
}

Test(capacity, no_limit_means_what_the_machine_has)
{
    char               root[] = "/tmp/mixsweep-capacity-XXXXXX";
    struct mx_capacity capacity;

    cr_assert_not_null(mkdtemp(root));
    put(root, "/proc/self/cgroup", "0::/\n");
    put(root, "/proc/meminfo", "MemAvailable: 1024 kB\n");
    put(root, "/sys/fs/cgroup/cpu.max", "max 100000\n");
    mx_capacity_read(root, &capacity);
    cr_expect_eq(capacity.quota_cpus, 0);
    cr_expect_eq(capacity.memory_bytes, 1 << 20);
    cr_assert_eq(mx_dir_remove(root, NULL), 0);
}
