/// The table of the avx512 level.
#if defined(__x86_64__)
#define BITLINE_LEVEL(name) name##_avx512
#define BITLINE_TARGET BITLINE_TARGET_AVX512
#define BITLINE_F32_COLS 32
#define BITLINE_F32_CHUNK 16
#define BITLINE_U8B_COLS 32
#define BITLINE_U8_CHUNK 16
#define BITLINE_BLOCK_MAX_ROWS 14
#define BITLINE_BLOCK_CASES_4                                                                              \
  BITLINE_BLOCK_CASE(1) BITLINE_BLOCK_CASE(2) BITLINE_BLOCK_CASE(3) BITLINE_BLOCK_CASE(4) BITLINE_BLOCK_CASE(5) \
  BITLINE_BLOCK_CASE(6) BITLINE_BLOCK_CASE(7)
#define BITLINE_BLOCK_CASES_2                                                                              \
  BITLINE_BLOCK_CASES_4 BITLINE_BLOCK_CASE(8) BITLINE_BLOCK_CASE(9) BITLINE_BLOCK_CASE(10) BITLINE_BLOCK_CASE(11) \
  BITLINE_BLOCK_CASE(12) BITLINE_BLOCK_CASE(13) BITLINE_BLOCK_CASE(14)
#define BITLINE_BLOCK_CASES_1 BITLINE_BLOCK_CASES_2
#define BITLINE_MULTIPLY_ADD(a, b, c) __builtin_elementwise_fma(a, b, c)
#include "rows.h"

#include <immintrin.h>

#define BITLINE_BLOCK_U8_CASES_4                                                                                       \
  BITLINE_BLOCK_U8_CASE(1) BITLINE_BLOCK_U8_CASE(2) BITLINE_BLOCK_U8_CASE(3) BITLINE_BLOCK_U8_CASE(4) BITLINE_BLOCK_U8_CASE(5) \
  BITLINE_BLOCK_U8_CASE(6)
#define BITLINE_BLOCK_U8_CASES_2                                                                                       \
  BITLINE_BLOCK_U8_CASES_4 BITLINE_BLOCK_U8_CASE(7) BITLINE_BLOCK_U8_CASE(8) BITLINE_BLOCK_U8_CASE(9) BITLINE_BLOCK_U8_CASE(10) \
  BITLINE_BLOCK_U8_CASE(11) BITLINE_BLOCK_U8_CASE(12) BITLINE_BLOCK_U8_CASE(13) BITLINE_BLOCK_U8_CASE(14)
#define BITLINE_BLOCK_U8_CASES_1 BITLINE_BLOCK_U8_CASES_2
#define BITLINE_DOT4(sum, codes, weights) ((v16i)_mm512_dpbusd_epi32((__m512i)(sum), (__m512i)(codes), (__m512i)(weights)))
#include "blocked_rows.h"

const bitline_table bitline_table_avx512 = {
  .f32_rows = 8,
  .f32_cols = BITLINE_F32_COLS,
  .f32_depth = 192,
  .gemm_f32_packed_rows = bitline_gemm_f32_packed_rows_8x32_avx512,
  .gemm_f32_strided_rows = bitline_gemm_f32_strided_rows_8x32_avx512,
  .conv_f32_taps = bitline_conv_f32_taps_8x32_avx512,
  .u8b_rows = 8,
  .u8b_cols = BITLINE_U8B_COLS,
  .gemm_u8b_codes_in_columns = bitline_gemm_u8b_codes_in_columns_8x32_avx512,
  .gemm_u8b_weights_in_columns = bitline_gemm_u8b_weights_in_columns_8x32_avx512,
  .block_f32_rows = {14, 14, 7},
  .block_u8_rows = {14, 14, 6},
  BITLINE_ROWS,
  BITLINE_BLOCKED,
};
#endif
