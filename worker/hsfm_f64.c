/* hsfm_f64.c - HSFM in double precision. */
#include <math.h>

#define REAL     double
#define EXP      exp
#define X_OF(s)  ((s)->x64)
#define TYPED(x) x##_f64
#include "worker/hsfm_edit_body.h"
#include "worker/hsfm_form_body.h"
#include "worker/hsfm_run_body.h"
