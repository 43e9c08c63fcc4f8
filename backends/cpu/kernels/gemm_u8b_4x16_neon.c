/// u8 codes x +-1 weights to tile sums, blocks of 4 rows x 16 columns, dot products of bytes on 128-bit registers.
///
/// The instructions multiply bytes that are both signed or both unsigned. Codes in columns are made signed, 128 lower, and 128 times the
/// sum of each row's weights is added again; weights in columns are made unsigned, 1 higher, and the sum of each row's codes is taken off.
/// Both are exact, and both corrections are one more product for all four rows.
#pragma STDC FP_CONTRACT OFF
#include "table.h"

#if BITLINE_ARM
#include <arm_neon.h>

BITLINE_INLINE BITLINE_TARGET_NEON int32x4_t read_out(const gemm_u8b_args *g, int32x4_t sum) {
  float32x4_t p = vaddq_f32(vcvtq_f32_s32(sum), vdupq_n_f32(g->shift));
  p = g->inverse_lsb != 0 ? vmulq_f32(p, vdupq_n_f32(g->inverse_lsb)) : vdivq_f32(p, vdupq_n_f32(g->lsb));
  p = vminq_f32(vmaxq_f32(p, vdupq_n_f32(-g->limit)), vdupq_n_f32(g->limit));
  return vcvtnq_s32_f32(p);
}

/// Words of up to four rows, one a lane; those of no row are 0.
BITLINE_INLINE BITLINE_TARGET_NEON uint8x16_t words_of_rows(const uint8_t *a, int64_t stride, const int rows) {
  uint32x4_t words = vdupq_n_u32(0);
  uint32_t word;
  for (int i = 0; i < rows; i++) {
    memcpy(&word, a + i * stride, 4);
    words[i] = word;
  }
  return vreinterpretq_u8_u32(words);
}

BITLINE_INLINE BITLINE_TARGET_NEON uint32_t word_of(uint8x16_t words, const int row) { return vreinterpretq_u32_u8(words)[row]; }

/// `rows`, `vectors` and `weights_in_columns` are constants at every call, so that the block stays in registers.
BITLINE_INLINE BITLINE_TARGET_NEON void block(const gemm_u8b_args *g, const int rows, const int vectors, const int weights_in_columns) {
  const int exact = g->limit == 0;
  int32x4_t total[4][4];
  for (int i = 0; i < rows; i++) for (int v = 0; v < vectors; v++) total[i][v] = vdupq_n_s32(0);
  const uint8_t *a = g->a, *b = g->b;
  const int32_t *start = g->start;
  for (int64_t tile = 0; tile < g->tiles; tile++) {
    int32x4_t sum[4][4], correction = vdupq_n_s32(0);
    for (int i = 0; i < rows; i++) {
      for (int v = 0; v < vectors; v++) {
        if (!start) sum[i][v] = vdupq_n_s32(0);
        else sum[i][v] = weights_in_columns ? vld1q_s32(start + 4 * v) : vdupq_n_s32(start[i]);
      }
    }
    if (start) start += weights_in_columns ? 16 : 4;
    for (int64_t words = tile == g->tiles - 1 ? g->last_words : g->tile_words; words > 0; words--, b += 64) {
      if (weights_in_columns) {
        const uint8x16_t row = words_of_rows(a, g->a_stride, rows);
        correction = vreinterpretq_s32_u32(vdotq_u32(vreinterpretq_u32_s32(correction), row, vdupq_n_u8(1)));
        for (int v = 0; v < vectors; v++) {
          const uint8x16_t column = vaddq_u8(vld1q_u8(b + 16 * v), vdupq_n_u8(1));
          for (int i = 0; i < rows; i++) {
            const uint8x16_t codes = vreinterpretq_u8_u32(vdupq_n_u32(word_of(row, i)));
            sum[i][v] = vreinterpretq_s32_u32(vdotq_u32(vreinterpretq_u32_s32(sum[i][v]), column, codes));
          }
        }
        a += 4;
      } else {
        const uint8x16_t row = vld1q_u8(a);
        correction = vdotq_s32(correction, vreinterpretq_s8_u8(row), vdupq_n_s8(-128));
        for (int v = 0; v < vectors; v++) {
          const int8x16_t column = vreinterpretq_s8_u8(veorq_u8(vld1q_u8(b + 16 * v), vdupq_n_u8(0x80)));
          for (int i = 0; i < rows; i++) {
            const int8x16_t weights = vreinterpretq_s8_u32(vdupq_n_u32(word_of(row, i)));
            sum[i][v] = vdotq_s32(sum[i][v], column, weights);
          }
        }
        a += 16;
      }
    }
    for (int i = 0; i < rows; i++) {
      for (int v = 0; v < vectors; v++) {
        const int32x4_t whole = vsubq_s32(sum[i][v], vdupq_n_s32(correction[i]));
        total[i][v] = exact ? vaddq_s32(total[i][v], whole) : vaddq_s32(total[i][v], read_out(g, whole));
      }
    }
  }
  for (int i = 0; i < rows; i++) {
    for (int v = 0; v < vectors; v++) {
      int32_t *c = g->c + i * g->c_stride + 4 * v;
      if (4 * v + 4 <= g->cols) vst1q_s32(c, total[i][v]);
      else for (int j = 0; j < g->cols - 4 * v; j++) c[j] = total[i][v][j];
    }
  }
}

#define CASE(rows, weights_in_columns)                                     \
  case rows:                                                               \
    if (g->cols > 8) block(g, rows, 4, weights_in_columns);                \
    else block(g, rows, 2, weights_in_columns);                            \
    break;
#define CASES(flag) CASE(1, flag) CASE(2, flag) CASE(3, flag) CASE(4, flag)

BITLINE_TARGET_NEON void bitline_gemm_u8b_codes_in_columns_4x16_neon(const gemm_u8b_args *g) {
  switch (g->rows) { CASES(0) }
}

BITLINE_TARGET_NEON void bitline_gemm_u8b_weights_in_columns_4x16_neon(const gemm_u8b_args *g) {
  switch (g->rows) { CASES(1) }
}
#endif
