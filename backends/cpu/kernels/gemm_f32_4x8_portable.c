/// f32 product, blocks of 4 rows x 8 columns, plain C.
#include "table.h"

typedef float lanes __attribute__((vector_size(16)));

BITLINE_INLINE lanes load(const float *from) {
  lanes v;
  memcpy(&v, from, sizeof v);
  return v;
}

/// `rows` and `strided` are constants at every call, so that the block stays in registers.
BITLINE_INLINE void block(const gemm_f32_args *g, const int rows, const int strided) {
  lanes sum[4][2];
  for (int i = 0; i < rows; i++) {
    float start[8] = {0};
    for (int j = 0; j < 8; j++) {
      if (g->start) start[j] = strided ? g->start[j] : g->start[i];
      else if (j < g->cols) start[j] = g->c[i * g->c_stride + j];
    }
    sum[i][0] = load(start);
    sum[i][1] = load(start + 4);
  }
  const float *a = g->a, *b = g->b;
  for (int64_t k = g->k; k > 0; k--, a += strided ? 1 : 4, b += 8) {
    const lanes left = load(b), right = load(b + 4);
    for (int i = 0; i < rows; i++) {
      const float element = strided ? a[i * g->a_stride] : a[i];
      const lanes row = {element, element, element, element};
      sum[i][0] += row * left;
      sum[i][1] += row * right;
    }
  }
  for (int i = 0; i < rows; i++) {
    float result[8];
    memcpy(result, sum[i], sizeof result);
    for (int j = 0; j < g->cols; j++) g->c[i * g->c_stride + j] = bitline_activate(g->activation, result[j]);
  }
}

#define CASES(strided)                 \
  case 1: block(g, 1, strided); break; \
  case 2: block(g, 2, strided); break; \
  case 3: block(g, 3, strided); break; \
  case 4: block(g, 4, strided); break;

void bitline_gemm_f32_packed_rows_4x8_portable(const gemm_f32_args *g) {
  switch (g->rows) { CASES(0) }
}

void bitline_gemm_f32_strided_rows_4x8_portable(const gemm_f32_args *g) {
  switch (g->rows) { CASES(1) }
}
