/// f32 product, blocks of 6 rows x 16 columns, fused multiply-add on 256-bit registers.
#include "table.h"

#if BITLINE_X86
#include <immintrin.h>

#include "activate_avx2.h"

/// `rows`, `vectors` and `strided` are constants at every call, so that the block stays in registers.
BITLINE_INLINE BITLINE_TARGET_AVX2 void block(const gemm_f32_args *g, const int rows, const int vectors, const int strided) {
  const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  const __m256i last = _mm256_cmpgt_epi32(_mm256_set1_epi32(g->cols - 8 * (vectors - 1)), lanes);
  __m256 sum[6][2];
  for (int i = 0; i < rows; i++) {
    for (int v = 0; v < vectors; v++) {
      const float *c = g->c + i * g->c_stride + 8 * v;
      if (!g->start) {
        sum[i][v] = v == vectors - 1 ? _mm256_maskload_ps(c, last) : _mm256_loadu_ps(c);
      } else {
        sum[i][v] = strided ? _mm256_loadu_ps(g->start + 8 * v) : _mm256_set1_ps(g->start[i]);
      }
    }
  }
  const float *a = g->a, *b = g->b;
  for (int64_t k = g->k; k > 0; k--, a += strided ? 1 : 6, b += 16) {
    __m256 column[2];
    for (int v = 0; v < vectors; v++) column[v] = _mm256_loadu_ps(b + 8 * v);
    for (int i = 0; i < rows; i++) {
      __m256 row = _mm256_set1_ps(strided ? a[i * g->a_stride] : a[i]);
      for (int v = 0; v < vectors; v++) sum[i][v] = _mm256_fmadd_ps(row, column[v], sum[i][v]);
    }
  }
  for (int i = 0; i < rows; i++) {
    for (int v = 0; v < vectors; v++) {
      float *c = g->c + i * g->c_stride + 8 * v;
      __m256 result = bitline_activate_avx2(g->activation, sum[i][v]);
      if (v == vectors - 1) _mm256_maskstore_ps(c, last, result);
      else _mm256_storeu_ps(c, result);
    }
  }
}

#define CASE(rows, strided)                                                \
  case rows:                                                               \
    if (g->cols > 8) block(g, rows, 2, strided);                           \
    else block(g, rows, 1, strided);                                       \
    break;
#define CASES(strided) CASE(1, strided) CASE(2, strided) CASE(3, strided) CASE(4, strided) CASE(5, strided) CASE(6, strided)

BITLINE_TARGET_AVX2 void bitline_gemm_f32_packed_rows_6x16_avx2(const gemm_f32_args *g) {
  switch (g->rows) { CASES(0) }
}

BITLINE_TARGET_AVX2 void bitline_gemm_f32_strided_rows_6x16_avx2(const gemm_f32_args *g) {
  switch (g->rows) { CASES(1) }
}
#endif
