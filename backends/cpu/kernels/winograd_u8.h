/// Winograd's F(2x2, 3x3) on integers, exact: weights are transformed by twice the usual matrix on each side, so that sums come out four
/// times too large and are shifted back. Transformed codes are stored as u8, each number of a tile above its own least value.

/// Tiles of codes `first..<first + count` of the channel block at `x`; numbers as in `winograd_input_tiles`, of one byte.
BITLINE_INLINE BITLINE_TARGET void winograd_input_u8_tiles(
  const winograd_tiles *t, int64_t first, int64_t count, const uint8_t *x, int64_t sample, uint8_t *to, int64_t position,
  const uint8_t *offsets
) {
  const int64_t per_sample = (int64_t)t->rows * t->columns;
  int64_t n = first / per_sample, row = first % per_sample / t->columns, column = first % t->columns;
  for (int64_t tile = 0; tile < count; tile++, to += 16) {
    const int64_t top = row * 2 - t->pad_top, left = column * 2 - t->pad_left;
    const uint8_t *from = x + n * sample + (top * t->width + left) * 16;
    int64_t stride = (int64_t)t->width * 16;
    v16u8 copy[16], half[16];
    if (top < 0 || left < 0 || top + 4 > t->height || left + 4 > t->width) {
      for (int64_t y = 0; y < 4; y++) {
        for (int64_t i = 0; i < 4; i++) {
          const int inside = top + y >= 0 && top + y < t->height && left + i >= 0 && left + i < t->width;
          copy[y * 4 + i] = inside ? LOAD16B(from + y * stride + i * 16) : (v16u8)(0);
        }
      }
      from = (const uint8_t *)copy;
      stride = 64;
    }
    // Bytes wrap around; the last results fit again.
#pragma clang loop unroll(full)
    for (int i = 0; i < 4; i++) {
      const v16u8 d0 = LOAD16B(from + i * 16), d1 = LOAD16B(from + stride + i * 16), d2 = LOAD16B(from + 2 * stride + i * 16),
                  d3 = LOAD16B(from + 3 * stride + i * 16);
      half[i] = d0 - d2;
      half[4 + i] = d1 + d2;
      half[8 + i] = d2 - d1;
      half[12 + i] = d3 - d1;
    }
#pragma clang loop unroll(full)
    for (int y = 0; y < 4; y++) {
      const v16u8 *d = half + 4 * y;
      *(v16u8_anywhere *)(to + (4 * y) * position) = d[0] - d[2] + (v16u8)(offsets[4 * y]);
      *(v16u8_anywhere *)(to + (4 * y + 1) * position) = d[1] + d[2] + (v16u8)(offsets[4 * y + 1]);
      *(v16u8_anywhere *)(to + (4 * y + 2) * position) = d[2] - d[1] + (v16u8)(offsets[4 * y + 2]);
      *(v16u8_anywhere *)(to + (4 * y + 3) * position) = d[3] - d[1] + (v16u8)(offsets[4 * y + 3]);
    }
    if (++column == t->columns) {
      column = 0;
      if (++row == t->rows) row = 0, n++;
    }
  }
}

/// Products of tiles to finished results of the filter block at `y`.
BITLINE_INLINE BITLINE_TARGET void winograd_output_i32_tiles(
  const winograd_tiles *t, int64_t first, int64_t count, const int32_t *from, int64_t position, int64_t from_row,
  const bitline_finish *finish, const float *m, const float *c, void *y, int64_t sample
) {
  const int64_t per_sample = (int64_t)t->rows * t->columns;
  int64_t n = first / per_sample, row = first % per_sample / t->columns, column = first % t->columns;
  const v16f factor = LOAD16(m), offset = LOAD16(c);
  for (int64_t tile = 0; tile < count; tile++, from += from_row) {
    v16i half[8];
#pragma clang loop unroll(full)
    for (int i = 0; i < 4; i++) {
      const v16i m0 = LOAD16I(from + i * position), m1 = LOAD16I(from + (4 + i) * position), m2 = LOAD16I(from + (8 + i) * position),
                 m3 = LOAD16I(from + (12 + i) * position);
      half[i] = m0 + m1 + m2;
      half[4 + i] = m1 - m2 + m3;
    }
    const int64_t high = bitline_min(2, t->out_height - row * 2), wide = bitline_min(2, t->out_width - column * 2);
    for (int64_t k = 0; k < high; k++) {
      const v16i *d = half + 4 * k;
      const int64_t at = n * sample + ((row * 2 + k) * t->out_width + column * 2) * 16;
      finish_store(finish, (d[0] + d[1] + d[2]) >> 2, factor, offset, y, at);
      if (wide > 1) finish_store(finish, (d[1] - d[2] + d[3]) >> 2, factor, offset, y, at + 16);
    }
    if (++column == t->columns) {
      column = 0;
      if (++row == t->rows) row = 0, n++;
    }
  }
}
