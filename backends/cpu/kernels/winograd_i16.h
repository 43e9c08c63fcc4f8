/// Winograd's F(4x4, 3x3) on integers, exact modulo 2^32: at the points 0, +-1, +-2 and infinity, with weights transformed without the usual
/// fractions; what they leave out, 1/4, -1/6, -1/6, 1/24, 1/24 and 1, goes into the transform of results 24 times on each side. Sums come
/// out 576 = 9 * 64 times too large: 9 is divided by multiplying with its inverse modulo 2^32, and 64 by a shift, which is why sums must lie
/// within 25 bits and a sign.

typedef int16_t v16s __attribute__((ext_vector_type(16)));
typedef int16_t v16s_anywhere __attribute__((ext_vector_type(16), aligned(2)));
typedef uint32_t v16u __attribute__((ext_vector_type(16)));

/// One side of the input's transform, six numbers to six. Codes less their zero are at most 255, and the sides' sums 10 times that each.
BITLINE_INLINE BITLINE_TARGET void winograd_i16_input_side(const v16s *d, const int stride, v16s *to) {
  const v16s d0 = d[0], d1 = d[stride], d2 = d[2 * stride], d3 = d[3 * stride], d4 = d[4 * stride], d5 = d[5 * stride];
  const v16s fourfold1 = d1 << 2, fourfold2 = d2 << 2, fourfold3 = d3 << 2;
  const v16s even4 = d4 - fourfold2, odd4 = d3 - fourfold1, even1 = d4 - d2, odd1 = (d3 - d1) << 1;
  to[0] = (d0 << 2) - fourfold2 - d2 + d4;
  to[1] = even4 + odd4;
  to[2] = even4 - odd4;
  to[3] = even1 + odd1;
  to[4] = even1 - odd1;
  to[5] = fourfold1 - fourfold3 - d3 + d5;
}

/// Tiles `first..<first + count` of the channel block at `x`: number `p` of tile `t` at `to + p * position + (t - first) * 16`.
BITLINE_INLINE BITLINE_TARGET void winograd_input_i16_tiles(
  const winograd_tiles *t, int64_t first, int64_t count, const uint8_t *x, int64_t sample, uint8_t flip, int32_t zero, int16_t *to,
  int64_t position
) {
  const int64_t per_sample = (int64_t)t->rows * t->columns;
  int64_t n = first / per_sample, row = first % per_sample / t->columns, column = first % t->columns;
  const v16s zeros = (v16s)((int16_t)zero);
  for (int64_t tile = 0; tile < count; tile++, to += 16) {
    const int64_t top = row * 4 - t->pad_top, left = column * 4 - t->pad_left, stride = (int64_t)t->width * 16;
    const uint8_t *from = x + n * sample + (top * t->width + left) * 16;
    v16s half[36];
    if (top < 0 || left < 0 || top + 6 > t->height || left + 6 > t->width) {
      v16s d[36];
      for (int64_t y = 0; y < 6; y++) {
        for (int64_t i = 0; i < 6; i++) {
          const int inside = top + y >= 0 && top + y < t->height && left + i >= 0 && left + i < t->width;
          d[y * 6 + i] =
            inside ? __builtin_convertvector(LOAD16B(from + y * stride + i * 16) ^ (v16u8)(flip), v16s) - zeros : (v16s)((int16_t)0);
        }
      }
      for (int i = 0; i < 6; i++) winograd_i16_input_side(d + i, 6, half + 6 * i);
    } else {
#pragma clang loop unroll(full)
      for (int i = 0; i < 6; i++) {
        v16s d[6];
#pragma clang loop unroll(full)
        for (int y = 0; y < 6; y++) d[y] = __builtin_convertvector(LOAD16B(from + y * stride + i * 16) ^ (v16u8)(flip), v16s) - zeros;
        winograd_i16_input_side(d, 1, half + 6 * i);
      }
    }
#pragma clang loop unroll(full)
    for (int y = 0; y < 6; y++) {
      v16s side[6];
      winograd_i16_input_side(half + y, 6, side);
#pragma clang loop unroll(full)
      for (int i = 0; i < 6; i++) *(v16s_anywhere *)(to + (6 * y + i) * position) = side[i];
    }
    if (++column == t->columns) {
      column = 0;
      if (++row == t->rows) row = 0, n++;
    }
  }
}

/// One side of the result's transform, six products to four.
BITLINE_INLINE BITLINE_TARGET void winograd_i16_output_side(const v16u *m, const int stride, v16u *to) {
  const v16u m1 = m[stride], m2 = m[2 * stride], m3 = m[3 * stride], m4 = m[4 * stride], m5 = m[5 * stride];
  const v16u sum1 = (m1 + m2) << 2, rest1 = (m1 - m2) << 2, sum2 = m3 + m4, rest2 = (m3 - m4) << 1;
  to[0] = (m[0] << 2) + (m[0] << 1) - sum1 + sum2;
  to[1] = rest2 - rest1;
  to[2] = (sum2 << 2) - sum1;
  to[3] = (rest2 << 2) - rest1 + (m5 << 4) + (m5 << 3);
}

/// Products of tiles to codes of the filter block at `y`; `doubts[tile][16]` has bits for what is not sure, by row and column of the tile.
BITLINE_INLINE BITLINE_TARGET int winograd_output_i16_tiles(
  const winograd_tiles *t, int64_t first, int64_t count, const int32_t *from, int64_t position, int64_t from_row,
  const requantize_lanes *lanes, uint8_t *y, int64_t sample, uint16_t *doubts
) {
  const int64_t per_sample = (int64_t)t->rows * t->columns;
  int64_t n = first / per_sample, row = first % per_sample / t->columns, column = first % t->columns;
  const requantize_vectors requantize = requantize_vectors_of(lanes);
  const v16u ninth = (v16u)(954437177u);
  int any = 0;
  for (int64_t tile = 0; tile < count; tile++, from += from_row, doubts += 16) {
    v16u half[24];
#pragma clang loop unroll(full)
    for (int i = 0; i < 6; i++) {
      v16u products[6];
#pragma clang loop unroll(full)
      for (int k = 0; k < 6; k++) products[k] = (v16u)LOAD16I(from + (6 * k + i) * position);
      winograd_i16_output_side(products, 1, half + 4 * i);
    }
    const int64_t high = bitline_min(4, t->out_height - row * 4), wide = bitline_min(4, t->out_width - column * 4);
    for (int64_t k = 0; k < high; k++) {
      v16u sums[4];
      winograd_i16_output_side(half + k, 4, sums);
      uint8_t *to = y + n * sample + ((row * 4 + k) * t->out_width + column * 4) * 16;
      v16i exact[4];
#pragma clang loop unroll(full)
      for (int i = 0; i < 4; i++) exact[i] = (v16i)(sums[i] * ninth) >> 6;
      if (wide == 4) {
        any |= requantize_store_sums(&requantize, exact, 4, to, doubts + 4 * k);
        continue;
      }
      for (int64_t i = 0; i < wide; i++) any |= requantize_store_sums(&requantize, exact + i, 1, to + 16 * i, doubts + 4 * k + i);
    }
    if (++column == t->columns) {
      column = 0;
      if (++row == t->rows) row = 0, n++;
    }
  }
  return any;
}
