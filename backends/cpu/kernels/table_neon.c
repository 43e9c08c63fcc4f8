/// The table of the neon level.
#if defined(__aarch64__)
#define BITLINE_LEVEL(name) name##_neon
#define BITLINE_TARGET BITLINE_TARGET_NEON
#define BITLINE_F32_COLS 16
#define BITLINE_F64_ROWS 2
#define BITLINE_F32_CHUNK 8
#define BITLINE_U8B_COLS 16
#define BITLINE_U8_CHUNK 16
#define BITLINE_BLOCK_MAX_ROWS 5
#define BITLINE_BLOCK_CASES_1 \
  BITLINE_BLOCK_CASE(1) BITLINE_BLOCK_CASE(2) BITLINE_BLOCK_CASE(3) BITLINE_BLOCK_CASE(4) BITLINE_BLOCK_CASE(5)
#define BITLINE_MULTIPLY_ADD(a, b, c) __builtin_elementwise_fma(a, b, c)
#include "rows.h"

#include <arm_neon.h>

#include "blocked.h"

/// Pairs of products are added to each other, and then to sums.
BITLINE_INLINE BITLINE_TARGET v16i bitline_dot2_neon(v16i sum, v16i a, v16i b) {
  int32x4_t sums[4];
  int16x8_t left[4], right[4];
  memcpy(sums, &sum, 64);
  memcpy(left, &a, 64);
  memcpy(right, &b, 64);
#pragma clang loop unroll(full)
  for (int i = 0; i < 4; i++) {
    const int32x4_t low = vmull_s16(vget_low_s16(left[i]), vget_low_s16(right[i])), high = vmull_high_s16(left[i], right[i]);
    sums[i] = vaddq_s32(sums[i], vpaddq_s32(low, high));
  }
  memcpy(&sum, sums, 64);
  return sum;
}

/// The lowest byte of each lane.
BITLINE_INLINE BITLINE_TARGET uint8x16_t bitline_lowest_bytes_neon(v16i lanes) {
  uint16x8_t q[4];
  memcpy(q, &lanes, 64);
  return vuzp1q_u8(vreinterpretq_u8_u16(vuzp1q_u16(q[0], q[1])), vreinterpretq_u8_u16(vuzp1q_u16(q[2], q[3])));
}

BITLINE_INLINE BITLINE_TARGET uint16_t bitline_bits16_neon(v16i condition) {
  const uint8x16_t each = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
  uint8x16_t bits = vandq_u8(bitline_lowest_bytes_neon(condition), each);
  // Added to the neighbour three times: eight lanes to a byte.
  for (int i = 0; i < 3; i++) bits = vpaddq_u8(bits, bits);
  return vgetq_lane_u16(vreinterpretq_u16_u8(bits), 0);
}

/// A zero is a byte, and a weight the lower half of its lane.
BITLINE_INLINE BITLINE_TARGET v16i bitline_code_products_neon(v16i sum, v16u8 codes, v16i zeros, v16i weights) {
  int32x4_t sums[4];
  int16x8_t w[4], less[2];
  memcpy(sums, &sum, 64);
  memcpy(w, &weights, 64);
  const uint8x16_t zero = vdupq_n_u8((uint8_t)zeros[0]);
  less[0] = vreinterpretq_s16_u16(vsubl_u8(vget_low_u8((uint8x16_t)codes), vget_low_u8(zero)));
  less[1] = vreinterpretq_s16_u16(vsubl_high_u8((uint8x16_t)codes, zero));
#pragma clang loop unroll(full)
  for (int i = 0; i < 2; i++) {
    const int16x8_t both = vuzp1q_s16(w[2 * i], w[2 * i + 1]);
    sums[2 * i] = vmlal_s16(sums[2 * i], vget_low_s16(less[i]), vget_low_s16(both));
    sums[2 * i + 1] = vmlal_high_s16(sums[2 * i + 1], less[i], both);
  }
  memcpy(&sum, sums, 64);
  return sum;
}

#define BITLINE_BLOCK_WORDS_CASES_1 \
  BITLINE_BLOCK_WORDS_CASE(1) BITLINE_BLOCK_WORDS_CASE(2) BITLINE_BLOCK_WORDS_CASE(3) BITLINE_BLOCK_WORDS_CASE(4) \
  BITLINE_BLOCK_WORDS_CASE(5)
#define BITLINE_BLOCK_BYTES "block_bytes_neon.h"
#define BITLINE_DOT2(sum, a, b) bitline_dot2_neon(sum, a, b)
#define BITLINE_CODE_PRODUCTS(sum, codes, zeros, weights) bitline_code_products_neon(sum, codes, zeros, weights)
#define BITLINE_BITS16(condition) bitline_bits16_neon(condition)
#define BITLINE_DEPTHWISE_COLUMNS 4
#define BITLINE_PEAK_CHAINS 6
// The instruction adds to its own result.
#define BITLINE_PEAK_STEP(sum, by, plus) BITLINE_MULTIPLY_ADD(by, plus, sum)

/// Up to four sums to codes: rounded by one instruction, bounded by narrowing, and which are not sure only looked for where one is.
#define BITLINE_REQUANTIZE_SUMS                                                                                            \
  BITLINE_INLINE BITLINE_TARGET int requantize_store_sums(                                                                 \
    const requantize_vectors *r, const v16i *sums, const int rows, uint8_t *y, uint16_t *doubts                            \
  ) {                                                                                                                      \
    v16i far[4], any = SPLAT16I(0);                                                                                        \
    _Pragma("clang loop unroll(full)") for (int i = 0; i < rows; i++) {                                                    \
      const v16f number = BITLINE_MULTIPLY_ADD(__builtin_convertvector(sums[i], v16f), r->m, r->c);                        \
      float32x4_t q[4], near[4];                                                                                           \
      int16x4_t codes[4];                                                                                                  \
      uint32x4_t apart[4];                                                                                                 \
      memcpy(q, &number, 64);                                                                                              \
      memcpy(near, &r->near, 64);                                                                                          \
      _Pragma("clang loop unroll(full)") for (int k = 0; k < 4; k++) {                                                     \
        q[k] = vmaxq_f32(q[k], vdupq_n_f32(r->least[0]));                                                                  \
        codes[k] = vqmovn_s32(vcvtnq_s32_f32(q[k]));                                                                       \
        apart[k] = vcgtq_f32(vabsq_f32(vsubq_f32(q[k], vrndnq_f32(q[k]))), near[k]);                                      \
      }                                                                                                                    \
      /* What is above 255 becomes that. */                                                                                \
      uint8x16_t bytes = vcombine_u8(                                                                                      \
        vqmovun_s16(vcombine_s16(codes[0], codes[1])), vqmovun_s16(vcombine_s16(codes[2], codes[3])));                     \
      bytes = veorq_u8(vminq_u8(bytes, vdupq_n_u8(r->most)), vdupq_n_u8(r->flip));                                         \
      vst1q_u8(y + 16 * i, bytes);                                                                                         \
      memcpy(&far[i], apart, 64);                                                                                          \
      any |= far[i];                                                                                                       \
    }                                                                                                                      \
    memset(doubts, 0, 2 * (size_t)rows);                                                                                   \
    const int is_any = vmaxvq_u8(bitline_lowest_bytes_neon(any)) != 0;                                                     \
    if (__builtin_expect(is_any, 0)) {                                                                                     \
      _Pragma("clang loop unroll(full)") for (int i = 0; i < rows; i++) doubts[i] = bitline_bits16_neon(far[i]);           \
    }                                                                                                                      \
    return is_any;                                                                                                         \
  }
#include "blocked_rows.h"

const bitline_table bitline_table_neon = {
  .f32_rows = 6,
  .f32_cols = BITLINE_F32_COLS,
  .f32_depth = 384,
  .gemm_f32_packed_rows = bitline_gemm_f32_packed_rows_6x16_neon,
  .gemm_f32_strided_rows = bitline_gemm_f32_strided_rows_6x16_neon,
  .conv_f32_taps = bitline_conv_f32_taps_6x16_neon,
  .u8b_rows = 4,
  .u8b_cols = BITLINE_U8B_COLS,
  .gemm_u8b_codes_in_columns = bitline_gemm_u8b_codes_in_columns_4x16_neon,
  .gemm_u8b_weights_in_columns = bitline_gemm_u8b_weights_in_columns_4x16_neon,
  .block_f32_rows = {5, 0, 0},
  .block_words_rows = {5, 0, 0},
  // Four instructions for one.
  .i16_times = 4,
  .gemm_bits = bitline_gemm_bits_1x16_neon,
  BITLINE_ROWS,
  BITLINE_BLOCKED,
};
#endif
