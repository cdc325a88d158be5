#include "sweep/machine.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/file.h"

/* Those that oneDNN and our own kernels look at. */
static const char *const watched[] = {
    "avx",      "avx2",     "fma",         "avx_vnni",    "avx512f",  "avx512bw",
    "avx512vl", "avx512dq", "avx512_vnni", "avx512_bf16", "amx_tile", "amx_bf16",
};

/* The value of the first line "key : value" of a cpuinfo; "" if there is none. */
static size_t find_value(const char *text, const char *key, const char **value)
{
    size_t len = strlen(key);

    for (const char *line = text; line && *line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, key, len) == 0 && line[len + strspn(line + len, "\t ")] == ':') {
            *value = strchr(line, ':') + 1;
            *value += strspn(*value, " \t");
            return strcspn(*value, "\n");
        }
    }
    *value = "";
    return 0;
}

static bool has_word(const char *text, size_t len, const char *word)
{
    size_t n = strlen(word);

    for (const char *at = text; (at = strstr(at, word)) && at + n <= text + len; at += n)
        if ((at == text || at[-1] == ' ') && (at + n == text + len || at[n] == ' '))
            return true;
    return false;
}

void mx_machine_cpuinfo(const char *text, struct mx_machine *machine)
{
    const char *value;
    size_t      len = find_value(text, "model name", &value);

    snprintf(machine->cpu, sizeof machine->cpu, "%.*s", (int)len, value);
    len = find_value(text, "flags", &value);
    machine->flags[0] = machine->isa[0] = '\0';
    for (size_t k = 0; k < sizeof watched / sizeof watched[0]; k++)
        if (has_word(value, len, watched[k])) {
            if (machine->flags[0])
                strcat(machine->flags, " ");
            strcat(machine->flags, watched[k]);
        }
    len = strlen(machine->flags);
    for (const char *const *isa = (const char *const[]){"avx", "avx2", "avx512f", NULL}; *isa;
         isa++)
        if (has_word(machine->flags, len, *isa))
            snprintf(machine->isa, sizeof machine->isa, "%.6s", *isa);
}

void mx_machine_look(struct mx_machine *machine)
{
    struct mx_buf  text = {0};
    struct utsname names;
    cpu_set_t      set;

    *machine = (struct mx_machine){.cpus = 1};
    if (uname(&names) == 0) {
        snprintf(machine->host, sizeof machine->host, "%.63s", names.nodename);
        snprintf(machine->kernel, sizeof machine->kernel, "%.40s %.80s", names.sysname,
                 names.release);
        snprintf(machine->architecture, sizeof machine->architecture, "%.31s", names.machine);
    }
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        machine->cpus = (unsigned)CPU_COUNT(&set);
    if (mx_file_read("/proc/cpuinfo", 64 << 20, &text, NULL) == 0)
        mx_machine_cpuinfo(mx_buf_str(&text), machine);
    mx_buf_free(&text);
}
