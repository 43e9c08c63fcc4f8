/// The table of the portable level.
#define BITLINE_LEVEL(name) name##_portable
#define BITLINE_TARGET 
#define BITLINE_F32_COLS 8
#define BITLINE_F64_ROWS 2
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

BITLINE_INLINE v16i bitline_dot2_portable(v16i sum, v16i a, v16i b) {
  // Sums may wrap around.
  typedef uint32_t v16u __attribute__((ext_vector_type(16)));
  const v16i low = (a << 16 >> 16) * (b << 16 >> 16), high = (a >> 16) * (b >> 16);
  return (v16i)((v16u)sum + (v16u)low + (v16u)high);
}

BITLINE_INLINE uint16_t bitline_bits16_portable(v16i condition) {
  int bits = 0;
  for (int i = 0; i < 16; i++) bits |= (condition[i] & 1) << i;
  return (uint16_t)bits;
}

#define BITLINE_BLOCK_WORDS_CASES_1 BITLINE_BLOCK_WORDS_CASE(1) BITLINE_BLOCK_WORDS_CASE(2)
#define BITLINE_DOT4(sum, codes, weights) bitline_dot4_portable(sum, codes, weights)
#define BITLINE_DOT4_SMALL(sum, codes, weights) bitline_dot4_portable(sum, codes, weights)
#define BITLINE_DOT2(sum, a, b) bitline_dot2_portable(sum, a, b)
#define BITLINE_BITS16(condition) bitline_bits16_portable(condition)
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
  .block_words_rows = {2, 0, 0},
  .i16_times = 1,
  .gemm_bits = bitline_gemm_bits_1x16_portable,
  BITLINE_ROWS,
  BITLINE_BLOCKED,
};
