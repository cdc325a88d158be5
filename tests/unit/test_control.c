#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "sweep/control.h"
#include "sweep/owner.h"

enum {
    INCARNATION = 3
};

static char folder[] = "/tmp/mx_control_XXXXXX";
static char path[64];

static void make_folder(void)
{
    cr_assert(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/control.json", folder);
}

static void remove_folder(void)
{
    cr_assert_eq(mx_dir_remove(folder, NULL), 0);
}

TestSuite(control, .init = make_folder, .fini = remove_folder);

static void expect_taken(enum mx_request request, const char *host)
{
    struct mx_control control;
    struct mx_err     err = {0};

    cr_expect_eq(mx_control_take(folder, INCARNATION, &control, &err), 0, "%s", err.text);
    cr_expect_eq(control.request, request);
    cr_expect_str_eq(control.host, host);
    cr_expect_not(mx_file_exists(path));
}

Test(control, of_nobody_who_asked_is_nothing)
{
    expect_taken(MX_REQUEST_NONE, "");
}

Test(control, is_taken_once_and_says_who_asked)
{
    struct mx_process self;

    cr_assert_eq(mx_owner_machine.self(NULL, &self, NULL), 0);
    cr_assert_eq(mx_control_write(folder, MX_REQUEST_DRAIN, INCARNATION, NULL), 0);
    expect_taken(MX_REQUEST_DRAIN, self.host);
    expect_taken(MX_REQUEST_NONE, "");
    cr_assert_eq(mx_control_write(folder, MX_REQUEST_END, INCARNATION, NULL), 0);
    expect_taken(MX_REQUEST_END, self.host);
}

Test(control, the_last_one_who_asked_counts)
{
    struct mx_process self;

    cr_assert_eq(mx_owner_machine.self(NULL, &self, NULL), 0);
    cr_assert_eq(mx_control_write(folder, MX_REQUEST_DRAIN, INCARNATION, NULL), 0);
    cr_assert_eq(mx_control_write(folder, MX_REQUEST_END, INCARNATION, NULL), 0);
    expect_taken(MX_REQUEST_END, self.host);
}

Test(control, for_another_incarnation_is_removed_and_ignored)
{
    cr_assert_eq(mx_control_write(folder, MX_REQUEST_END, INCARNATION - 1, NULL), 0);
    expect_taken(MX_REQUEST_NONE, "");
    cr_assert_eq(mx_control_write(folder, MX_REQUEST_END, INCARNATION + 1, NULL), 0);
    expect_taken(MX_REQUEST_NONE, "");
}

Test(control, file_is_an_object_that_others_can_read)
{
    json_t *object;

    cr_assert_eq(mx_control_write(folder, MX_REQUEST_DRAIN, INCARNATION, NULL), 0);
    cr_assert(object = json_load_file(path, 0, NULL));
    cr_expect_eq(json_object_size(object), 5);
    cr_expect_str_eq(json_string_value(json_object_get(object, "request")), "drain");
    cr_expect_eq(json_integer_value(json_object_get(object, "incarnation")), INCARNATION);
    cr_expect_eq(json_integer_value(json_object_get(object, "pid")), getpid());
    cr_expect(json_is_string(json_object_get(object, "host")));
    cr_expect_eq(strlen(json_string_value(json_object_get(object, "at"))),
                 strlen("2026-01-31T09:30:00.125Z"));
    json_decref(object);
}

static void expect_refused(const char *text)
{
    struct mx_control control = {.request = MX_REQUEST_END};
    struct mx_err     err = {0};
    char              expected[128];

    cr_assert_eq(mx_file_write(path, text, strlen(text), NULL), 0);
    cr_expect_eq(mx_control_take(folder, INCARNATION, &control, &err), -1, "%s", text);
    cr_expect_eq(err.code, MX_EINVAL);
    snprintf(expected, sizeof expected, "%s was not written by mixsweep stop; it was removed",
             path);
    cr_expect_str_eq(err.text, expected);
    cr_expect_eq(control.request, MX_REQUEST_NONE);
    expect_taken(MX_REQUEST_NONE, "");
}

Test(control, that_makes_no_sense_is_told_once_and_removed)
{
    static char large[10000];

    expect_refused("");
    expect_refused("stop");
    expect_refused("[]");
    expect_refused("{\"request\":\"end\",\"incarnation\":3,\"host\":\"n");
    expect_refused("{\"request\":\"pause\",\"incarnation\":3,\"host\":\"n\"}");
    expect_refused("{\"request\":\"\",\"incarnation\":3,\"host\":\"n\"}");
    expect_refused("{\"request\":2,\"incarnation\":3,\"host\":\"n\"}");
    expect_refused("{\"request\":\"end\",\"incarnation\":\"3\",\"host\":\"n\"}");
    expect_refused("{\"request\":\"end\",\"incarnation\":0,\"host\":\"n\"}");
    expect_refused("{\"request\":\"end\",\"incarnation\":4294967299,\"host\":\"n\"}");
    expect_refused("{\"request\":\"end\",\"incarnation\":3}");
    expect_refused("{\"request\":\"end\",\"incarnation\":3,\"host\":\"\"}");
    expect_refused("{\"request\":\"end\",\"incarnation\":3,\"host\":\"a\\nb\"}");
    memset(large, ' ', sizeof large - 1);
    expect_refused(large);
}

Test(control, that_is_a_folder_is_removed_if_it_is_empty)
{
    struct mx_control control;
    struct mx_err     err = {0};
    char              inside[96];

    cr_assert_eq(mx_dir_make(path, NULL), 0);
    cr_expect_eq(mx_control_take(folder, INCARNATION, &control, &err), -1);
    cr_expect_eq(err.code, MX_EINVAL);
    expect_taken(MX_REQUEST_NONE, "");
    snprintf(inside, sizeof inside, "%s/inside", path);
    cr_assert_eq(mx_dir_make(inside, NULL), 0);
    cr_expect_eq(mx_control_take(folder, INCARNATION, &control, &err), -1);
    cr_expect_eq(err.code, MX_EIO);
}

Test(control, cannot_be_written_where_there_is_no_directory)
{
    struct mx_err err = {0};

    cr_expect_eq(mx_control_write("/nowhere/at/all", MX_REQUEST_END, 1, &err), -1);
    cr_expect_eq(err.code, MX_EIO);
    cr_expect(strstr(err.text, "/nowhere/at/all/control.json"), "%s", err.text);
}
