/* cudnn_backend.h - what the files of the stand-in of cuDNN's backend share: its descriptors, here called parts, and
 * the table of their attributes. */
#ifndef FAKEGPU_CUDNN_BACKEND_H
#define FAKEGPU_CUDNN_BACKEND_H

#include "tests/fakegpu/cudnn_work.h"

enum {
    FAKE_ATTRIBUTES = 8, /* of a part, at most */
    FAKE_ELEMENTS = 8,   /* of an attribute, at most */
};

/* ---- cudnn_attributes.c ---- */

enum fake_use {
    FAKE_NEEDED, /* set before the part is finalised */
    FAKE_MAYBE,
    FAKE_TOLD /* by the library, afterwards */
};

/* What may be linked to an attribute, if that is not one type of descriptor. */
enum {
    FAKE_NOTHING = -1,
    FAKE_ANY_OPERATION = -2
};

struct fake_row {
    cudnnBackendDescriptorType_t of;
    cudnnBackendAttributeName_t  name;
    const char                  *text; /* the name */
    cudnnBackendAttributeType_t  type;
    int                          least, most; /* elements */
    enum fake_use                use;
    int                          link; /* which descriptors its elements are */
};

/* Words for a type; NULL: a type that this project does not make. */
const char            *fake_part_name(int type);
/* The rows of a type, one behind the other. */
const struct fake_row *fake_rows_of(cudnnBackendDescriptorType_t type, int *n);
/* NULL: there is none. */
const struct fake_row *fake_row_of(cudnnBackendDescriptorType_t type,
                                   cudnnBackendAttributeName_t  name);
const char *fake_row_text(cudnnBackendDescriptorType_t type, cudnnBackendAttributeName_t name);
size_t      fake_element_size(cudnnBackendAttributeType_t type);

/* ---- cudnn_backend.c: parts ---- */

struct fake_value {
    int64_t n; /* elements; 0: it was never set */
    _Alignas(8) char bytes[FAKE_ELEMENTS * 8];
};

/* The tensors of a graph that lie in memory. */
enum fake_role {
    FAKE_X,
    FAKE_W,
    FAKE_Y,
    FAKE_SUMMAND,
    FAKE_BIAS,
    FAKE_ROLES
};

struct fake_place {
    bool    used;
    int64_t id;
    size_t  align;
};

struct fake_part {
    cudnnBackendDescriptorType_t type;
    bool                         final;
    int                          held;                    /* living parts that refer to it */
    struct fake_value            values[FAKE_ATTRIBUTES]; /* in the order of its rows */

    /* Of finalised parts: */
    struct fake_tensor      tensor;             /* a tensor */
    struct fake_convolution convolution;        /* how windows lie */
    struct fake_work        work;               /* an operation of convolution, a graph */
    struct fake_place       places[FAKE_ROLES]; /* a graph */
    struct fake_part       *graph;              /* a configuration, an engine, a plan */
    int                     engine;             /* the same */
};

/* A part of one type, finalised, or a misuse. type: also FAKE_ANY_OPERATION. */
struct fake_part        *fake_part_of(const char *argument, const void *descriptor, int type);
/* The value of an attribute, NULL if it was never set; its elements. */
const struct fake_value *fake_value_of(const struct fake_part     *part,
                                       cudnnBackendAttributeName_t name);
int64_t     fake_integer_of(const struct fake_part *part, cudnnBackendAttributeName_t name, int k);
const void *fake_pointer_of(const struct fake_part *part, cudnnBackendAttributeName_t name, int k);
struct fake_part *fake_link_of(const struct fake_part *part, cudnnBackendAttributeName_t name,
                               int k);
/* Fill a part that a caller made, and did not finalise, with an engine for a graph. */
void fake_part_fill(const char *argument, void *descriptor, cudnnBackendDescriptorType_t type,
                    struct fake_part *graph, int engine);

/* ---- cudnn_operations.c: what is known once all is set ---- */

void fake_finalize_tensor(struct fake_part *part);
void fake_finalize_windows(struct fake_part *part);
void fake_finalize_pointwise(struct fake_part *part);
void fake_finalize_convolution(struct fake_part *part, enum fake_pass pass);
void fake_finalize_operation(struct fake_part *part);

bool fake_is_virtual(const struct fake_part *tensor);
/* Whether a tensor has one number for each channel of another. */
bool fake_is_one_a_channel(const struct fake_tensor *t, const struct fake_tensor *of);
/* x, w or y of a convolution. */
const struct fake_part *fake_tensor_of_pass(const struct fake_part *operation, enum fake_role role);

/* ---- cudnn_fusion.c ---- */

void fake_finalize_graph(struct fake_part *graph);

/* ---- cudnn_engines.c ---- */

/* An engine, and its notes of numbers up to -1. */
struct fake_engine {
    int                notes[3];
    bool               compiled, broken, greedy; /* when it runs; when a plan is made; for memory */
    bool               any_order, rough;         /* as in struct fake_work */
    enum fake_rounding rounding;
};

/* The engine of a configuration, an engine's descriptor or a plan; bytes of workspace that a plan wants. */
const struct fake_engine *fake_engine_of(const struct fake_part *part);
size_t                    fake_plan_workspace(const struct fake_part *plan);

void          fake_finalize_heuristic(struct fake_part *part);
cudnnStatus_t fake_finalize_plan(struct fake_part *part);
/* Write up to `room` elements of an attribute that the library tells; how many there are. */
int64_t fake_tell(struct fake_part *part, const struct fake_row *row, int64_t room, void *elements);

/* ---- cudnn_execute.c ---- */

void fake_finalize_pack(struct fake_part *part);

#endif
