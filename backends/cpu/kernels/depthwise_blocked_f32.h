/// Depthwise convolution of one block of sixteen channels.

/// Results `columns` of a row from `x` on, whose windows lie inside the input along the row. `columns` is a constant at every call.
BITLINE_INLINE BITLINE_TARGET void depthwise_columns(
  const bitline_conv_shape *s, const int columns, const float *x, int64_t ky_first, int64_t ky_end, const float *w, v16f bias,
  bitline_activation activation, float *y
) {
  v16f sum[8];
#pragma clang loop unroll(full)
  for (int i = 0; i < columns; i++) sum[i] = bias;
  const int64_t stride = (int64_t)s->stride_width * 16;
  for (int64_t ky = ky_first; ky < ky_end; ky++) {
    const float *from = x + ky * s->dilation_height * s->width * 16;
    for (int64_t kx = 0; kx < s->kernel_width; kx++, from += s->dilation_width * 16) {
      const v16f weight = LOAD16(w + (ky * s->kernel_width + kx) * 16);
#pragma clang loop unroll(full)
      for (int i = 0; i < columns; i++) sum[i] = BITLINE_MULTIPLY_ADD(LOAD16(from + i * stride), weight, sum[i]);
    }
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < columns; i++) STORE16(y + 16 * i, ACTIVATE16(activation, sum[i]));
}

BITLINE_INLINE BITLINE_TARGET void depthwise_blocked_body(
  const bitline_conv_shape *s, const float *x, const float *w, const float *bias, bitline_activation activation, float *y
) {
  const v16f start = LOAD16(bias);
  const int64_t reach = (int64_t)(s->kernel_width - 1) * s->dilation_width;
  for (int64_t row = 0; row < s->out_height; row++) {
    const int64_t top = row * s->stride_height - s->pad_top;
    int64_t ky_first, ky_end;
    pool_inside(top, s->kernel_height, s->dilation_height, s->height, &ky_first, &ky_end);
    const float *line = x + top * s->width * 16;
    for (int64_t column = 0; column < s->out_width;) {
      const int64_t left = column * s->stride_width - s->pad_left;
      if (left >= 0 && left + 7 * s->stride_width + reach < s->width && column + 8 <= s->out_width) {
        depthwise_columns(s, 8, line + left * 16, ky_first, ky_end, w, start, activation, y);
        y += 8 * 16;
        column += 8;
        continue;
      }
      int64_t kx_first, kx_end;
      pool_inside(left, s->kernel_width, s->dilation_width, s->width, &kx_first, &kx_end);
      v16f sum = start;
      for (int64_t ky = ky_first; ky < ky_end; ky++) {
        for (int64_t kx = kx_first; kx < kx_end; kx++) {
          const float *from = line + (ky * s->dilation_height * s->width + left + kx * s->dilation_width) * 16;
          sum = BITLINE_MULTIPLY_ADD(LOAD16(from), LOAD16(w + (ky * s->kernel_width + kx) * 16), sum);
        }
      }
      STORE16(y, ACTIVATE16(activation, sum));
      y += 16;
      column++;
    }
  }
}
