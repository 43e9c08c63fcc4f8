/// The table of the avx2 level.
#if defined(__x86_64__)
#define BITLINE_LEVEL(name) name##_avx2
#define BITLINE_TARGET BITLINE_TARGET_AVX2
#define BITLINE_F32_COLS 16
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

/// Weights are at most 9 in magnitude, so that no pair of products leaves i16.
BITLINE_INLINE BITLINE_TARGET v16i bitline_dot4_avx2(v16i sum, v16i codes, v16i weights) {
  __m256i a[2], b[2];
  memcpy(a, &codes, 64);
  memcpy(b, &weights, 64);
  for (int i = 0; i < 2; i++) a[i] = _mm256_madd_epi16(_mm256_maddubs_epi16(a[i], b[i]), _mm256_set1_epi16(1));
  v16i products;
  memcpy(&products, a, 64);
  return sum + products;
}

#define BITLINE_BLOCK_U8_CASES_1 BITLINE_BLOCK_U8_CASE(1) BITLINE_BLOCK_U8_CASE(2) BITLINE_BLOCK_U8_CASE(3) BITLINE_BLOCK_U8_CASE(4)
#define BITLINE_DOT4(sum, codes, weights) bitline_dot4_avx2(sum, codes, weights)
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
  .block_u8_rows = {4, 0, 0},
  BITLINE_ROWS,
  BITLINE_BLOCKED,
};
#endif
