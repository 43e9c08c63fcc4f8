/// The table of the avx512 level.
#if defined(__x86_64__)
#define BITLINE_LEVEL(name) name##_avx512
#define BITLINE_TARGET BITLINE_TARGET_AVX512
#define BITLINE_F32_COLS 32
#define BITLINE_F32_CHUNK 16
#define BITLINE_U8B_COLS 32
#define BITLINE_U8_CHUNK 16
#include "rows.h"

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
  BITLINE_ROWS,
};
#endif
