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

#define UNROLL _Pragma("clang loop unroll(full)")

/// Rows `first` to `first + rows`. All but `first` are constants at every call, so that the block stays in registers: with readouts, totals
/// stand beside sums, so that there is room for half the rows.
BITLINE_INLINE BITLINE_TARGET_AVX512 void block(
  const gemm_u8b_args *g, const int first, const int rows, const int vectors, const int weights_in_columns, const int exact
) {
  const __mmask16 last = (__mmask16)(0xffffu >> (16 * vectors - g->cols));
  __m512i total[8][2], sum[8][2];
  UNROLL for (int i = 0; i < rows; i++) UNROLL for (int v = 0; v < vectors; v++) total[i][v] = _mm512_setzero_si512();
  const uint8_t *a = g->a + first * (weights_in_columns ? g->a_stride : 4), *b = g->b;
  const int32_t *start = g->start;
  for (int64_t tile = 0; tile < g->tiles; tile++) {
    UNROLL for (int i = 0; i < rows; i++) {
      UNROLL for (int v = 0; v < vectors; v++) {
        if (!start) sum[i][v] = _mm512_setzero_si512();
        else sum[i][v] = weights_in_columns ? _mm512_loadu_si512(start + 16 * v) : _mm512_set1_epi32(start[first + i]);
      }
    }
    if (start) start += weights_in_columns ? 32 : 8;
    for (int64_t word = tile == g->tiles - 1 ? g->last_words : g->tile_words; word > 0; word--) {
      __m512i column[2];
      UNROLL for (int v = 0; v < vectors; v++) column[v] = _mm512_loadu_si512(b + 64 * v);
      UNROLL for (int i = 0; i < rows; i++) {
        const __m512i row = broadcast_word(weights_in_columns ? a + i * g->a_stride : a + 4 * i);
        UNROLL for (int v = 0; v < vectors; v++) {
          sum[i][v] = weights_in_columns ? _mm512_dpbusd_epi32(sum[i][v], row, column[v]) : _mm512_dpbusd_epi32(sum[i][v], column[v], row);
        }
      }
      a += weights_in_columns ? 4 : 32;
      b += 128;
    }
    if (exact) break;
    UNROLL for (int i = 0; i < rows; i++) {
      UNROLL for (int v = 0; v < vectors; v++) total[i][v] = _mm512_add_epi32(total[i][v], read_out(g, sum[i][v]));
    }
  }
  UNROLL for (int i = 0; i < rows; i++) {
    UNROLL for (int v = 0; v < vectors; v++) {
      const __mmask16 mask = v == vectors - 1 ? last : (__mmask16)0xffff;
      _mm512_mask_storeu_epi32(g->c + (first + i) * g->c_stride + 16 * v, mask, exact ? sum[i][v] : total[i][v]);
    }
  }
}

#define CASE(rows, weights_in_columns, exact)                                       \
  case rows:                                                                        \
    if (g->cols > 16) block(g, first, rows, 2, weights_in_columns, exact);          \
    else block(g, first, rows, 1, weights_in_columns, exact);                       \
    break;
#define CASES(flag, exact) CASE(1, flag, exact) CASE(2, flag, exact) CASE(3, flag, exact) CASE(4, flag, exact)
#define MORE_CASES(flag) CASE(5, flag, 1) CASE(6, flag, 1) CASE(7, flag, 1) CASE(8, flag, 1)

#define GEMM(name, flag)                                                            \
  BITLINE_TARGET_AVX512 static void name##_exact(const gemm_u8b_args *g) {          \
    const int first = 0;                                                            \
    switch (g->rows) { CASES(flag, 1) MORE_CASES(flag) }                            \
  }                                                                                 \
  BITLINE_TARGET_AVX512 static void name##_read(const gemm_u8b_args *g, int first) { \
    switch (bitline_min(4, g->rows - first)) { CASES(flag, 0) }                     \
  }                                                                                 \
  BITLINE_TARGET_AVX512 void name(const gemm_u8b_args *g) {                         \
    if (g->limit == 0) name##_exact(g);                                             \
    else for (int first = 0; first < g->rows; first += 4) name##_read(g, first);    \
  }

GEMM(bitline_gemm_u8b_codes_in_columns_8x32_avx512, 0)
GEMM(bitline_gemm_u8b_weights_in_columns_8x32_avx512, 1)
#endif
