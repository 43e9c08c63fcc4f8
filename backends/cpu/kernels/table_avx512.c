/// The table of the avx512 level.
#if defined(__x86_64__)
#define BITLINE_LEVEL(name) name##_avx512
#define BITLINE_TARGET BITLINE_TARGET_AVX512
#define BITLINE_F32_COLS 32
#define BITLINE_F64_ROWS 4
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

#include "blocked.h"

#define BITLINE_BLOCK_WORDS_CASES_4                                                                                          \
  BITLINE_BLOCK_WORDS_CASE(1) BITLINE_BLOCK_WORDS_CASE(2) BITLINE_BLOCK_WORDS_CASE(3) BITLINE_BLOCK_WORDS_CASE(4)            \
  BITLINE_BLOCK_WORDS_CASE(5) BITLINE_BLOCK_WORDS_CASE(6)
#define BITLINE_BLOCK_WORDS_CASES_2                                                                                          \
  BITLINE_BLOCK_WORDS_CASES_4 BITLINE_BLOCK_WORDS_CASE(7) BITLINE_BLOCK_WORDS_CASE(8) BITLINE_BLOCK_WORDS_CASE(9)            \
  BITLINE_BLOCK_WORDS_CASE(10) BITLINE_BLOCK_WORDS_CASE(11) BITLINE_BLOCK_WORDS_CASE(12) BITLINE_BLOCK_WORDS_CASE(13)        \
  BITLINE_BLOCK_WORDS_CASE(14)
#define BITLINE_BLOCK_WORDS_CASES_1 BITLINE_BLOCK_WORDS_CASES_2
#define BITLINE_DOT4(sum, codes, weights) ((v16i)_mm512_dpbusd_epi32((__m512i)(sum), (__m512i)(codes), (__m512i)(weights)))
#define BITLINE_DOT4_SMALL(sum, codes, weights) BITLINE_DOT4(sum, codes, weights)
#define BITLINE_DOT2(sum, a, b) ((v16i)_mm512_dpwssd_epi32((__m512i)(sum), (__m512i)(a), (__m512i)(b)))
#define BITLINE_BITS16(condition) ((uint16_t)_mm512_movepi32_mask((__m512i)(condition)))

/// Four rows of sixteen bytes to sixteen words of four: words change places, then bytes within four words.
BITLINE_INLINE BITLINE_TARGET v16i bitline_transpose_words(v16i rows) {
  __m512i words = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  // A compiler that knows the order makes eight shuffles of the two.
  __asm__("" : "+v"(words));
  const __m512i bytes = _mm512_broadcast_i32x4(_mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
  return (v16i)_mm512_shuffle_epi8(_mm512_permutexvar_epi32(words, (__m512i)rows), bytes);
}
#define BITLINE_TRANSPOSE_WORDS(rows) bitline_transpose_words(rows)
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
  .block_words_rows = {14, 14, 6},
  .gemm_bits = bitline_gemm_bits_4x16_avx512,
  BITLINE_ROWS,
  BITLINE_BLOCKED,
};
#endif
