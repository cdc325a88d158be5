#include "sweep/gpu_use.h"

#include <math.h>

static const double joules_of_kwh = 3.6e6;

void mx_gpu_use_add(struct mx_gpu_use *sum, const struct mx_gpu_use *use)
{
    if (!use->known)
        return;
    if (!sum->known)
        sum->energy_j = NAN;
    sum->known = true;
    sum->seconds += use->seconds;
    if (isfinite(use->energy_j))
        sum->energy_j = (isfinite(sum->energy_j) ? sum->energy_j : 0) + use->energy_j;
}

void mx_gpu_use_join(struct mx_gpu_use *whole, const struct mx_gpu_use *part)
{
    if (!part->known)
        return;
    whole->known = true;
    whole->seconds += part->seconds;
    whole->energy_j += part->energy_j;
}

double mx_gpu_use_hours(const struct mx_gpu_use *use)
{
    return use->known ? use->seconds / 3600 : NAN;
}

double mx_gpu_use_energy_j(const struct mx_gpu_use *use)
{
    return use->known ? use->energy_j : NAN;
}

void mx_gpu_use_text(const struct mx_gpu_use *use, struct mx_buf *out)
{
    const double kwh = use->energy_j / joules_of_kwh;

    if (!use->known)
        return;
    mx_buf_printf(out, "%.3g GPU hours", use->seconds / 3600);
    if (isfinite(kwh))
        mx_buf_printf(out, kwh < 1 ? ", %.3g Wh" : ", %.3g kWh", kwh < 1 ? 1000 * kwh : kwh);
}

void mx_gpu_use_put(struct mx_buf *out, const struct mx_gpu_use *use)
{
    mx_put_u8(out, use->known);
    mx_put_real(out, use->seconds);
    mx_put_real(out, use->energy_j);
}

void mx_gpu_use_take(struct mx_wire *wire, struct mx_gpu_use *use)
{
    use->known = mx_take_u8(wire) != 0;
    use->seconds = mx_take_real(wire);
    use->energy_j = mx_take_real(wire);
}
