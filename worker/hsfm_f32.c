/* hsfm_f32.c - HSFM in single precision. */
#include <math.h>

#define REAL     float
#define EXP      expf
#define X_OF(s)  ((s)->x32)
#define TYPED(x) x##_f32
#include "worker/hsfm_edit_body.h"
#include "worker/hsfm_form_body.h"
#include "worker/hsfm_run_body.h"
