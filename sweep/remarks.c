#include "sweep/remarks.h"

void mx_remarks_format(const char *set, const struct worker_remarks *remarks, struct mx_buf *out)
{
    if (remarks->skipped > 0)
        mx_buf_printf(out, "%s: %u damaged file%s left out, the first: %s\n", set, remarks->skipped,
                      remarks->skipped == 1 ? "" : "s", remarks->first_skipped);
    if (remarks->turned > 0)
        mx_buf_printf(out,
                      "%s: %u photo%s marked to be turned (EXIF orientation), and taken as stored, "
                      "the first: %s\n",
                      set, remarks->turned, remarks->turned == 1 ? " is" : "s are",
                      remarks->first_turned);
    if (remarks->uncached[0])
        mx_buf_printf(out, "%s: every process decodes the images anew: %s\n", set,
                      remarks->uncached);
}
