/// f32 product, blocks of 6 rows x 16 columns, fused multiply-add on 128-bit registers.
#include "table.h"

#if BITLINE_ARM
#include <arm_neon.h>

#include "activate_neon.h"

/// `rows`, `vectors` and `strided` are constants at every call, so that the block stays in registers: 24 for sums.
BITLINE_INLINE void block(const gemm_f32_args *g, const int rows, const int vectors, const int strided) {
  float32x4_t sum[6][4];
  const int last = g->cols - 4 * (vectors - 1);
  for (int i = 0; i < rows; i++) {
    for (int v = 0; v < vectors; v++) {
      const float *c = g->c + i * g->c_stride + 4 * v;
      if (!g->start) sum[i][v] = v == vectors - 1 ? bitline_load_some_neon(c, last) : vld1q_f32(c);
      else sum[i][v] = strided ? vld1q_f32(g->start + 4 * v) : vdupq_n_f32(g->start[i]);
    }
  }
  const float *a = g->a, *b = g->b;
  for (int64_t k = g->k; k > 0; k--, a += strided ? 1 : 6, b += 16) {
    float32x4_t column[4];
    for (int v = 0; v < vectors; v++) column[v] = vld1q_f32(b + 4 * v);
    for (int i = 0; i < rows; i++) {
      const float row = strided ? a[i * g->a_stride] : a[i];
      for (int v = 0; v < vectors; v++) sum[i][v] = vfmaq_n_f32(sum[i][v], column[v], row);
    }
  }
  for (int i = 0; i < rows; i++) {
    for (int v = 0; v < vectors; v++) {
      float *c = g->c + i * g->c_stride + 4 * v;
      const float32x4_t result = bitline_activate_neon(g->activation, sum[i][v]);
      if (v == vectors - 1) bitline_store_some_neon(c, result, last);
      else vst1q_f32(c, result);
    }
  }
}

#define CASE(rows, strided)                                                \
  case rows:                                                               \
    switch ((g->cols + 3) / 4) {                                           \
    case 1: block(g, rows, 1, strided); break;                             \
    case 2: block(g, rows, 2, strided); break;                             \
    case 3: block(g, rows, 3, strided); break;                             \
    default: block(g, rows, 4, strided);                                   \
    }                                                                      \
    break;
#define CASES(strided) CASE(1, strided) CASE(2, strided) CASE(3, strided) CASE(4, strided) CASE(5, strided) CASE(6, strided)

void bitline_gemm_f32_packed_rows_6x16_neon(const gemm_f32_args *g) {
  switch (g->rows) { CASES(0) }
}

void bitline_gemm_f32_strided_rows_6x16_neon(const gemm_f32_args *g) {
  switch (g->rows) { CASES(1) }
}
#endif
