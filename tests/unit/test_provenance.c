#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "sweep/machine.h"
#include "sweep/noted.h"
#include "sweep/provenance.h"

static char folder[] = "/tmp/mx_provenance_XXXXXX";

static void make_folder(void)
{
    cr_assert(mkdtemp(folder));
}

static void remove_folder(void)
{
    cr_assert_eq(mx_dir_remove(folder, NULL), 0);
}

TestSuite(provenance, .init = make_folder, .fini = remove_folder);

static const float                     mean[] = {0.5F}, sd[] = {0.25F};
static const struct mx_provenance_data data[] = {
    {"fashion-mnist", "/data/f", 0x0123456789abcdef, 1, mean, sd},
    {"synthetic", "", 0, 0, NULL, NULL}};
static const struct mx_provenance_file files[] = {{"/w/a.safetensors", 0xfedcba9876543210}};
static const char *const               command[] = {"mixsweep", "run", "a b.yaml"};
static const struct mx_library_version libraries[] = {{"oneDNN", "2.6.3"}};

static json_t *write_and_load(unsigned incarnation)
{
    struct mx_provenance provenance = {
        .name = "ratios",
        .config = "name: ratios\n",
        .seed = 7,
        .data = data,
        .ndata = 2,
        .files = files,
        .nfiles = 1,
        .incarnation = incarnation,
        .started_utc_s = 1764000000 + incarnation,
        .device = "cpu",
        .command = command,
        .ncommand = 3,
        .libraries = libraries,
        .nlibraries = 1,
    };
    struct mx_err err = {0};
    char         *path = mx_path_join(folder, "provenance.json");
    json_t       *root;

    cr_assert_eq(mx_provenance_write(folder, &provenance, &err), 0, "%s", err.text);
    root = json_load_file(path, 0, NULL);
    cr_assert(root);
    free(path);
    return root;
}

static const char *text_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "(none)";
}

Test(provenance, tells_what_the_sweep_was_made_of)
{
    json_t       *root = write_and_load(1), *set, *run;
    const json_t *list = json_object_get(root, "data");
    char          hex[MX_HASH64_HEX];

    cr_expect_str_eq(text_at(root, "name"), "ratios");
    cr_expect_str_eq(text_at(root, "config_xxh3"),
                     mx_hash64_hex(mx_hash64("name: ratios\n", 13), hex));
    cr_expect_eq(json_integer_value(json_object_get(root, "seed")), 7);
    cr_assert_eq(json_array_size(list), 2);
    set = json_array_get(list, 0);
    cr_expect_str_eq(text_at(set, "fingerprint"), "0123456789abcdef");
    cr_expect_eq(json_real_value(json_array_get(json_object_get(set, "mean"), 0)), 0.5);
    cr_expect_null(json_object_get(json_array_get(list, 1), "mean"));
    run = json_array_get(json_object_get(root, "incarnations"), 0);
    cr_expect_str_eq(text_at(run, "version"), MX_VERSION);
    cr_expect_str_eq(text_at(run, "started"), "2025-11-24T16:00:01.000Z");
    cr_expect_str_eq(json_string_value(json_array_get(json_object_get(run, "command"), 2)),
                     "a b.yaml");
    cr_expect_str_eq(text_at(json_object_get(run, "libraries"), "oneDNN"), "2.6.3");
    cr_expect_gt(json_integer_value(json_object_get(json_object_get(run, "cpu"), "usable")), 0);
    json_decref(root);
}

Test(provenance, keeps_the_incarnations_that_were_before)
{
    json_t *root;
    char   *path = mx_path_join(folder, "provenance.json");

    json_decref(write_and_load(1));
    root = write_and_load(2);
    cr_expect_eq(json_array_size(json_object_get(root, "incarnations")), 2);
    json_decref(root);
    root = write_and_load(3);
    for (size_t k = 0; k < 3; k++)
        cr_expect_eq(json_integer_value(json_object_get(
                         json_array_get(json_object_get(root, "incarnations"), k), "incarnation")),
                     (json_int_t)k + 1);
    json_decref(root);
    cr_assert_eq(mx_file_write(path, "{\"inc", 5, NULL), 0);
    root = write_and_load(4);
    cr_expect_eq(json_array_size(json_object_get(root, "incarnations")), 1);
    json_decref(root);
    free(path);
}

Test(provenance, is_what_a_directory_is_read_by_where_its_data_are_not)
{
    struct mx_noted *noted;
    uint64_t         found = 1;

    json_decref(write_and_load(1));
    cr_assert(noted = mx_noted_read(folder, NULL));
    cr_expect(mx_noted_data(noted, "fashion-mnist", "/data/f", &found));
    cr_expect_eq(found, 0x0123456789abcdef);
    cr_expect(mx_noted_file(noted, "/w/a.safetensors", &found));
    cr_expect_eq(found, 0xfedcba9876543210);
    cr_expect_not(mx_noted_data(noted, "mnist", "/data/f", &found), "another set");
    cr_expect_not(mx_noted_data(noted, "fashion-mnist", "/data", &found), "another place");
    cr_expect_not(mx_noted_file(noted, "/data/f", &found), "a set is no file");
    cr_expect_eq(found, 0xfedcba9876543210, "left alone");
    mx_noted_free(noted);
}

Test(provenance, that_is_missing_or_damaged_notes_nothing)
{
    char            *path = mx_path_join(folder, "provenance.json");
    struct mx_noted *noted;
    uint64_t         found;

    cr_assert(noted = mx_noted_read(folder, NULL));
    cr_expect_not(mx_noted_data(noted, "synthetic", "", &found));
    mx_noted_free(noted);
    cr_assert_eq(mx_file_write(path, "{\"data", 6, NULL), 0);
    cr_assert(noted = mx_noted_read(folder, NULL));
    cr_expect_not(mx_noted_data(noted, "synthetic", "", &found));
    mx_noted_free(noted);
    free(path);
}

Test(provenance, reads_the_processor_from_its_flags)
{
    struct mx_machine machine = {0};

    mx_machine_cpuinfo("processor\t: 0\nmodel name\t: AMD EPYC 7B13\nflags\t\t: fpu fma avx avx2x "
                       "avx2\n\nprocessor\t: 1\nmodel name\t: other\n",
                       &machine);
    cr_expect_str_eq(machine.cpu, "AMD EPYC 7B13");
    cr_expect_str_eq(machine.flags, "avx avx2 fma");
    cr_expect_str_eq(machine.isa, "avx2");
    mx_machine_cpuinfo("flags: avx avx2 avx512f avx512bw", &machine);
    cr_expect_str_eq(machine.isa, "avx512");
    cr_expect_str_eq(machine.cpu, "");
    mx_machine_cpuinfo("", &machine);
    cr_expect_str_eq(machine.isa, "");
}
