/// Blocks of codes of u8 x weights of i8, by dot products of signed bytes.
///
/// The instruction wants bytes that are signed on both sides. Codes are taken 128 lower, and 128 times the sum of each filter's weights,
/// one more product for all rows, is added again: exact modulo 2^32.

/// `sum[row] += codes[row] x w` over `words` words, the codes 128 lower; and 128 times the weights taken off `lowered`, unless that is
/// null. Words of weights are `w_word` bytes apart. `rows` and `words` are constants, at most 4 words.
BITLINE_INLINE BITLINE_TARGET void bytes_add(
  int32x4_t (*sum)[4], int32x4_t *lowered, const int8x16_t *codes, const int8_t *w, int64_t w_word, const int rows, const int words
) {
#pragma clang loop unroll(full)
  for (int word = 0; word < words; word++) {
#pragma clang loop unroll(full)
    for (int q = 0; q < 4; q++) {
      const int8x16_t column = vld1q_s8(w + word * w_word + 16 * q);
      if (lowered) lowered[q] = vdotq_s32(lowered[q], column, vdupq_n_s8(-128));
#pragma clang loop unroll(full)
      for (int i = 0; i < rows; i++) {
        sum[i][q] = vdotq_s32(sum[i][q], column, vreinterpretq_s8_s32(vdupq_n_s32(vreinterpretq_s32_s8(codes[i])[word])));
      }
    }
  }
}

/// Four words of codes, 128 lower.
BITLINE_INLINE BITLINE_TARGET int8x16_t bytes_four_words(const uint8_t *x) {
  return vreinterpretq_s8_u8(veorq_u8(vld1q_u8(x), vdupq_n_u8(0x80)));
}

/// One word of codes, 128 lower, the others 0.
BITLINE_INLINE BITLINE_TARGET int8x16_t bytes_word(const uint8_t *x) {
  uint32_t word;
  memcpy(&word, x, 4);
  return vreinterpretq_s8_u32(vsetq_lane_u32(word ^ 0x80808080u, vdupq_n_u32(0), 0));
}

BITLINE_INLINE BITLINE_TARGET v16i bytes_sixteen(const int32x4_t *sum, const int32x4_t *lowered) {
  int32x4_t whole[4];
#pragma clang loop unroll(full)
  for (int q = 0; q < 4; q++) whole[q] = vsubq_s32(sum[q], lowered[q]);
  v16i sixteen;
  memcpy(&sixteen, whole, sizeof sixteen);
  return sixteen;
}

/// As `BITLINE_BLOCK_WORDS`, of one vec.
BITLINE_INLINE BITLINE_TARGET void block_bytes_rows(const block_words_args *g, const int rows, const int words, const int requantizes) {
  int32x4_t sum[BITLINE_BLOCK_MAX_ROWS][4], lowered[4];
#pragma clang loop unroll(full)
  for (int q = 0; q < 4; q++) {
    const int32x4_t start = g->start ? vld1q_s32(g->start + 4 * q) : vdupq_n_s32(0);
    lowered[q] = vdupq_n_s32(0);
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) sum[i][q] = start;
  }
  const int8_t *w = g->w;
  for (int64_t tap = 0; tap < g->tap_count; tap++, w += words * 64) {
    const uint8_t *x = g->x + g->taps[tap];
    for (int64_t i = 0; i < g->ahead_lines; i++) __builtin_prefetch(g->ahead + (tap * g->ahead_lines + i) * 64, 0, 2);
    int8x16_t codes[BITLINE_BLOCK_MAX_ROWS];
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) codes[i] = words == 4 ? bytes_four_words(x + 16 * i) : bytes_word(x + 4 * i);
    bytes_add(sum, lowered, codes, w, 64, rows, words);
  }
  v16i sums[BITLINE_BLOCK_MAX_ROWS][4];
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; i++) sums[i][0] = bytes_sixteen(sum[i], lowered);
  if (requantizes) {
    block_requantize(g, rows, 1, sums);
    return;
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; i++) STORE16I(g->y + i * g->y_row, sums[i][0]);
}

BITLINE_INLINE BITLINE_TARGET void block_small_rows(const block_words_args *g, const int rows, const int vecs, const int words) {
  (void)vecs;
  block_bytes_rows(g, rows, words, 0);
}

BITLINE_INLINE BITLINE_TARGET void block_i8_rows(const block_words_args *g, const int rows, const int vecs, const int words) {
  (void)vecs;
  block_bytes_rows(g, rows, words, 1);
}

/// `count` rows, a constant of at most four, of blocks of few words.
BITLINE_INLINE BITLINE_TARGET int few_bytes_rows(
  const block_words_args *g, const requantize_vectors *r, const int32x4_t *start, const int words, const int64_t row, const int count
) {
  const uint8_t *x[2] = {g->x + g->taps[0], g->x + g->taps[words > 4 ? 1 : 0]};
  int32x4_t sum[4][4];
#pragma clang loop unroll(full)
  for (int i = 0; i < count; i++) {
#pragma clang loop unroll(full)
    for (int q = 0; q < 4; q++) sum[i][q] = start[q];
  }
#pragma clang loop unroll(full)
  for (int tap = 0; tap < (words > 4 ? 2 : 1); tap++) {
    int8x16_t codes[4];
#pragma clang loop unroll(full)
    for (int i = 0; i < count; i++) codes[i] = bytes_four_words(x[tap] + (row + i) * 16);
    bytes_add(sum, 0, codes, g->w + tap * 256, 64, count, tap == 0 ? 4 : words - 4);
  }
  v16i sums[4];
  memcpy(sums, sum, sizeof *sums * (size_t)count);
  return requantize_store_sums(r, sums, count, g->codes + 16 * row, g->doubts[0] + row);
}

/// The same with `words` of weights, four a tap, over rows by fours; of one vec.
BITLINE_INLINE BITLINE_TARGET void block_i8_few_words(const block_words_args *g, const int words) {
  const requantize_vectors r = requantize_vectors_of(g->lanes);
  int32x4_t start[4];
  for (int q = 0; q < 4; q++) {
    int32x4_t lowered = vdupq_n_s32(0);
    for (int word = 0; word < words; word++) lowered = vdotq_s32(lowered, vld1q_s8(g->w + word * 64 + 16 * q), vdupq_n_s8(-128));
    start[q] = vsubq_s32(vld1q_s32(g->start + 4 * q), lowered);
  }
  int any = 0;
  int64_t row = 0;
  for (; row + 4 <= g->rows; row += 4) any |= few_bytes_rows(g, &r, start, words, row, 4);
  for (; row < g->rows; row++) any |= few_bytes_rows(g, &r, start, words, row, 1);
  *g->any = any;
}

/// sums[row][vec] = start[vec] + x[row] * w, `w` being `[words][4][16][4]`. `rows` is a constant at every call.
BITLINE_INLINE BITLINE_TARGET void dense_i8_rows(
  const uint8_t *x, int64_t x_row, int64_t words, const int rows, const int8_t *w, const int32_t *start, int32_t *sums
) {
  const int64_t w_word = BITLINE_DENSE_VECS * 64;
  for (int v = 0; v < BITLINE_DENSE_VECS; v++, w += 64, start += 16, sums += 16) {
    int32x4_t sum[4][4], lowered[4];
#pragma clang loop unroll(full)
    for (int q = 0; q < 4; q++) {
      lowered[q] = vdupq_n_s32(0);
#pragma clang loop unroll(full)
      for (int i = 0; i < rows; i++) sum[i][q] = vld1q_s32(start + 4 * q);
    }
    int8x16_t codes[4];
    int64_t word = 0;
    for (; word + 4 <= words; word += 4) {
#pragma clang loop unroll(full)
      for (int i = 0; i < rows; i++) codes[i] = bytes_four_words(x + i * x_row + word * 4);
      bytes_add(sum, lowered, codes, w + word * w_word, w_word, rows, 4);
    }
    for (; word < words; word++) {
#pragma clang loop unroll(full)
      for (int i = 0; i < rows; i++) codes[i] = bytes_word(x + i * x_row + word * 4);
      bytes_add(sum, lowered, codes, w + word * w_word, w_word, rows, 1);
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) STORE16I(sums + i * BITLINE_DENSE_VECS * 16, bytes_sixteen(sum[i], lowered));
  }
}
