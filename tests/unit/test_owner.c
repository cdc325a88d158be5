#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "sweep/owner.h"

/* A machine that is what a test says: its sleep makes time pass. */
struct machine {
    struct mx_process self;
    long              alive_pid; /* of this host; 0 = none */
    uint64_t          alive_start;
    double            age_s, slept_s;
    double            written_after_s; /* somebody writes owner.json then; 0 = never */
};

static char folder[] = "/tmp/mx_owner_XXXXXX";
static char owner_path[64];

static void make_folder(void)
{
    cr_assert(mkdtemp(folder));
    snprintf(owner_path, sizeof owner_path, "%s/owner.json", folder);
}

static void remove_folder(void)
{
    cr_assert_eq(mx_dir_remove(folder, NULL), 0);
}

TestSuite(owner, .init = make_folder, .fini = remove_folder);

static int self(void *user, struct mx_process *self, struct mx_err *err)
{
    (void)err;
    *self = ((struct machine *)user)->self;
    return 0;
}

static bool start_of(void *user, long pid, uint64_t *start)
{
    struct machine *machine = user;

    *start = machine->alive_start;
    return pid == machine->alive_pid;
}

static int age_s(void *user, const char *path, double *age_s, struct mx_err *err)
{
    (void)path;
    (void)err;
    *age_s = ((struct machine *)user)->age_s;
    return 0;
}

static double utc_s(void *user)
{
    return 1764000000 + ((struct machine *)user)->slept_s;
}

static void sleep_s(void *user, double seconds)
{
    struct machine *machine = user;

    machine->slept_s += seconds;
    machine->age_s += seconds;
    if (machine->written_after_s > 0 && machine->slept_s >= machine->written_after_s)
        machine->age_s = 0;
}

static struct mx_owner_system system_of(struct machine *machine)
{
    return (struct mx_owner_system){self, start_of, age_s, utc_s, sleep_s, machine};
}

static const struct machine node1 = {
    .self = {"node1", "boot-a", "pid:[1]", 100, 5000}, .alive_pid = 100, .alive_start = 5000};

static void count_waits(void *user, const char *text)
{
    (void)text;
    ++*(int *)user;
}

/* node1's process 100 takes the directory. */
static struct mx_owner *first_owner(const struct mx_owner_system *system)
{
    struct mx_err    err = {0};
    struct mx_owner *owner = mx_owner_take(folder, system, NULL, NULL, &err);

    cr_assert(owner, "%s", err.text);
    return owner;
}

/* Another process tries: expects success or not, and how long it waited. */
static void second(struct machine machine, bool taken, double slept_s)
{
    struct machine         one = node1;
    struct mx_owner_system system1 = system_of(&one), system2 = system_of(&machine);
    struct mx_owner       *first, *owner;
    struct mx_err          err = {0};
    int                    waits = 0;

    unlink(owner_path);
    first = first_owner(&system1);
    owner = mx_owner_take(folder, &system2, count_waits, &waits, &err);
    cr_expect_eq(owner != NULL, taken, "%s", err.text);
    cr_expect_eq(machine.slept_s, slept_s, "slept %g s", machine.slept_s);
    cr_expect_eq(waits, slept_s > 0);
    cr_expect_eq(mx_owner_still_mine(first, NULL), taken ? -1 : 0);
    if (owner)
        cr_expect_eq(mx_owner_still_mine(owner, NULL), 0);
    else
        cr_expect_eq(err.code, MX_EOWNED);
    mx_owner_free(first);
    mx_owner_free(owner);
}

Test(owner, on_the_same_host_lives_as_long_as_its_process)
{
    struct machine other = node1;

    other.self.pid = 200;
    other.self.start = 9000;
    second(other, false, 0);
    other.alive_start = 7000; /* the pid was given to another process */
    second(other, true, 0);
    other.alive_pid = 0;
    second(other, true, 0);
    other = node1;
    other.self.pid = 200;
    strcpy(other.self.boot, "boot-b"); /* the host was started again */
    second(other, true, 0);
}

Test(owner, elsewhere_is_waited_for_until_it_was_silent_for_a_minute)
{
    struct machine other = node1;

    strcpy(other.self.host, "node2");
    other.age_s = 5;
    second(other, true, 55);
    other.age_s = 100;
    second(other, true, 0);
    other.age_s = 5;
    other.written_after_s = 8; /* it says that it is alive */
    second(other, false, 8);
    /* Numbers of processes of another container say nothing. */
    other = node1;
    strcpy(other.self.pid_space, "pid:[2]");
    other.alive_pid = 0;
    second(other, true, 60);
}

Test(owner, says_who_has_the_directory_and_what_to_do)
{
    struct machine         one = node1;
    struct mx_owner_system system = system_of(&one);
    struct mx_owner       *first = first_owner(&system);
    struct mx_err          err = {0};
    char                   expected[256];

    cr_expect_null(mx_owner_take(folder, &system, NULL, NULL, &err));
    snprintf(expected, sizeof expected,
             "%s is owned by process 100 on node1; wait for it, or stop it with mixsweep stop %s",
             folder, folder);
    cr_expect_str_eq(err.text, expected);
    mx_owner_free(first);
}

Test(owner, that_was_replaced_finds_out_and_writes_nothing)
{
    struct machine         one = node1, two = node1;
    struct mx_owner_system system1 = system_of(&one), system2 = system_of(&two);
    struct mx_owner       *first = first_owner(&system1), *next;
    struct mx_err          err = {0};
    struct mx_buf          before = {0}, after = {0};
    char                   expected[256];

    cr_expect_eq(mx_owner_refresh(first, 1, &err), 0);
    two.self.pid = 200;
    two.alive_pid = 0;
    cr_assert(next = mx_owner_take(folder, &system2, NULL, NULL, &err));
    cr_assert_eq(mx_file_read(owner_path, 4096, &before, NULL), 0);
    cr_expect_eq(mx_owner_guard(first, &err), -1);
    cr_expect_eq(err.code, MX_EOWNED);
    snprintf(expected, sizeof expected,
             "%s was taken over by process 200 on node1; this process stops here", folder);
    cr_expect_str_eq(err.text, expected);
    cr_expect_eq(mx_owner_refresh(first, 1, &err), -1);
    mx_owner_release(first);
    cr_assert_eq(mx_file_read(owner_path, 4096, &after, NULL), 0);
    cr_expect_str_eq(mx_buf_str(&before), mx_buf_str(&after));
    cr_expect_eq(mx_owner_still_mine(next, NULL), 0);
    mx_owner_free(next);
    mx_buf_free(&before);
    mx_buf_free(&after);
}

Test(owner, that_released_the_directory_is_not_waited_for)
{
    struct machine         one = node1, two = node1;
    struct mx_owner_system system1 = system_of(&one), system2 = system_of(&two);
    struct mx_owner       *next;

    strcpy(two.self.host, "node2");
    mx_owner_release(first_owner(&system1));
    cr_assert(next = mx_owner_take(folder, &system2, NULL, NULL, NULL));
    cr_expect_eq(two.slept_s, 0);
    mx_owner_free(next);
}

Test(owner, a_file_that_makes_no_sense_is_treated_as_somebody_elses)
{
    struct machine         one = node1;
    struct mx_owner_system system = system_of(&one);
    struct mx_owner       *owner;

    cr_assert_eq(mx_file_write(owner_path, "{\"host\":", 8, NULL), 0);
    cr_assert(owner = mx_owner_take(folder, &system, NULL, NULL, NULL));
    cr_expect_eq(one.slept_s, 60);
    mx_owner_free(owner);
}

/* Looks at the directory from a machine: whether the owner lives is told. */
static void expect_look(const struct machine *from, bool alive, unsigned incarnation)
{
    struct machine         machine = *from;
    struct mx_owner_system system = system_of(&machine);
    struct mx_owner_look   look;
    struct mx_err          err = {0};

    cr_assert_eq(mx_owner_look(folder, &system, &look, &err), 0, "%s", err.text);
    cr_expect_eq(look.alive, alive);
    cr_expect_eq(look.incarnation, incarnation);
    cr_expect_eq(look.process.pid, 100);
    cr_expect_str_eq(look.process.host, "node1");
    cr_expect_eq(machine.slept_s, 0);
}

Test(owner, can_be_looked_at)
{
    struct machine         one = node1, other = node1;
    struct mx_owner_system system = system_of(&one);
    struct mx_owner       *owner = first_owner(&system);

    other.self.pid = 200;
    expect_look(&other, true, 0);
    cr_assert_eq(mx_owner_refresh(owner, 7, NULL), 0);
    expect_look(&other, true, 7);
    other.alive_start = 7000; /* the pid was given to another process */
    expect_look(&other, false, 7);
    strcpy(other.self.host, "node2");
    other.age_s = 59;
    expect_look(&other, true, 7);
    other.age_s = 60;
    expect_look(&other, false, 7);
    cr_expect_eq(mx_owner_still_mine(owner, NULL), 0);
    mx_owner_release(owner);
    other.age_s = 1;
    expect_look(&other, false, 7);
}

Test(owner, that_is_not_there_or_makes_no_sense_can_be_looked_at)
{
    struct machine         one = node1;
    struct mx_owner_system system = system_of(&one);
    struct mx_owner_look   look;

    cr_assert_eq(mx_owner_look(folder, &system, &look, NULL), 0);
    cr_expect_not(look.alive);
    cr_assert_eq(mx_file_write(owner_path, "{\"host\":", 8, NULL), 0);
    cr_assert_eq(mx_owner_look(folder, &system, &look, NULL), 0);
    cr_expect(look.alive && look.incarnation == 0);
    cr_expect_str_eq(look.process.host, "an unknown host");
    one.age_s = 61;
    cr_assert_eq(mx_owner_look(folder, &system, &look, NULL), 0);
    cr_expect_not(look.alive);
}

/* The real machine: a child owns the directory, lives, and is killed. */
Test(owner, on_this_machine_a_killed_process_is_taken_over_at_once)
{
    struct mx_owner *owner;
    struct mx_err    err = {0};
    int              ready[2], status;
    char             byte;
    pid_t            child;

    cr_assert_eq(pipe(ready), 0);
    if ((child = fork()) == 0) {
        owner = mx_owner_take(folder, &mx_owner_machine, NULL, NULL, NULL);
        if (!owner || write(ready[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    cr_assert_eq(read(ready[0], &byte, 1), 1);
    cr_expect_null(mx_owner_take(folder, &mx_owner_machine, NULL, NULL, &err));
    cr_expect_eq(err.code, MX_EOWNED);
    kill(child, SIGKILL);
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(owner = mx_owner_take(folder, &mx_owner_machine, NULL, NULL, &err), "%s", err.text);
    mx_owner_release(owner);
}

Test(owner, on_this_machine_the_age_of_a_file_is_measured)
{
    struct timespec long_ago[2];
    double          age;

    cr_assert_eq(mx_file_write(owner_path, "{}", 2, NULL), 0);
    cr_assert_eq(clock_gettime(CLOCK_REALTIME, &long_ago[0]), 0);
    long_ago[0].tv_sec -= 1000;
    long_ago[1] = long_ago[0];
    cr_assert_eq(utimensat(0, owner_path, long_ago, 0), 0);
    cr_assert_eq(mx_owner_machine.age_s(NULL, owner_path, &age, NULL), 0);
    cr_expect(age >= 990 && age <= 1500, "%g s", age);
}
