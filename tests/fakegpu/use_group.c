/* A group of GPUs as executors form it (reduce/group.h), a process a member, each on its own pretended
 * device. Ends with 0 if all got what they must, else with the status of the first that did not.
 * Misuse is planted into member 0. */
#include "reduce/group.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

enum {
    MEMBERS = 3,
    N = 1000,
    MORE = 5000,
};

static uint64_t number(unsigned member, size_t k)
{
    return (uint64_t)(member + 1) << 60 | (uint64_t)(k * 7919 + member);
}

static _Noreturn void end(const char *what, const struct mx_err *err)
{
    printf("%s: %s\n", what, err->text);
    exit(1);
}

/* Sums, in a room that grows. */
static void work(struct reduce_group *group, unsigned member, size_t n)
{
    struct mx_err err = {.text = "a number is wrong"};
    uint64_t     *words = reduce_group_words(group, n, &err), sum;

    if (!words)
        end("words", &err);
    for (size_t k = 0; k < n; k++)
        words[k] = number(member, k);
    if (reduce_group_sum(group, n, &err))
        end("sum", &err);
    for (size_t k = 0; k < n; k++) {
        sum = 0;
        for (unsigned m = 0; m < MEMBERS; m++)
            sum += number(m, k);
        if (words[k] != sum)
            end("sum", &err);
    }
}

static int be_member(unsigned member, const unsigned char id[REDUCE_GROUP_ID])
{
    const struct reduce_patience patience = {mx_clock_monotonic_s() + 30, NULL, NULL};
    struct reduce_group         *group;
    struct mx_err                err = {0};
    char                         device[2] = {(char)('0' + member), '\0'};

    if (member != 0)
        unsetenv("MX_PLANT");
    setenv("CUDA_VISIBLE_DEVICES", device, 1);
    if (!(group = reduce_group_join(id, member, MEMBERS, &patience, &err)))
        end("join", &err);
    work(group, member, N);
    work(group, member, MORE);
    if (reduce_group_leave(group, true, &err))
        end("leave", &err);
    return 0;
}

/* The identifier is made by a process that is gone soon: here it is a name, and no more. */
static void name_group(unsigned char id[REDUCE_GROUP_ID])
{
    int           pipes[2];
    pid_t         child;
    struct mx_err err = {.text = "nothing came"};

    if (pipe(pipes))
        end("pipe", &err);
    if ((child = fork()) == 0) {
        if (reduce_group_name(id, &err) || write(pipes[1], id, REDUCE_GROUP_ID) != REDUCE_GROUP_ID)
            end("name", &err);
        exit(0);
    }
    if (read(pipes[0], id, REDUCE_GROUP_ID) != REDUCE_GROUP_ID)
        end("name", &err);
    waitpid(child, NULL, 0);
}

int main(void)
{
    unsigned char id[REDUCE_GROUP_ID];
    pid_t         child[MEMBERS];
    int           status = 0, result = 0;

    name_group(id);
    for (unsigned m = 0; m < MEMBERS; m++)
        if ((child[m] = fork()) == 0)
            exit(be_member(m, id));
    for (unsigned m = 0; m < MEMBERS && !result; m++) {
        wait(&status);
        result = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
    }
    for (unsigned m = 0; m < MEMBERS && result; m++)
        kill(child[m], SIGKILL); /* they would wait until their patience ends */
    while (wait(NULL) > 0)
        ;
    shm_unlink((const char *)id); /* where not all came */
    return result;
}
