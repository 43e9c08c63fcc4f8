/// The table of the avx2 level.
#if defined(__x86_64__)
#define BITLINE_LEVEL(name) name##_avx2
#define BITLINE_TARGET BITLINE_TARGET_AVX2
#define BITLINE_F32_COLS 16
#define BITLINE_F64_ROWS 2
#define BITLINE_F32_CHUNK 8
#define BITLINE_U8B_COLS 16
#define BITLINE_U8_CHUNK 16
#define BITLINE_BLOCK_MAX_ROWS 6
#define BITLINE_BLOCK_CASES_1 \
  BITLINE_BLOCK_CASE(1) BITLINE_BLOCK_CASE(2) BITLINE_BLOCK_CASE(3) BITLINE_BLOCK_CASE(4) BITLINE_BLOCK_CASE(5) BITLINE_BLOCK_CASE(6)
#define BITLINE_MULTIPLY_ADD(a, b, c) __builtin_elementwise_fma(a, b, c)
#include "rows.h"

#include <immintrin.h>

#include "blocked.h"

/// `sum + DOT` over both halves of sixteen words.
#define BITLINE_DOT_HALVES(name, DOT)                                                       \
  BITLINE_INLINE BITLINE_TARGET v16i name(v16i sum, v16i codes, v16i weights) {             \
    __m256i a[2], b[2];                                                                     \
    memcpy(a, &codes, 64);                                                                  \
    memcpy(b, &weights, 64);                                                                \
    for (int i = 0; i < 2; i++) a[i] = DOT(a[i], b[i]);                                     \
    v16i products;                                                                          \
    memcpy(&products, a, 64);                                                               \
    return sum + products;                                                                  \
  }

/// Weights are at most 9 in magnitude, so that no pair of products leaves i16.
BITLINE_INLINE BITLINE_TARGET __m256i bitline_dot4_small_half(__m256i codes, __m256i weights) {
  return _mm256_madd_epi16(_mm256_maddubs_epi16(codes, weights), _mm256_set1_epi16(1));
}

/// Even and odd bytes apart, as i16.
BITLINE_INLINE BITLINE_TARGET __m256i bitline_dot4_half(__m256i codes, __m256i weights) {
  const __m256i even_weights = _mm256_srai_epi16(_mm256_slli_epi16(weights, 8), 8);
  const __m256i even = _mm256_madd_epi16(_mm256_and_si256(codes, _mm256_set1_epi16(0xff)), even_weights);
  return _mm256_add_epi32(even, _mm256_madd_epi16(_mm256_srli_epi16(codes, 8), _mm256_srai_epi16(weights, 8)));
}

BITLINE_DOT_HALVES(bitline_dot4_small_avx2, bitline_dot4_small_half)
BITLINE_DOT_HALVES(bitline_dot4_avx2, bitline_dot4_half)
BITLINE_DOT_HALVES(bitline_dot2_avx2, _mm256_madd_epi16)

BITLINE_INLINE BITLINE_TARGET uint16_t bitline_bits16_avx2(v16i condition) {
  __m256 half[2];
  memcpy(half, &condition, 64);
  return (uint16_t)(_mm256_movemask_ps(half[0]) | _mm256_movemask_ps(half[1]) << 8);
}

#define BITLINE_BLOCK_WORDS_CASES_1 \
  BITLINE_BLOCK_WORDS_CASE(1) BITLINE_BLOCK_WORDS_CASE(2) BITLINE_BLOCK_WORDS_CASE(3) BITLINE_BLOCK_WORDS_CASE(4)
#define BITLINE_SMALL_APART 1
#define BITLINE_DOT4_SMALL(sum, codes, weights) bitline_dot4_small_avx2(sum, codes, weights)
#define BITLINE_DOT4(sum, codes, weights) bitline_dot4_avx2(sum, codes, weights)
#define BITLINE_DOT2(sum, a, b) bitline_dot2_avx2(sum, a, b)
#define BITLINE_BITS16(condition) bitline_bits16_avx2(condition)
#include "blocked_rows.h"

const bitline_table bitline_table_avx2 = {
  .f32_rows = 6,
  .f32_cols = BITLINE_F32_COLS,
  .f32_depth = 384,
  .gemm_f32_packed_rows = bitline_gemm_f32_packed_rows_6x16_avx2,
  .gemm_f32_strided_rows = bitline_gemm_f32_strided_rows_6x16_avx2,
  .conv_f32_taps = bitline_conv_f32_taps_6x16_avx2,
  .u8b_rows = 4,
  .u8b_cols = BITLINE_U8B_COLS,
  .gemm_u8b_codes_in_columns = bitline_gemm_u8b_codes_in_columns_4x16_avx2,
  .gemm_u8b_weights_in_columns = bitline_gemm_u8b_weights_in_columns_4x16_avx2,
  .block_f32_rows = {6, 0, 0},
  .block_words_rows = {4, 0, 0},
  .gemm_bits = bitline_gemm_bits_1x16_avx2,
  BITLINE_ROWS,
  BITLINE_BLOCKED,
};
#endif
