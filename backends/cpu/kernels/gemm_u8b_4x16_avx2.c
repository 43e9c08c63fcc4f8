/// u8 codes x +-1 weights to tile sums, blocks of 4 rows x 16 columns, byte multiply-add on 256-bit registers.
#pragma STDC FP_CONTRACT OFF
#include "table.h"

#if BITLINE_X86
#include <immintrin.h>

/// A step adds at most 2 x 255 to a 16-bit lane, so 64 steps fit.
enum { STEPS_IN_16_BITS = 64 };

BITLINE_INLINE BITLINE_TARGET_AVX2 __m256i read_out(const gemm_u8b_args *g, __m256i sum) {
  __m256 p = _mm256_add_ps(_mm256_cvtepi32_ps(sum), _mm256_set1_ps(g->shift));
  p = g->inverse_lsb != 0 ? _mm256_mul_ps(p, _mm256_set1_ps(g->inverse_lsb)) : _mm256_div_ps(p, _mm256_set1_ps(g->lsb));
  p = _mm256_min_ps(_mm256_max_ps(p, _mm256_set1_ps(-g->limit)), _mm256_set1_ps(g->limit));
  return _mm256_cvtps_epi32(p);
}

BITLINE_INLINE BITLINE_TARGET_AVX2 __m256i broadcast_word(const uint8_t *word) {
  int32_t value;
  memcpy(&value, word, 4);
  return _mm256_set1_epi32(value);
}

/// `rows`, `vectors` and `weights_in_columns` are constants at every call, so that the block stays in registers.
BITLINE_INLINE BITLINE_TARGET_AVX2 void block(const gemm_u8b_args *g, const int rows, const int vectors, const int weights_in_columns) {
  const __m256i ones = _mm256_set1_epi16(1);
  const int exact = g->limit == 0;
  __m256i total[4][2];
  for (int i = 0; i < rows; i++) for (int v = 0; v < vectors; v++) total[i][v] = _mm256_setzero_si256();
  const uint8_t *a = g->a, *b = g->b;
  const int32_t *start = g->start;
  for (int64_t tile = 0; tile < g->tiles; tile++) {
    __m256i sum[4][2];
    for (int i = 0; i < rows; i++) {
      for (int v = 0; v < vectors; v++) {
        if (!start) sum[i][v] = _mm256_setzero_si256();
        else {
          sum[i][v] = weights_in_columns ? _mm256_loadu_si256((const __m256i *)(start + 8 * v)) : _mm256_set1_epi32(start[i]);
        }
      }
    }
    if (start) start += weights_in_columns ? 16 : 4;
    int64_t words = tile == g->tiles - 1 ? g->last_words : g->tile_words;
    while (words > 0) {
      int64_t steps = words < STEPS_IN_16_BITS ? words : STEPS_IN_16_BITS;
      words -= steps;
      __m256i pairs[4][2];
      for (int i = 0; i < rows; i++) for (int v = 0; v < vectors; v++) pairs[i][v] = _mm256_setzero_si256();
      for (; steps > 0; steps--) {
        __m256i column[2];
        for (int v = 0; v < vectors; v++) column[v] = _mm256_loadu_si256((const __m256i *)(b + 32 * v));
        for (int i = 0; i < rows; i++) {
          __m256i row = broadcast_word(weights_in_columns ? a + i * g->a_stride : a + 4 * i);
          for (int v = 0; v < vectors; v++) {
            __m256i products = weights_in_columns ? _mm256_maddubs_epi16(row, column[v]) : _mm256_maddubs_epi16(column[v], row);
            pairs[i][v] = _mm256_add_epi16(pairs[i][v], products);
          }
        }
        a += weights_in_columns ? 4 : 16;
        b += 64;
      }
      for (int i = 0; i < rows; i++) {
        for (int v = 0; v < vectors; v++) sum[i][v] = _mm256_add_epi32(sum[i][v], _mm256_madd_epi16(pairs[i][v], ones));
      }
    }
    for (int i = 0; i < rows; i++) {
      for (int v = 0; v < vectors; v++) total[i][v] = exact ? sum[i][v] : _mm256_add_epi32(total[i][v], read_out(g, sum[i][v]));
    }
  }
  const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  for (int i = 0; i < rows; i++) {
    for (int v = 0; v < vectors; v++) {
      int32_t *c = g->c + i * g->c_stride + 8 * v;
      _mm256_maskstore_epi32(c, _mm256_cmpgt_epi32(_mm256_set1_epi32(g->cols - 8 * v), lanes), total[i][v]);
    }
  }
}

#define CASE(rows, weights_in_columns)                                     \
  case rows:                                                               \
    if (g->cols > 8) block(g, rows, 2, weights_in_columns);                \
    else block(g, rows, 1, weights_in_columns);                            \
    break;
#define CASES(flag) CASE(1, flag) CASE(2, flag) CASE(3, flag) CASE(4, flag)

BITLINE_TARGET_AVX2 void bitline_gemm_u8b_codes_in_columns_4x16_avx2(const gemm_u8b_args *g) {
  switch (g->rows) { CASES(0) }
}

BITLINE_TARGET_AVX2 void bitline_gemm_u8b_weights_in_columns_4x16_avx2(const gemm_u8b_args *g) {
  switch (g->rows) { CASES(1) }
}
#endif
