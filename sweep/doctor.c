#include "sweep/doctor.h"

#include <stdio.h>

#include "base/json.h"
#include "sweep/usage.h"

const char *const mx_health_words[] = {"ok", "warn", "fail", "absent"};

struct mx_doctor_check *mx_doctor_add(struct mx_doctor *doctor, const char *name)
{
    struct mx_doctor_check *check = &doctor->checks[doctor->n];

    if (doctor->n + 1 < MX_DOCTOR_CHECKS)
        doctor->n++;
    *check = (struct mx_doctor_check){.health = MX_HEALTH_OK};
    snprintf(check->name, sizeof check->name, "%s", name);
    return check;
}

void mx_doctor_look(struct mx_doctor *doctor)
{
    doctor->n = 0;
    mx_doctor_machine(doctor);
    mx_doctor_software(doctor);
    mx_doctor_gpus(doctor);
}

enum mx_health mx_doctor_worst(const struct mx_doctor *doctor)
{
    enum mx_health worst = MX_HEALTH_OK;

    for (size_t k = 0; k < doctor->n; k++)
        if (doctor->checks[k].health != MX_HEALTH_ABSENT && doctor->checks[k].health > worst)
            worst = doctor->checks[k].health;
    return worst;
}

void mx_doctor_text(const struct mx_doctor *doctor, struct mx_buf *out)
{
    enum {
        INDENT = 22
    };

    for (size_t k = 0; k < doctor->n; k++) {
        const struct mx_doctor_check *check = &doctor->checks[k];

        mx_buf_printf(out, "%-7s %-13s ", mx_health_words[check->health], check->name);
        mx_usage_wrap(check->text, INDENT, INDENT, MX_USAGE_WIDTH, out);
        mx_buf_text(out, "\n");
        if (check->hint[0]) {
            mx_buf_printf(out, "%*s", INDENT, "");
            mx_usage_wrap(check->hint, INDENT, INDENT, MX_USAGE_WIDTH, out);
            mx_buf_text(out, "\n");
        }
    }
}

void mx_doctor_json(const struct mx_doctor *doctor, struct mx_buf *out)
{
    struct mx_json json = {.out = out};

    mx_json_object(&json, NULL);
    mx_json_array(&json, "checks");
    for (size_t k = 0; k < doctor->n; k++) {
        const struct mx_doctor_check *check = &doctor->checks[k];

        mx_json_object(&json, NULL);
        mx_json_text(&json, "name", check->name);
        mx_json_text(&json, "state", mx_health_words[check->health]);
        mx_json_text(&json, "text", check->text);
        mx_json_text(&json, "hint", check->hint[0] ? check->hint : NULL);
        mx_json_end_object(&json);
    }
    mx_json_end_array(&json);
    mx_json_end_object(&json);
    mx_buf_text(out, "\n");
}
