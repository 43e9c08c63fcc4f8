/// f32 product, blocks of 8 rows x 32 columns, fused multiply-add on 512-bit registers.
#include "table.h"

#if BITLINE_X86
#include <immintrin.h>

#include "activate_avx512.h"

/// `rows`, `vectors` and `strided` are constants at every call, so that the block stays in registers.
BITLINE_INLINE BITLINE_TARGET_AVX512 void block(const gemm_f32_args *g, const int rows, const int vectors, const int strided) {
  const __mmask16 last = (__mmask16)(0xffffu >> (16 * vectors - g->cols));
  __m512 sum[8][2];
  for (int i = 0; i < rows; i++) {
    for (int v = 0; v < vectors; v++) {
      __mmask16 mask = v == vectors - 1 ? last : (__mmask16)0xffff;
      if (!g->start) {
        sum[i][v] = _mm512_maskz_loadu_ps(mask, g->c + i * g->c_stride + 16 * v);
      } else {
        sum[i][v] = strided ? _mm512_loadu_ps(g->start + 16 * v) : _mm512_set1_ps(g->start[i]);
      }
    }
  }
  const float *a = g->a, *b = g->b;
  for (int64_t k = g->k; k > 0; k--, a += strided ? 1 : 8, b += 32) {
    __m512 column[2];
    for (int v = 0; v < vectors; v++) column[v] = _mm512_loadu_ps(b + 16 * v);
    for (int i = 0; i < rows; i++) {
      __m512 row = _mm512_set1_ps(strided ? a[i * g->a_stride] : a[i]);
      for (int v = 0; v < vectors; v++) sum[i][v] = _mm512_fmadd_ps(row, column[v], sum[i][v]);
    }
  }
  for (int i = 0; i < rows; i++) {
    for (int v = 0; v < vectors; v++) {
      __mmask16 mask = v == vectors - 1 ? last : (__mmask16)0xffff;
      _mm512_mask_storeu_ps(g->c + i * g->c_stride + 16 * v, mask, bitline_activate_avx512(g->activation, sum[i][v]));
    }
  }
}

#define CASE(rows, strided)                                                \
  case rows:                                                               \
    if (g->cols > 16) block(g, rows, 2, strided);                          \
    else block(g, rows, 1, strided);                                       \
    break;
#define CASES(strided) \
  CASE(1, strided) CASE(2, strided) CASE(3, strided) CASE(4, strided) CASE(5, strided) CASE(6, strided) CASE(7, strided) CASE(8, strided)

BITLINE_TARGET_AVX512 void bitline_gemm_f32_packed_rows_8x32_avx512(const gemm_f32_args *g) {
  switch (g->rows) { CASES(0) }
}

BITLINE_TARGET_AVX512 void bitline_gemm_f32_strided_rows_8x32_avx512(const gemm_f32_args *g) {
  switch (g->rows) { CASES(1) }
}
#endif
