/* main.c - the program: finds the command and runs it. */
#include <locale.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sweep/command.h"
#include "sweep/keys.h"
#include "sweep/launcher.h"
#include "sweep/messages.h"
#include "sweep/standard.h"

extern char **environ;

static const struct mx_command commands[] = {
    {"check", "CONFIG", &mx_usage_check, mx_cmd_check, false},
    {"plan", "CONFIG", &mx_usage_plan, mx_cmd_plan, false},
    {"run", "CONFIG", &mx_usage_run, mx_cmd_run, true},
    {"resume", "DIR", &mx_usage_resume, mx_cmd_resume, true},
    {"stop", "DIR", &mx_usage_stop, mx_cmd_stop, false},
    {"submit", "CONFIG", &mx_usage_submit, mx_cmd_submit, false},
    {"status", "DIR", &mx_usage_status, mx_cmd_status, false},
    {"watch", "DIR", &mx_usage_watch, mx_cmd_watch, false},
    {"retry", "DIR", &mx_usage_retry, mx_cmd_retry, false},
    {"trial", "DIR ID", &mx_usage_trial, mx_cmd_trial, false},
    {"report", "DIR [DIR2]", &mx_usage_report, mx_cmd_report, false},
    {"export", "DIR", &mx_usage_export, mx_cmd_export, false},
    {"diff", "A B", &mx_usage_diff, mx_cmd_diff, false},
    {"clean", "DIR", &mx_usage_clean, mx_cmd_clean, false},
    {"preview", "CONFIG", &mx_usage_preview, mx_cmd_preview, false},
    {"edits", "DIR TRIAL", &mx_usage_edits, mx_cmd_edits, false},
    {"data", "WHAT", &mx_usage_data, mx_cmd_data, false},
    {"simulate", "CONFIG", &mx_usage_simulate, mx_cmd_simulate, false},
    {"bench", "WHAT", &mx_usage_bench, mx_cmd_bench, false},
    {"doctor", "", &mx_usage_doctor, mx_cmd_doctor, false},
    {"help", "[COMMAND]", &mx_usage_help_command, mx_cmd_help, false},
    {"decoder", "", NULL, mx_cmd_decoder, true},
    {"executor", "", NULL, mx_cmd_executor, true},
};

enum {
    COMMANDS = sizeof commands / sizeof commands[0]
};

static void print_help(FILE *out)
{
    fputs("mixsweep: ablation sweeps over mixed sample augmentation and meta-learning\n\n"
          "usage: mixsweep COMMAND [OPTIONS]\n\n",
          out);
    for (size_t i = 0; i < COMMANDS; i++)
        if (commands[i].usage)
            fprintf(out, "  %-8s %-10s %s\n", commands[i].name, commands[i].arguments,
                    commands[i].usage->summary);
    fputs("\nmixsweep COMMAND --help tells the options of a command, mixsweep --version the "
          "version.\n",
          out);
}

static const struct mx_command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(name, commands[i].name) == 0)
            return &commands[i];
    return NULL;
}

/* The command that a misspelt word means, or NULL. */
static const char *nearest_command(const char *word)
{
    const char *found = NULL;
    size_t      least = SIZE_MAX;

    for (size_t i = 0; i < COMMANDS; i++) {
        const size_t distance = mx_name_distance(word, commands[i].name);

        if (commands[i].usage && distance < least && distance * 3 <= strlen(commands[i].name)) {
            least = distance;
            found = commands[i].name;
        }
    }
    return found;
}

static void tell_unknown(const char *word)
{
    const char *meant = nearest_command(word);
    char        shown[MX_SHOWN_SIZE];

    mx_shown(word, shown);
    if (meant)
        fprintf(stderr,
                "mixsweep: no command '%s' (did you mean %s?); mixsweep --help lists them\n", shown,
                meant);
    else
        fprintf(stderr, "mixsweep: no command '%s'; mixsweep --help lists them\n", shown);
}

/* The exit code of a sweep tells what came of the sweep: its table is in its folder, too. */
static int run_command(const struct mx_command *command, int argc, char **argv)
{
    const int code = command->run(argc - 1, argv + 1);
    const int lost = mx_standard_end(code);

    return lost && code == 0 && !command->many ? mx_exit_code(MX_EIO) : code;
}

int main(int argc, char **argv)
{
    const struct mx_command *command = argc < 2 ? NULL : find_command(argv[1]);

    mx_standard_open();
    /* Numbers are read and written with a point, whatever the user's language. */
    setlocale(LC_ALL, "C");
    /* What mpirun starts many times is said and done once. */
    if (!(command && command->many) && mx_launcher_find(environ).rank > 0)
        return 0;
    if (argc < 2) {
        print_help(stderr);
        return 2;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("mixsweep %s\n", MX_VERSION);
        return mx_standard_end(0) ? mx_exit_code(MX_EIO) : 0;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_help(stdout);
        return mx_standard_end(0) ? mx_exit_code(MX_EIO) : 0;
    }
    if (command)
        return run_command(command, argc, argv);
    tell_unknown(argv[1]);
    return 2;
}
