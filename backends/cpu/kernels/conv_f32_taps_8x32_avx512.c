/// f32 convolution read in place, blocks of 8 filters x two runs of 16 results, fused multiply-add on 512-bit registers.
#include "table.h"

#if BITLINE_X86
#include <immintrin.h>

#include "activate_avx512.h"

/// `rows` and `runs` are constants at every call, so that the block stays in registers.
BITLINE_INLINE BITLINE_TARGET_AVX512 void block(const taps_f32_args *g, const int rows, const int runs) {
  __m512 sum[8][2];
  for (int i = 0; i < rows; i++) for (int v = 0; v < runs; v++) sum[i][v] = _mm512_set1_ps(g->start[i]);
  const float *a = g->a;
  for (int64_t k = 0; k < g->k; k++, a += 8) {
    __m512 column[2];
    for (int v = 0; v < runs; v++) column[v] = _mm512_loadu_ps(g->source[v] + g->taps[k]);
    for (int i = 0; i < rows; i++) {
      __m512 row = _mm512_set1_ps(a[i]);
      for (int v = 0; v < runs; v++) sum[i][v] = _mm512_fmadd_ps(row, column[v], sum[i][v]);
    }
  }
  for (int v = 0; v < runs; v++) {
    const __mmask16 mask = (__mmask16)(0xffffu >> (16 - g->cols[v]));
    for (int i = 0; i < rows; i++) {
      _mm512_mask_storeu_ps(g->c[v] + i * g->c_stride, mask, bitline_activate_avx512(g->activation, sum[i][v]));
    }
  }
}

#define CASE(rows)                           \
  case rows:                                 \
    if (g->cols[1] > 0) block(g, rows, 2);   \
    else block(g, rows, 1);                  \
    break;

BITLINE_TARGET_AVX512 void bitline_conv_f32_taps_8x32_avx512(const taps_f32_args *g) {
  switch (g->rows) { CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8) }
}
#endif
