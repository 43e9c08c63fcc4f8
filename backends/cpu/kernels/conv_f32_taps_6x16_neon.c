/// f32 convolution read in place, blocks of 6 filters x two runs of 8 results, fused multiply-add on 128-bit registers.
#include "table.h"

#if BITLINE_ARM
#include <arm_neon.h>

#include "activate_neon.h"

/// `rows` and `runs` are constants at every call, so that the block stays in registers.
BITLINE_INLINE void block(const taps_f32_args *g, const int rows, const int runs) {
  float32x4_t sum[6][4];
  for (int i = 0; i < rows; i++) for (int v = 0; v < 2 * runs; v++) sum[i][v] = vdupq_n_f32(g->start[i]);
  const float *a = g->a;
  for (int64_t k = 0; k < g->k; k++, a += 6) {
    float32x4_t column[4];
    for (int v = 0; v < 2 * runs; v++) column[v] = vld1q_f32(g->source[v / 2] + g->taps[k] + v % 2 * 4);
    for (int i = 0; i < rows; i++) for (int v = 0; v < 2 * runs; v++) sum[i][v] = vfmaq_n_f32(sum[i][v], column[v], a[i]);
  }
  for (int v = 0; v < 2 * runs; v++) {
    const int count = g->cols[v / 2] - v % 2 * 4;
    for (int i = 0; i < rows; i++) {
      float *c = g->c[v / 2] + i * g->c_stride + v % 2 * 4;
      bitline_store_some_neon(c, bitline_activate_neon(g->activation, sum[i][v]), count);
    }
  }
}

#define CASE(rows)                           \
  case rows:                                 \
    if (g->cols[1] > 0) block(g, rows, 2);   \
    else block(g, rows, 1);                  \
    break;

void bitline_conv_f32_taps_6x16_neon(const taps_f32_args *g) {
  switch (g->rows) { CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) }
}
#endif
