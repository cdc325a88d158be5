#include "sweep/event_file.h"

#include "base/crc32c.h"

/* Wire types of protocol buffers. */
enum {
    VARINT = 0,
    FIXED64 = 1,
    BYTES = 2,
    FIXED32 = 5,
};

static void put_varint(struct mx_buf *out, uint64_t n)
{
    unsigned char bytes[10];
    size_t        len = 0;

    do {
        bytes[len++] = (unsigned char)((n & 127) | (n > 127 ? 128 : 0));
        n >>= 7;
    } while (n > 0);
    mx_buf_add(out, bytes, len);
}

static void put_little(struct mx_buf *out, uint64_t n, int len)
{
    unsigned char bytes[8];

    for (int k = 0; k < len; k++)
        bytes[k] = (unsigned char)(n >> 8 * k & 255);
    mx_buf_add(out, bytes, (size_t)len);
}

static void put_tag(struct mx_buf *out, unsigned field, unsigned type)
{
    put_varint(out, (uint64_t)field << 3 | type);
}

static void put_integer(struct mx_buf *out, unsigned field, uint64_t n)
{
    put_tag(out, field, VARINT);
    put_varint(out, n);
}

static void put_double(struct mx_buf *out, unsigned field, double x)
{
    uint64_t bits;

    memcpy(&bits, &x, sizeof bits);
    put_tag(out, field, FIXED64);
    put_little(out, bits, 8);
}

static void put_bytes(struct mx_buf *out, unsigned field, const void *data, size_t len)
{
    put_tag(out, field, BYTES);
    put_varint(out, len);
    mx_buf_add(out, data, len);
}

static void put_text(struct mx_buf *out, unsigned field, const char *text)
{
    put_bytes(out, field, text, strlen(text));
}

/* A message inside another; it is emptied. */
static void put_message(struct mx_buf *out, unsigned field, struct mx_buf *message)
{
    put_bytes(out, field, message->data, message->len);
    out->failed |= message->failed;
    mx_buf_free(message);
}

static void put_checksum(struct mx_buf *out, const void *data, size_t len)
{
    const uint32_t crc = mx_crc32c(data, len);

    put_little(out, ((crc >> 15 | crc << 17) + 0xa282ead8) & 0xffffffff, 4);
}

/* A record; the event is emptied. */
static void put_record(struct mx_buf *out, struct mx_buf *event)
{
    struct mx_buf length = {0};

    put_little(&length, event->len, 8);
    mx_buf_add(out, length.data, length.len);
    put_checksum(out, length.data, length.len);
    mx_buf_add(out, event->data, event->len);
    put_checksum(out, event->data, event->len);
    out->failed |= event->failed || length.failed;
    mx_buf_free(&length);
    mx_buf_free(event);
}

void mx_event_begin(double utc_s, struct mx_buf *out)
{
    struct mx_buf event = {0};

    put_double(&event, 1, utc_s);
    put_text(&event, 3, "brain.Event:2");
    put_record(out, &event);
}

/* SummaryMetadata: whose data it is, of the class of tensors (2). */
static void put_metadata(struct mx_buf *value, const char *plugin, struct mx_buf *content)
{
    struct mx_buf data = {0}, metadata = {0};

    put_text(&data, 1, plugin);
    put_message(&data, 2, content);
    put_message(&metadata, 1, &data);
    put_integer(&metadata, 4, 2);
    put_message(value, 9, &metadata);
}

/* Event{summary{value}}; the value is emptied. */
static void put_summary(double utc_s, int64_t step, struct mx_buf *value, struct mx_buf *out)
{
    struct mx_buf event = {0}, summary = {0};

    put_message(&summary, 1, value);
    put_double(&event, 1, utc_s);
    put_integer(&event, 2, (uint64_t)step);
    put_message(&event, 5, &summary);
    put_record(out, &event);
}

void mx_event_scalar(double utc_s, int64_t step, const char *tag, double number, struct mx_buf *out)
{
    struct mx_buf value = {0};
    const float   nearest = (float)number;
    uint32_t      bits;

    memcpy(&bits, &nearest, sizeof bits);
    put_text(&value, 1, tag);
    put_tag(&value, 2, FIXED32); /* simple_value */
    put_little(&value, bits, 4);
    put_summary(utc_s, step, &value, out);
}

/* What the plugin of hyperparameters reads: HParamsPluginData with one part, beside a tensor
 * that means nothing. */
static void put_hparams(double utc_s, const char *tag, unsigned field, struct mx_buf *part,
                        struct mx_buf *out)
{
    enum {
        DT_FLOAT = 1
    };
    static const unsigned char zero[4] = {0};
    struct mx_buf              value = {0}, content = {0}, tensor = {0}, shape = {0}, dim = {0};

    put_message(&content, field, part);
    put_text(&value, 1, tag);
    put_integer(&tensor, 1, DT_FLOAT);
    put_integer(&dim, 1, 1);
    put_message(&shape, 2, &dim);
    put_message(&tensor, 2, &shape);
    put_bytes(&tensor, 5, zero, sizeof zero);
    put_message(&value, 8, &tensor);
    put_metadata(&value, "hparams", &content);
    put_summary(utc_s, 0, &value, out);
}

void mx_event_add_hparam(struct mx_buf *experiment, const char *name, int kind)
{
    static const unsigned types[] = {
        [MX_EVENT_NUMBER] = 3, [MX_EVENT_BOOL] = 2, [MX_EVENT_TEXT] = 1};
    struct mx_buf info = {0};

    put_text(&info, 1, name);
    put_integer(&info, 4, types[kind]);
    put_message(experiment, 4, &info);
}

void mx_event_add_metric(struct mx_buf *experiment, const char *name)
{
    struct mx_buf info = {0}, full = {0};

    put_text(&full, 2, name);
    put_message(&info, 1, &full);
    put_message(experiment, 5, &info);
}

void mx_event_experiment(double utc_s, const char *name, const struct mx_buf *experiment,
                         struct mx_buf *out)
{
    struct mx_buf part = {0};

    put_text(&part, 6, name);
    put_double(&part, 3, utc_s);
    mx_buf_add(&part, experiment->data, experiment->len);
    part.failed |= experiment->failed;
    put_hparams(utc_s, "_hparams_/experiment", 2, &part, out);
}

void mx_event_add_value(struct mx_buf *session, const char *name,
                        const struct mx_event_value *value)
{
    struct mx_buf entry = {0}, inner = {0};

    if (value->kind == MX_EVENT_NUMBER)
        put_double(&inner, 2, value->number);
    else if (value->kind == MX_EVENT_BOOL)
        put_integer(&inner, 4, value->boolean);
    else
        put_text(&inner, 3, value->text);
    put_text(&entry, 1, name);
    put_message(&entry, 2, &inner);
    put_message(session, 1, &entry);
}

void mx_event_session(double utc_s, const char *group, const struct mx_buf *session,
                      struct mx_buf *out)
{
    struct mx_buf part = {0};

    mx_buf_add(&part, session->data, session->len);
    part.failed |= session->failed;
    put_text(&part, 4, group);
    put_double(&part, 5, utc_s);
    put_hparams(utc_s, "_hparams_/session_start_info", 3, &part, out);
}

void mx_event_session_end(double utc_s, enum mx_event_status status, struct mx_buf *out)
{
    struct mx_buf part = {0};

    put_integer(&part, 1, (uint64_t)status);
    put_double(&part, 2, utc_s);
    put_hparams(utc_s, "_hparams_/session_end_info", 4, &part, out);
}
