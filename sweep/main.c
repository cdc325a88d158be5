/* main.c - the program: finds the command and runs it. */
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sweep/command.h"
#include "sweep/launcher.h"

extern char **environ;

static const struct mx_command commands[] = {
    {"check", "CONFIG", "validate a configuration; every mistake with its place and a hint",
     mx_cmd_check, false},
    {"plan", "CONFIG", "show cells, trials, stages and cost; nothing is run", mx_cmd_plan, false},
    {"run", "CONFIG", "run the sweep", mx_cmd_run, true},
    {"resume", "DIR", "go on with an interrupted sweep", mx_cmd_resume, true},
    {"stop", "DIR", "ask a running sweep, on any host, to stop; resume goes on later", mx_cmd_stop,
     false},
    {"submit", "CONFIG", "run the sweep as a job of Slurm that survives limits and lost nodes",
     mx_cmd_submit, false},
    {"status", "DIR", "how a sweep is doing: counts, speed, time to the end, nodes, failures",
     mx_cmd_status, false},
    {"watch", "DIR", "the same as status on the whole terminal, again and again", mx_cmd_watch,
     false},
    {"retry", "DIR", "mark failed or lost trials to be run again by the next resume", mx_cmd_retry,
     false},
    {"trial", "DIR ID", "everything about one trial", mx_cmd_trial, false},
    {"report", "DIR [DIR2]", "one page on a sweep: failures, tables with intervals, plots",
     mx_cmd_report, false},
    {"export", "DIR", "the tables for elsewhere: csv, jsonl, sqlite, markdown, latex, tensorboard",
     mx_cmd_export, false},
    {"diff", "A B", "which cells, metrics and keys of two sweeps differ", mx_cmd_diff, false},
    {"clean", "DIR", "remove what schedule.keep does not keep", mx_cmd_clean, false},
    {"preview", "CONFIG", "show what the mixing strategies do to images of the data set",
     mx_cmd_preview, false},
    {"edits", "DIR TRIAL", "what the edited features of an hsfm trial have come to mean",
     mx_cmd_edits, false},
    {"data", "WHAT", "data sets: list, fetch NAME, or inspect PATH to look into one", mx_cmd_data,
     false},
    {"simulate", "CONFIG", "play a sweep with executors that are none: how long, how busy",
     mx_cmd_simulate, false},
    {"bench", "WHAT", "measure this machine", mx_cmd_bench, false},
    {"doctor", "", "what this machine has, what is wrong, and how to mend it", mx_cmd_doctor,
     false},
    {"help", "[COMMAND]", "help on a command; pages of the manual and completion", mx_cmd_help,
     false},
    /* One that a rank started, with the variables by which srun told the rank its place. */
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
        if (commands[i].summary)
            fprintf(out, "  %-8s %-10s %s\n", commands[i].name, commands[i].arguments,
                    commands[i].summary);
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

int main(int argc, char **argv)
{
    const struct mx_command *command = argc < 2 ? NULL : find_command(argv[1]);

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
        return 0;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_help(stdout);
        return 0;
    }
    if (command)
        return command->run(argc - 1, argv + 1);
    fprintf(stderr, "mixsweep: no command '%s'; mixsweep --help lists them\n", argv[1]);
    return 2;
}
