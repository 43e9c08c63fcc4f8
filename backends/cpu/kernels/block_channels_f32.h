/// Plain tensors to blocks of sixteen channels and back.

BITLINE_INLINE BITLINE_TARGET void transpose_16x16(v16f *r) {
  // Four rounds, each exchanging halves of pairs of rows; shuffles stay within what every level does quickly.
  v16f t[16];
#pragma clang loop unroll(full)
  for (int i = 0; i < 8; i++) {
    t[2 * i] = __builtin_shufflevector(r[2 * i], r[2 * i + 1], 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30);
    t[2 * i + 1] = __builtin_shufflevector(r[2 * i], r[2 * i + 1], 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31);
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < 16; i++) {
    if (i & 2) continue;
    r[i] = __builtin_shufflevector(t[i], t[i + 2], 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29);
    r[i + 2] = __builtin_shufflevector(t[i], t[i + 2], 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < 16; i++) {
    if (i & 4) continue;
    t[i] = __builtin_shufflevector(r[i], r[i + 4], 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27);
    t[i + 4] = __builtin_shufflevector(r[i], r[i + 4], 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31);
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < 8; i++) {
    r[i] = __builtin_shufflevector(t[i], t[i + 8], 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23);
    r[i + 8] = __builtin_shufflevector(t[i], t[i + 8], 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
  }
}

BITLINE_INLINE BITLINE_TARGET void block_channels_f32_body(int64_t channels, int64_t positions, const float *x, float *y) {
  for (int64_t c = 0; c < channels; c += 16, x += 16 * positions) {
    const int64_t lanes = bitline_min(16, channels - c);
    int64_t at = 0;
    if (lanes == 16) {
      for (; at + 16 <= positions; at += 16, y += 256) {
        v16f r[16];
        for (int i = 0; i < 16; i++) r[i] = LOAD16(x + i * positions + at);
        transpose_16x16(r);
        for (int i = 0; i < 16; i++) STORE16(y + 16 * i, r[i]);
      }
    }
    for (; at < positions; at++, y += 16) for (int64_t i = 0; i < 16; i++) y[i] = i < lanes ? x[i * positions + at] : 0;
  }
}

BITLINE_INLINE BITLINE_TARGET void unblock_channels_f32_body(int64_t channels, int64_t positions, const float *x, float *y) {
  for (int64_t c = 0; c < channels; c += 16, y += 16 * positions) {
    const int64_t lanes = bitline_min(16, channels - c);
    int64_t at = 0;
    if (lanes == 16) {
      for (; at + 16 <= positions; at += 16, x += 256) {
        v16f r[16];
        for (int i = 0; i < 16; i++) r[i] = LOAD16(x + 16 * i);
        transpose_16x16(r);
        for (int i = 0; i < 16; i++) STORE16(y + i * positions + at, r[i]);
      }
    }
    for (; at < positions; at++, x += 16) for (int64_t i = 0; i < lanes; i++) y[i * positions + at] = x[i];
  }
}
