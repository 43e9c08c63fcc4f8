/// The table of the portable level.
#define BITLINE_LEVEL(name) name##_portable
#define BITLINE_TARGET 
#define BITLINE_F32_COLS 8
#define BITLINE_F32_CHUNK 8
#define BITLINE_U8B_COLS 8
#define BITLINE_U8_CHUNK 8
#define BITLINE_BLOCK_MAX_ROWS 2
#define BITLINE_BLOCK_CASES_1 BITLINE_BLOCK_CASE(1) BITLINE_BLOCK_CASE(2)
#define BITLINE_MULTIPLY_ADD(a, b, c) ((a) * (b) + (c))
#include "rows.h"

#include "blocked.h"

BITLINE_INLINE v16i bitline_dot4_portable(v16i sum, v16i codes, v16i weights) {
  for (int i = 0; i < 4; i++) sum += (codes >> (8 * i) & 0xff) * ((weights << (24 - 8 * i)) >> 24);
  return sum;
}

#define BITLINE_BLOCK_U8_CASES_1 BITLINE_BLOCK_U8_CASE(1) BITLINE_BLOCK_U8_CASE(2)
#define BITLINE_DOT4(sum, codes, weights) bitline_dot4_portable(sum, codes, weights)
#include "blocked_rows.h"

const bitline_table bitline_table_portable = {
  .f32_rows = 4,
  .f32_cols = BITLINE_F32_COLS,
  .f32_depth = 256,
  .gemm_f32_packed_rows = bitline_gemm_f32_packed_rows_4x8_portable,
  .gemm_f32_strided_rows = bitline_gemm_f32_strided_rows_4x8_portable,
  .conv_f32_taps = bitline_conv_f32_taps_4x8_portable,
  .u8b_rows = 4,
  .u8b_cols = BITLINE_U8B_COLS,
  .gemm_u8b_codes_in_columns = bitline_gemm_u8b_codes_in_columns_4x8_portable,
  .gemm_u8b_weights_in_columns = bitline_gemm_u8b_weights_in_columns_4x8_portable,
  .block_f32_rows = {2, 0, 0},
  .block_u8_rows = {2, 0, 0},
  BITLINE_ROWS,
  BITLINE_BLOCKED,
};
