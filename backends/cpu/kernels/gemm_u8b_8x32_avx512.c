/// u8 codes x +-1 weights to tile sums, blocks of 8 rows x 32 columns, VNNI on 512-bit registers.
#pragma STDC FP_CONTRACT OFF
#include "table.h"

#if BITLINE_X86
#include <immintrin.h>

BITLINE_INLINE BITLINE_TARGET_AVX512 __m512i read_out(const gemm_u8b_args *g, __m512i sum) {
  __m512 p = _mm512_add_ps(_mm512_cvtepi32_ps(sum), _mm512_set1_ps(g->shift));
  p = g->inverse_lsb != 0 ? _mm512_mul_ps(p, _mm512_set1_ps(g->inverse_lsb)) : _mm512_div_ps(p, _mm512_set1_ps(g->lsb));
  p = _mm512_min_ps(_mm512_max_ps(p, _mm512_set1_ps(-g->limit)), _mm512_set1_ps(g->limit));
  return _mm512_cvt_roundps_epi32(p, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

BITLINE_INLINE BITLINE_TARGET_AVX512 __m512i broadcast_word(const uint8_t *word) {
  int32_t value;
  memcpy(&value, word, 4);
  return _mm512_set1_epi32(value);
}

/// `rows`, `vectors` and `weights_in_columns` are constants at every call, so that the block stays in registers.
BITLINE_INLINE BITLINE_TARGET_AVX512 void block(const gemm_u8b_args *g, const int rows, const int vectors, const int weights_in_columns) {
  const __mmask16 last = (__mmask16)(0xffffu >> (16 * vectors - g->cols));
  const int exact = g->limit == 0;
  __m512i total[8][2];
  if (!exact) for (int i = 0; i < rows; i++) for (int v = 0; v < vectors; v++) total[i][v] = _mm512_setzero_si512();
  const uint8_t *a = g->a, *b = g->b;
  const int32_t *start = g->start;
  __m512i sum[8][2];
  for (int64_t tile = 0; tile < g->tiles; tile++) {
    for (int i = 0; i < rows; i++) {
      for (int v = 0; v < vectors; v++) {
        if (!start) sum[i][v] = _mm512_setzero_si512();
        else sum[i][v] = weights_in_columns ? _mm512_loadu_si512(start + 16 * v) : _mm512_set1_epi32(start[i]);
      }
    }
    if (start) start += weights_in_columns ? 32 : 8;
    for (int64_t word = tile == g->tiles - 1 ? g->last_words : g->tile_words; word > 0; word--) {
      __m512i column[2];
      for (int v = 0; v < vectors; v++) column[v] = _mm512_loadu_si512(b + 64 * v);
      for (int i = 0; i < rows; i++) {
        __m512i row = broadcast_word(weights_in_columns ? a + i * g->a_stride : a + 4 * i);
        for (int v = 0; v < vectors; v++) {
          sum[i][v] = weights_in_columns ? _mm512_dpbusd_epi32(sum[i][v], row, column[v]) : _mm512_dpbusd_epi32(sum[i][v], column[v], row);
        }
      }
      a += weights_in_columns ? 4 : 32;
      b += 128;
    }
    if (exact) break;
    for (int i = 0; i < rows; i++) {
      for (int v = 0; v < vectors; v++) total[i][v] = _mm512_add_epi32(total[i][v], read_out(g, sum[i][v]));
    }
  }
  for (int i = 0; i < rows; i++) {
    for (int v = 0; v < vectors; v++) {
      __mmask16 mask = v == vectors - 1 ? last : (__mmask16)0xffff;
      _mm512_mask_storeu_epi32(g->c + i * g->c_stride + 16 * v, mask, exact ? sum[i][v] : total[i][v]);
    }
  }
}

#define CASE(rows, weights_in_columns)                                     \
  case rows:                                                               \
    if (g->cols > 16) block(g, rows, 2, weights_in_columns);               \
    else block(g, rows, 1, weights_in_columns);                            \
    break;
#define CASES(flag) CASE(1, flag) CASE(2, flag) CASE(3, flag) CASE(4, flag) CASE(5, flag) CASE(6, flag) CASE(7, flag) CASE(8, flag)

BITLINE_TARGET_AVX512 void bitline_gemm_u8b_codes_in_columns_8x32_avx512(const gemm_u8b_args *g) {
  switch (g->rows) { CASES(0) }
}

BITLINE_TARGET_AVX512 void bitline_gemm_u8b_weights_in_columns_8x32_avx512(const gemm_u8b_args *g) {
  switch (g->rows) { CASES(1) }
}
#endif
