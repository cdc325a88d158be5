#include "sweep/provenance.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/num.h"
#include "sweep/machine.h"
#include "sweep/outdir.h"

#ifdef __clang__
#define COMPILER __VERSION__
#else
#define COMPILER "GCC " __VERSION__
#endif

enum {
    MAX_BYTES = 64 << 20
};

/* A float with the digits that a float needs: .286, not .28600001335144043. */
static double as_written(float x)
{
    char   text[MX_NUM_SIZE];
    double value = (double)x;

    for (int digits = 6; digits <= 9; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, (double)x);
        if (strtof(text, NULL) == x)
            break;
    }
    mx_num_parse_real(text, &value);
    return value;
}

static void put_floats(struct mx_json *json, const char *key, const float *values, size_t n)
{
    mx_json_array(json, key);
    for (size_t k = 0; k < n; k++)
        mx_json_real(json, NULL, as_written(values[k]));
    mx_json_end_array(json);
}

static void put_data(struct mx_json *json, const struct mx_provenance_data *data)
{
    char hex[MX_HASH64_HEX];

    mx_json_object(json, NULL);
    mx_json_text(json, "set", data->set);
    mx_json_text(json, "path", data->path);
    mx_json_text(json, "fingerprint", mx_hash64_hex(data->fingerprint, hex));
    if (data->channels > 0) {
        put_floats(json, "mean", data->mean, data->channels);
        put_floats(json, "sd", data->sd, data->channels);
    }
    mx_json_end_object(json);
}

static void put_files(struct mx_json *json, const struct mx_provenance *provenance)
{
    char hex[MX_HASH64_HEX];

    mx_json_array(json, "files");
    for (size_t k = 0; k < provenance->nfiles; k++) {
        mx_json_object(json, NULL);
        mx_json_text(json, "path", provenance->files[k].path);
        mx_json_text(json, "fingerprint", mx_hash64_hex(provenance->files[k].fingerprint, hex));
        mx_json_end_object(json);
    }
    mx_json_end_array(json);
}

static void put_form(struct mx_json *json, const struct mx_provenance_form *form)
{
    mx_json_object(json, NULL);
    mx_json_text(json, "set", form->set);
    mx_json_text(json, "arch", form->arch);
    mx_json_uint(json, "features", form->dims);
    mx_json_uint(json, "classes", form->classes);
    mx_json_uint(json, "support_per_class", form->support_per_class);
    mx_json_uint(json, "inner_steps", form->inner_steps);
    mx_json_text(json, "form", form->form);
    mx_json_bool(json, "auto", form->chosen);
    mx_json_end_object(json);
}

static void put_machine(struct mx_json *json)
{
    struct mx_machine machine;

    mx_machine_look(&machine);
    mx_json_text(json, "host", machine.host);
    mx_json_text(json, "kernel", machine.kernel);
    mx_json_text(json, "architecture", machine.architecture);
    mx_json_object(json, "cpu");
    mx_json_text(json, "model", machine.cpu);
    mx_json_text(json, "isa", machine.isa);
    mx_json_text(json, "flags", machine.flags);
    mx_json_uint(json, "usable", machine.cpus);
    mx_json_end_object(json);
}

static void put_libraries(struct mx_json *json, const struct mx_provenance *provenance)
{
    mx_json_object(json, "libraries");
    for (size_t k = 0; k < provenance->nlibraries; k++)
        mx_json_text(json, provenance->libraries[k].name, provenance->libraries[k].version);
    mx_json_text(json, "jansson", JANSSON_VERSION);
    mx_json_text(json, "libyaml", yaml_get_version_string());
    mx_json_end_object(json);
}

static void put_incarnation(struct mx_json *json, const struct mx_provenance *provenance)
{
    char utc[MX_UTC_SIZE];

    mx_json_object(json, NULL);
    mx_json_uint(json, "incarnation", provenance->incarnation);
    mx_json_text(json, "started", mx_clock_format_utc(provenance->started_utc_s, utc));
    mx_json_text(json, "version", MX_VERSION);
    mx_json_text(json, "compiler", COMPILER);
    mx_json_array(json, "command");
    for (size_t k = 0; k < provenance->ncommand; k++)
        mx_json_text(json, NULL, provenance->command[k]);
    mx_json_end_array(json);
    mx_json_text(json, "device", provenance->device);
    put_machine(json);
    put_libraries(json, provenance);
    mx_json_end_object(json);
}

/* The incarnations that are on record, as they are. */
static void put_earlier(struct mx_json *json, const json_t *root)
{
    const json_t *list = json_object_get(root, "incarnations");

    for (size_t k = 0; k < json_array_size(list); k++) {
        char *text = json_dumps(json_array_get(list, k), JSON_COMPACT);

        if (!text) {
            json->out->failed = true;
            return;
        }
        if (json->comma)
            mx_buf_text(json->out, ",");
        mx_buf_text(json->out, text);
        json->comma = true;
        free(text);
    }
}

static void put_all(struct mx_buf *out, const struct mx_provenance *provenance, const json_t *root)
{
    struct mx_json json = {.out = out};
    char           hex[MX_HASH64_HEX];

    mx_json_object(&json, NULL);
    mx_json_text(&json, "name", provenance->name);
    mx_json_text(&json, "version", MX_VERSION);
    mx_json_text(&json, "config_xxh3",
                 mx_hash64_hex(mx_hash64(provenance->config, strlen(provenance->config)), hex));
    mx_json_uint(&json, "seed", provenance->seed);
    mx_json_array(&json, "data");
    for (size_t k = 0; k < provenance->ndata; k++)
        put_data(&json, &provenance->data[k]);
    mx_json_end_array(&json);
    put_files(&json, provenance);
    if (provenance->nforms > 0) {
        mx_json_array(&json, "hsfm_forms");
        for (size_t k = 0; k < provenance->nforms; k++)
            put_form(&json, &provenance->forms[k]);
        mx_json_end_array(&json);
    }
    mx_json_array(&json, "incarnations");
    put_earlier(&json, root);
    put_incarnation(&json, provenance);
    mx_json_end_array(&json);
    mx_json_end_object(&json);
    mx_buf_text(out, "\n");
}

int mx_provenance_write(const char *directory, const struct mx_provenance *provenance,
                        struct mx_err *err)
{
    char         *path = mx_path_join(directory, "provenance.json");
    struct mx_buf text = {0};
    json_t       *root = NULL;
    int           rc = -1;

    if (!path) {
        mx_fail(err, MX_ENOMEM, "no memory to write provenance.json in %s", directory);
        goto done;
    }
    if (mx_file_exists(path)) {
        if (mx_file_read(path, MAX_BYTES, &text, err))
            goto done;
        root = json_loadb(mx_buf_str(&text), text.len, 0, NULL);
    }
    mx_buf_clear(&text);
    put_all(&text, provenance, root);
    rc = mx_outdir_write(directory, "provenance.json", &text, err);
done:
    json_decref(root);
    mx_buf_free(&text);
    free(path);
    return rc;
}
