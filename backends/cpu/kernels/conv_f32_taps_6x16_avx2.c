/// f32 convolution read in place, blocks of 6 filters x two runs of 8 results, fused multiply-add on 256-bit registers.
#include "table.h"

#if BITLINE_X86
#include <immintrin.h>

#include "activate_avx2.h"

/// `rows` and `runs` are constants at every call, so that the block stays in registers.
BITLINE_INLINE BITLINE_TARGET_AVX2 void block(const taps_f32_args *g, const int rows, const int runs) {
  const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  __m256 sum[6][2];
  for (int i = 0; i < rows; i++) for (int v = 0; v < runs; v++) sum[i][v] = _mm256_set1_ps(g->start[i]);
  const float *a = g->a;
  for (int64_t k = 0; k < g->k; k++, a += 6) {
    __m256 column[2];
    for (int v = 0; v < runs; v++) column[v] = _mm256_loadu_ps(g->source[v] + g->taps[k]);
    for (int i = 0; i < rows; i++) {
      __m256 row = _mm256_set1_ps(a[i]);
      for (int v = 0; v < runs; v++) sum[i][v] = _mm256_fmadd_ps(row, column[v], sum[i][v]);
    }
  }
  for (int v = 0; v < runs; v++) {
    const __m256i mask = _mm256_cmpgt_epi32(_mm256_set1_epi32(g->cols[v]), lanes);
    for (int i = 0; i < rows; i++) {
      _mm256_maskstore_ps(g->c[v] + i * g->c_stride, mask, bitline_activate_avx2(g->activation, sum[i][v]));
    }
  }
}

#define CASE(rows)                           \
  case rows:                                 \
    if (g->cols[1] > 0) block(g, rows, 2);   \
    else block(g, rows, 1);                  \
    break;

BITLINE_TARGET_AVX2 void bitline_conv_f32_taps_6x16_avx2(const taps_f32_args *g) {
  switch (g->rows) { CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) }
}
#endif
