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
  BITLINE_BLOCK_CASE(6)
#define BITLINE_BLOCK_CASES_2                                                                              \
  BITLINE_BLOCK_CASES_4 BITLINE_BLOCK_CASE(7) BITLINE_BLOCK_CASE(8) BITLINE_BLOCK_CASE(9) BITLINE_BLOCK_CASE(10) BITLINE_BLOCK_CASE(11) \
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
/// As written: from the intrinsic, clang 21 makes two instructions, a product and a sum, of half of these.
BITLINE_INLINE BITLINE_TARGET v16i bitline_dot2_avx512(v16i sum, v16i a, v16i b) {
  __asm__("vpdpwssd %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b));
  return sum;
}
#define BITLINE_DOT2(sum, a, b) bitline_dot2_avx512(sum, a, b)
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

/// Up to four sums to codes: what quotients are apart from whole numbers is found by one instruction, and looked at in all together.
#define BITLINE_REQUANTIZE_SUMS                                                                                                     \
  BITLINE_INLINE BITLINE_TARGET int requantize_store_sums(                                                                          \
    const requantize_vectors *r, const v16i *sums, const int rows, uint8_t *y, uint16_t *doubts                                     \
  ) {                                                                                                                               \
    __m512i codes[4];                                                                                                               \
    __m512 apart[4];                                                                                                                \
    _Pragma("clang loop unroll(full)") for (int i = 0; i < rows; i++) {                                                             \
      v16f q = BITLINE_MULTIPLY_ADD(__builtin_convertvector(sums[i], v16f), r->m, r->c);                                            \
      q = q < r->least ? r->least : q;                                                                                              \
      codes[i] = _mm512_cvt_roundps_epi32((__m512)q, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);                                \
      apart[i] = _mm512_reduce_ps((__m512)q, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);                                        \
    }                                                                                                                               \
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);                                  \
    /* What is below 0 or above 255 becomes that. */                                                                                \
    const __m512i low = _mm512_packs_epi32(codes[0], codes[rows > 1 ? 1 : 0]);                                                      \
    const __m512i high = rows > 2 ? _mm512_packs_epi32(codes[2], codes[rows - 1]) : low;                                            \
    __m512i bytes = _mm512_min_epu8(_mm512_packus_epi16(low, high), _mm512_set1_epi8((char)r->most));                               \
    bytes = _mm512_permutexvar_epi32(order, _mm512_xor_si512(bytes, _mm512_set1_epi8((char)r->flip)));                              \
    memcpy(y, &bytes, 16 * (size_t)rows);                                                                                           \
    /* The greater magnitude, without its sign. */                                                                                  \
    __m512 most = _mm512_abs_ps(apart[0]);                                                                                          \
    if (rows > 1) most = _mm512_range_ps(apart[0], apart[1], 11);                                                                   \
    if (rows > 2) most = _mm512_range_ps(most, rows > 3 ? _mm512_range_ps(apart[2], apart[3], 11) : apart[2], 11);                  \
    const int any = _mm512_cmp_ps_mask(most, (__m512)r->near, _CMP_GT_OQ);                                                          \
    memset(doubts, 0, 2 * (size_t)rows);                                                                                            \
    if (__builtin_expect(any != 0, 0)) {                                                                                            \
      _Pragma("clang loop unroll(full)") for (int i = 0; i < rows; i++) {                                                           \
        doubts[i] = _mm512_cmp_ps_mask(_mm512_abs_ps(apart[i]), (__m512)r->near, _CMP_GT_OQ);                                       \
      }                                                                                                                             \
    }                                                                                                                               \
    return any;                                                                                                                     \
  }
#include "blocked_rows.h"

#define BITLINE_TARGET_BF16 \
  __attribute__((target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512vpopcntdq,avx512bf16"), min_vector_width(512)))
#define BITLINE_DOT2_BF16(sum, a, b) ((v16f)_mm512_dpbf16_ps((__m512)(sum), (__m512bh)(a), (__m512bh)(b)))
BITLINE_BLOCK_BF16_ROWS(block_bf16_rows_native, BITLINE_TARGET_BF16, BITLINE_DOT2_BF16)
#define BITLINE_BLOCK_BODY block_bf16_rows_native
BITLINE_ALL_BLOCKS_BF16(block_bf16_native, BITLINE_TARGET_BF16)
#undef BITLINE_BLOCK_BODY

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
  .lookup_u8b = bitline_lookup_u8b_4x16_avx512,
  .block_f32_rows = {14, 14, 6},
  .block_bf16_native = block_bf16_native,
  .block_words_rows = {14, 14, 6},
  .gemm_bits = bitline_gemm_bits_4x16_avx512,
  BITLINE_ROWS,
  BITLINE_BLOCKED,
};
#endif
