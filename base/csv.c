#include "base/csv.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/num.h"

void mx_csv_plain(struct mx_csv *csv, const char *text)
{
    if (csv->comma)
        mx_buf_text(csv->out, ",");
    csv->comma = true;
    mx_buf_text(csv->out, text);
}

void mx_csv_text(struct mx_csv *csv, const char *text)
{
    if (!text[strcspn(text, ",\"\r\n")]) {
        mx_csv_plain(csv, text);
        return;
    }
    mx_csv_plain(csv, "\"");
    for (; *text; text++)
        mx_buf_add(csv->out, *text == '"' ? "\"\"" : text, *text == '"' ? 2 : 1);
    mx_buf_text(csv->out, "\"");
}

void mx_csv_real(struct mx_csv *csv, double x)
{
    char text[MX_NUM_SIZE];

    mx_csv_plain(csv, isnan(x) ? "" : mx_num_format(x, text));
}

void mx_csv_uint(struct mx_csv *csv, uint64_t n)
{
    mx_csv_plain(csv, "");
    mx_buf_uint(csv->out, n);
}

void mx_csv_utc(struct mx_csv *csv, double utc_s)
{
    char text[MX_UTC_SIZE];

    mx_csv_plain(csv, utc_s > 0 ? mx_clock_format_utc(utc_s, text) : "");
}

void mx_csv_end_line(struct mx_csv *csv)
{
    mx_buf_text(csv->out, "\n");
    csv->comma = false;
}
