/// Winograd's convolution with 3x3 windows: F(4x4, 3x3) at the points 0, +-2/3, +-3/2 and F(2x2, 3x3) at 0, +-1, infinity closing both.
///
/// With these points F(4x4, 3x3) errs by a third of what the customary 0, +-1, +-2 give: about 0.4 of a dot product's tolerance.

/// One side of the input's transform: size + 2 numbers, `stride` apart, to as many.
BITLINE_INLINE BITLINE_TARGET void winograd_input_side(const int size, const v16f *d, const int stride, v16f *to, const int to_stride) {
  if (size == 2) {
    to[0] = d[0] - d[2 * stride];
    to[to_stride] = d[stride] + d[2 * stride];
    to[2 * to_stride] = d[2 * stride] - d[stride];
    to[3 * to_stride] = d[3 * stride] - d[stride];
    return;
  }
  const float a = BITLINE_WINOGRAD_A, b = BITLINE_WINOGRAD_B, aa = a * a, bb = b * b, both = aa + bb;
  const v16f d0 = d[0], d1 = d[stride], d2 = d[2 * stride], d3 = d[3 * stride], d4 = d[4 * stride], d5 = d[5 * stride];
  // a * b is 1.
  to[0] = BITLINE_MULTIPLY_ADD(d2, SPLAT16(-both), d0 + d4);
  const v16f even_a = BITLINE_MULTIPLY_ADD(d2, SPLAT16(-bb), d4), odd_a = BITLINE_MULTIPLY_ADD(d1, SPLAT16(-bb), d3);
  to[to_stride] = BITLINE_MULTIPLY_ADD(odd_a, SPLAT16(a), even_a);
  to[2 * to_stride] = BITLINE_MULTIPLY_ADD(odd_a, SPLAT16(-a), even_a);
  const v16f even_b = BITLINE_MULTIPLY_ADD(d2, SPLAT16(-aa), d4), odd_b = BITLINE_MULTIPLY_ADD(d1, SPLAT16(-aa), d3);
  to[3 * to_stride] = BITLINE_MULTIPLY_ADD(odd_b, SPLAT16(b), even_b);
  to[4 * to_stride] = BITLINE_MULTIPLY_ADD(odd_b, SPLAT16(-b), even_b);
  to[5 * to_stride] = BITLINE_MULTIPLY_ADD(d3, SPLAT16(-both), d1 + d5);
}

/// One side of the result's transform: size + 2 products to `size` results.
BITLINE_INLINE BITLINE_TARGET void winograd_output_side(const int size, const v16f *m, const int stride, v16f *to, const int to_stride) {
  if (size == 2) {
    to[0] = m[0] + m[stride] + m[2 * stride];
    to[to_stride] = m[stride] - m[2 * stride] + m[3 * stride];
    return;
  }
  const float a = BITLINE_WINOGRAD_A, b = BITLINE_WINOGRAD_B, aa = a * a, bb = b * b;
  const v16f sum_a = m[stride] + m[2 * stride], rest_a = m[stride] - m[2 * stride];
  const v16f sum_b = m[3 * stride] + m[4 * stride], rest_b = m[3 * stride] - m[4 * stride];
  to[0] = m[0] + sum_a + sum_b;
  to[to_stride] = BITLINE_MULTIPLY_ADD(rest_a, SPLAT16(a), rest_b * b);
  to[2 * to_stride] = BITLINE_MULTIPLY_ADD(sum_a, SPLAT16(aa), sum_b * bb);
  to[3 * to_stride] = BITLINE_MULTIPLY_ADD(rest_a, SPLAT16(a * aa), BITLINE_MULTIPLY_ADD(rest_b, SPLAT16(b * bb), m[5 * stride]));
}

BITLINE_INLINE BITLINE_TARGET void winograd_input_tiles(
  const winograd_tiles *t, const int size, int64_t first, int64_t count, const float *x, int64_t sample, float *to, int64_t position
) {
  enum { MOST = 6 };
  const int side = size + 2;
  const int64_t per_sample = (int64_t)t->rows * t->columns;
  int64_t n = first / per_sample, row = first % per_sample / t->columns, column = first % t->columns;
  for (int64_t tile = 0; tile < count; tile++, to += 16) {
    const int64_t top = row * size - t->pad_top, left = column * size - t->pad_left;
    const float *from = x + n * sample + (top * t->width + left) * 16;
    int64_t stride = (int64_t)t->width * 16;
    v16f copy[MOST * MOST], half[MOST * MOST];
    if (top < 0 || left < 0 || top + side > t->height || left + side > t->width) {
      for (int64_t y = 0; y < side; y++) {
        for (int64_t i = 0; i < side; i++) {
          const int inside = top + y >= 0 && top + y < t->height && left + i >= 0 && left + i < t->width;
          copy[y * side + i] = inside ? LOAD16(from + y * stride + i * 16) : SPLAT16(0.0f);
        }
      }
      from = (const float *)copy;
      stride = side * 16;
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < side; i++) {
      v16f line[MOST];
#pragma clang loop unroll(full)
      for (int y = 0; y < side; y++) line[y] = LOAD16(from + y * stride + i * 16);
      winograd_input_side(size, line, 1, half + i, side);
    }
#pragma clang loop unroll(full)
    for (int y = 0; y < side; y++) {
      v16f line[MOST];
      winograd_input_side(size, half + y * side, 1, line, 1);
#pragma clang loop unroll(full)
      for (int i = 0; i < side; i++) STORE16(to + (y * side + i) * position, line[i]);
    }
    if (++column == t->columns) {
      column = 0;
      if (++row == t->rows) row = 0, n++;
    }
  }
}

BITLINE_INLINE BITLINE_TARGET void winograd_output_tiles(
  const winograd_tiles *t, const int size, int64_t first, int64_t count, const float *from, int64_t position, int64_t from_row,
  const float *bias, const float *add, bitline_activation activation, float *y, int64_t sample
) {
  enum { MOST = 6 };
  const int side = size + 2;
  const int64_t per_sample = (int64_t)t->rows * t->columns;
  int64_t n = first / per_sample, row = first % per_sample / t->columns, column = first % t->columns;
  const v16f start = LOAD16(bias);
  for (int64_t tile = 0; tile < count; tile++, from += from_row) {
    v16f half[4 * MOST];
#pragma clang loop unroll(full)
    for (int i = 0; i < side; i++) {
      v16f line[MOST];
#pragma clang loop unroll(full)
      for (int k = 0; k < side; k++) line[k] = LOAD16(from + (k * side + i) * position);
      winograd_output_side(size, line, 1, half + i, side);
    }
    const int64_t at = n * sample + (row * size * t->out_width + column * size) * 16;
    const int64_t high = bitline_min(size, t->out_height - row * size), wide = bitline_min(size, t->out_width - column * size);
    for (int64_t k = 0; k < high; k++) {
      v16f line[4];
      winograd_output_side(size, half + k * side, 1, line, 1);
      const int64_t here = at + k * t->out_width * 16;
#pragma clang loop unroll(full)
      for (int i = 0; i < size; i++) {
        if (i >= wide) break;
        v16f result = line[i] + start;
        if (add) result += LOAD16(add + here + i * 16);
        STORE16(y + here + i * 16, ACTIVATE16(activation, result));
      }
    }
    if (++column == t->columns) {
      column = 0;
      if (++row == t->rows) row = 0, n++;
    }
  }
}
