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

/// The same of a window three wide without holes and a `stride` that is a constant: a row of the input is read once for all columns, into
/// registers. The first element of a row may lie outside the input, and so may the last: then they count as 0.
BITLINE_INLINE BITLINE_TARGET void depthwise_columns_by_three(
  const bitline_conv_shape *s, const int columns, const int stride, const float *x, int begins_outside, int ends_outside, int64_t ky_first,
  int64_t ky_end, const float *w, v16f bias, bitline_activation activation, float *y
) {
  const int last = (columns - 1) * stride + 2;
  v16f sum[8];
#pragma clang loop unroll(full)
  for (int i = 0; i < columns; i++) sum[i] = bias;
  for (int64_t ky = ky_first; ky < ky_end; ky++) {
    const float *from = x + ky * s->dilation_height * s->width * 16;
    v16f row[17];
    row[0] = SPLAT16(0.0f);
    row[last] = SPLAT16(0.0f);
    if (!begins_outside) row[0] = LOAD16(from);
#pragma clang loop unroll(full)
    for (int i = 1; i < last; i++) row[i] = LOAD16(from + 16 * i);
    if (!ends_outside) row[last] = LOAD16(from + 16 * last);
#pragma clang loop unroll(full)
    for (int kx = 0; kx < 3; kx++) {
      const v16f weight = LOAD16(w + (ky * 3 + kx) * 16);
#pragma clang loop unroll(full)
      for (int i = 0; i < columns; i++) sum[i] = BITLINE_MULTIPLY_ADD(row[i * stride + kx], weight, sum[i]);
    }
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < columns; i++) STORE16(y + 16 * i, ACTIVATE16(activation, sum[i]));
}

/// A row of results from pieces of up to eight columns that differ by one at most. `x` is the first column's window.
BITLINE_INLINE BITLINE_TARGET void depthwise_row_by_three(
  const bitline_conv_shape *s, const int stride, const float *x, int64_t ky_first, int64_t ky_end, const float *w, v16f bias,
  bitline_activation activation, float *y
) {
  const int64_t pieces = (s->out_width + 7) / 8, each = s->out_width / pieces, longer = s->out_width % pieces;
  const int reaches_out = (s->out_width - 1) * stride - s->pad_left + 2 >= s->width;
  for (int64_t piece = 0; piece < pieces; piece++) {
    const int64_t columns = each + (piece < longer);
    const int begins = piece == 0 && s->pad_left > 0, ends = piece == pieces - 1 && reaches_out;
    switch (columns) {
#define DEPTHWISE_CASE(columns) \
  case columns: depthwise_columns_by_three(s, columns, stride, x, begins, ends, ky_first, ky_end, w, bias, activation, y); break;
      DEPTHWISE_CASE(1) DEPTHWISE_CASE(2) DEPTHWISE_CASE(3) DEPTHWISE_CASE(4) DEPTHWISE_CASE(5) DEPTHWISE_CASE(6) DEPTHWISE_CASE(7)
      DEPTHWISE_CASE(8)
#undef DEPTHWISE_CASE
    }
    x += columns * stride * 16;
    y += columns * 16;
  }
}

/// Whether windows are three wide, one or two apart, and reach out of the input by one element at most: then `depthwise_row_by_three` takes
/// them, where a level has registers for a row and its sums.
BITLINE_INLINE int depthwise_goes_by_three(const bitline_conv_shape *s) {
  return BITLINE_BLOCK_MAX_ROWS > 8 && s->out_width > 0 && s->kernel_width == 3 && s->dilation_width == 1 && s->stride_width <= 2 && s->pad_left <= 1
    && (s->out_width - 1) * s->stride_width - s->pad_left + 2 <= s->width;
}

/// One result of a column whose window may reach out of the input along the row.
BITLINE_INLINE BITLINE_TARGET void depthwise_edge(
  const bitline_conv_shape *s, const float *x, int64_t left, int64_t ky_first, int64_t ky_end, const float *w, v16f bias,
  bitline_activation activation, float *y
) {
  int64_t kx_first, kx_end;
  pool_inside(left, s->kernel_width, s->dilation_width, s->width, &kx_first, &kx_end);
  v16f sum = bias;
  for (int64_t ky = ky_first; ky < ky_end; ky++) {
    for (int64_t kx = kx_first; kx < kx_end; kx++) {
      const float *from = x + (ky * s->dilation_height * s->width + kx * s->dilation_width) * 16;
      sum = BITLINE_MULTIPLY_ADD(LOAD16(from), LOAD16(w + (ky * s->kernel_width + kx) * 16), sum);
    }
  }
  STORE16(y, ACTIVATE16(activation, sum));
}

BITLINE_INLINE BITLINE_TARGET void depthwise_blocked_body(
  const bitline_conv_shape *s, const float *x, const float *w, const float *bias, bitline_activation activation, float *y
) {
  const v16f start = LOAD16(bias);
  const int64_t reach = (int64_t)(s->kernel_width - 1) * s->dilation_width, space = (int64_t)s->width - 1 - reach + s->pad_left;
  // The columns whose windows lie inside the input.
  const int64_t first = bitline_min((s->pad_left + s->stride_width - 1) / s->stride_width, s->out_width);
  const int64_t end = space < 0 ? first : bitline_max(first, bitline_min(space / s->stride_width + 1, s->out_width));
  const int by_three = depthwise_goes_by_three(s);
  for (int64_t row = 0; row < s->out_height; row++) {
    const int64_t top = row * s->stride_height - s->pad_top;
    int64_t ky_first, ky_end;
    pool_inside(top, s->kernel_height, s->dilation_height, s->height, &ky_first, &ky_end);
    const float *line = x + (top * s->width - s->pad_left) * 16;
    if (by_three) {
      if (s->stride_width == 1) depthwise_row_by_three(s, 1, line, ky_first, ky_end, w, start, activation, y);
      else depthwise_row_by_three(s, 2, line, ky_first, ky_end, w, start, activation, y);
      y += s->out_width * 16;
      continue;
    }
    for (int64_t column = 0; column < s->out_width;) {
      const float *from = line + column * s->stride_width * 16;
      int64_t done = 1;
      if (column < first || column >= end) {
        depthwise_edge(s, from, column * s->stride_width - s->pad_left, ky_first, ky_end, w, start, activation, y);
      } else if (column + 8 <= end) {
        depthwise_columns(s, 8, from, ky_first, ky_end, w, start, activation, y);
        done = 8;
      } else if (column + 4 <= end) {
        depthwise_columns(s, 4, from, ky_first, ky_end, w, start, activation, y);
        done = 4;
      } else {
        depthwise_columns(s, 1, from, ky_first, ky_end, w, start, activation, y);
      }
      y += done * 16;
      column += done;
    }
  }
}
