#include "r_glm.h"

#include <string.h>

enum { DONE = 0, OUTSIDE = 1, FAILED = 2 };

typedef struct question {
  const sp_rg_family *family;
  ptrdiff_t n;
  const double *eta, *y;
  double mean;
  double *out[4];
  int answer;
} question;

/* Everything that may raise an R error or run user code. */
static SEXP ask_rows(void *data) {
  question *q = data;
  SEXP eta = PROTECT(Rf_allocVector(REALSXP, q->n)), y = PROTECT(Rf_allocVector(REALSXP, q->n));
  memcpy(REAL(eta), q->eta, (size_t)q->n * sizeof(double));
  memcpy(REAL(y), q->y, (size_t)q->n * sizeof(double));
  SEXP loss = PROTECT(Rf_ScalarLogical(q->out[0] != NULL));
  SEXP call = PROTECT(Rf_lang4(q->family->evaluate, eta, y, loss)), value = PROTECT(Rf_eval(call, R_GlobalEnv));
  q->answer = value == R_NilValue ? OUTSIDE : FAILED;
  if (TYPEOF(value) == VECSXP && Rf_length(value) == 4) {
    q->answer = DONE;
    for (int k = 0; k < 4; k++) {
      SEXP v = VECTOR_ELT(value, k);
      if (!q->out[k]) continue;
      if (TYPEOF(v) == REALSXP && Rf_xlength(v) == q->n) memcpy(q->out[k], REAL_RO(v), (size_t)q->n * sizeof(double));
      else q->answer = FAILED;
    }
  }
  UNPROTECT(5);
  return R_NilValue;
}

static SEXP ask_link(void *data) {
  question *q = data;
  SEXP mean = PROTECT(Rf_ScalarReal(q->mean)), call = PROTECT(Rf_lang2(q->family->link, mean));
  SEXP value = PROTECT(Rf_eval(call, R_GlobalEnv));
  q->answer = value == R_NilValue ? OUTSIDE : FAILED;
  if (TYPEOF(value) == REALSXP && Rf_length(value) == 1) {
    *q->out[0] = REAL_RO(value)[0];
    q->answer = DONE;
  }
  UNPROTECT(3);
  return R_NilValue;
}

static int ask(question *q, SEXP (*fn)(void *)) {
  q->answer = FAILED;
  return sp_rc_protected(q->family->host, fn, q) ? q->answer : FAILED;
}

static int evaluate(void *data, ptrdiff_t n, const double *eta, const double *y, double *loss, double *score, double *curvature,
                    double *expected) {
  question q = {.family = data, .n = n, .eta = eta, .y = y, .out = {loss, score, curvature, expected}};
  return ask(&q, ask_rows);
}

static int link_of(void *data, double mean, double *eta) {
  question q = {.family = data, .mean = mean, .out = {eta}};
  return ask(&q, ask_link);
}

void sp_rg_family_init(sp_rg_family *f, SEXP glm, sp_rc_host *host) {
  if (glm == R_NilValue) return;
  f->evaluate = sp_rc_get(glm, "evaluate");
  f->link = sp_rc_get(glm, "link");
  f->host = host;
  f->ops.data = f;
  f->ops.evaluate = evaluate;
  f->ops.link = link_of;
}
