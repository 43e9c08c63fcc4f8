/// Depthwise convolution of codes of one block of sixteen channels.

/// Sums of `columns` results of a row, whose windows lie inside the input along the row. `columns` is a constant at every call.
BITLINE_INLINE BITLINE_TARGET void depthwise_i8_columns(
  const bitline_conv_shape *s, const int columns, const uint8_t *x, int64_t ky_first, int64_t ky_end, uint8_t flip, v16i zero,
  const int32_t *w, int32_t *sums
) {
  v16i sum[BITLINE_DEPTHWISE_COLUMNS];
#pragma clang loop unroll(full)
  for (int i = 0; i < columns; i++) sum[i] = SPLAT16I(0);
  const int64_t stride = (int64_t)s->stride_width * 16;
  for (int64_t ky = ky_first; ky < ky_end; ky++) {
    const uint8_t *from = x + ky * s->dilation_height * s->width * 16;
    for (int64_t kx = 0; kx < s->kernel_width; kx++, from += s->dilation_width * 16) {
      const v16i weight = LOAD16I(w + (ky * s->kernel_width + kx) * 16);
#pragma clang loop unroll(full)
      for (int i = 0; i < columns; i++) {
        const v16u8 codes = LOAD16B(from + i * stride) ^ (v16u8)(flip);
        sum[i] = BITLINE_CODE_PRODUCTS(sum[i], codes, zero, weight);
      }
    }
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < columns; i++) STORE16I(sums + 16 * i, sum[i]);
}

/// Sums of result row `row`. Weights are i16 in the lower half of each lane; the upper half is 0, so that of pairs the first counts.
BITLINE_INLINE BITLINE_TARGET void depthwise_i8_row(
  const bitline_conv_shape *s, const uint8_t *x, uint8_t flip, int32_t zero, const int32_t *w, int64_t row, int32_t *sums
) {
  enum { COLUMNS = BITLINE_DEPTHWISE_COLUMNS };
  const v16i zeros = SPLAT16I(zero);
  const int64_t reach = (int64_t)(s->kernel_width - 1) * s->dilation_width, top = row * s->stride_height - s->pad_top;
  int64_t ky_first, ky_end;
  pool_inside(top, s->kernel_height, s->dilation_height, s->height, &ky_first, &ky_end);
  const uint8_t *line = x + top * s->width * 16;
  for (int64_t column = 0; column < s->out_width;) {
    const int64_t left = column * s->stride_width - s->pad_left;
    if (left >= 0 && left + (COLUMNS - 1) * s->stride_width + reach < s->width && column + COLUMNS <= s->out_width) {
      depthwise_i8_columns(s, COLUMNS, line + left * 16, ky_first, ky_end, flip, zeros, w, sums);
      sums += COLUMNS * 16;
      column += COLUMNS;
      continue;
    }
    int64_t kx_first, kx_end;
    pool_inside(left, s->kernel_width, s->dilation_width, s->width, &kx_first, &kx_end);
    v16i sum = SPLAT16I(0);
    for (int64_t ky = ky_first; ky < ky_end; ky++) {
      for (int64_t kx = kx_first; kx < kx_end; kx++) {
        const uint8_t *from = line + (ky * s->dilation_height * s->width + left + kx * s->dilation_width) * 16;
        const v16u8 codes = LOAD16B(from) ^ (v16u8)(flip);
        sum = BITLINE_CODE_PRODUCTS(sum, codes, zeros, LOAD16I(w + (ky * s->kernel_width + kx) * 16));
      }
    }
    STORE16I(sums, sum);
    sums += 16;
    column++;
  }
}

#ifdef BITLINE_TRANSPOSE_WORDS
/// Codes of a row of results, from a plane with room around it. Four positions of a row, sixteen channels each, become sixteen words of
/// four, so that one product takes four of a window's columns; `w` is `[kernel_height][groups][16][4]`.
BITLINE_INLINE BITLINE_TARGET int depthwise_i8_words_any(
  const uint8_t *x, int64_t x_row, int64_t stride, int64_t height, int64_t groups, const int8_t *w, const int32_t *start, int64_t columns,
  const requantize_vectors *r, uint8_t *y, uint16_t *doubts
) {
  const v16i first = LOAD16I(start);
  int any = 0;
  for (int64_t column = 0; column < columns; column++, x += stride * 16, y += 16) {
    v16i sum = first;
    for (int64_t ky = 0; ky < height; ky++) {
      for (int64_t group = 0; group < groups; group++) {
        const v16i four = BITLINE_TRANSPOSE_WORDS(LOAD16I(x + ky * x_row + group * 64));
        sum = BITLINE_DOT4(sum, four, LOAD16I(w + (ky * groups + group) * 64));
      }
    }
    any |= requantize_store_sums(r, &sum, 1, y, doubts + column);
  }
  return any;
}

/// Columns by fours, of a window of 3 x 3 at most with `stride` 1 or 2, a constant. At stride 1 the words of four columns serve two results:
/// the second one's weights are a byte further on.
BITLINE_INLINE BITLINE_TARGET int depthwise_i8_words_3x3(
  const uint8_t *x, int64_t x_row, const int stride, const int8_t *w, const int32_t *start, int64_t columns, const requantize_vectors *r,
  uint8_t *y, uint16_t *doubts
) {
  const v16i first = LOAD16I(start);
  v16i weights[3], further[3];
#pragma clang loop unroll(full)
  for (int ky = 0; ky < 3; ky++) {
    weights[ky] = LOAD16I(w + ky * 64);
    further[ky] = weights[ky] << 8;
  }
  int any = 0;
  for (int64_t column = 0; column < columns; column += 4, x += stride * 64, y += 64) {
    v16i sums[4] = {first, first, first, first};
#pragma clang loop unroll(full)
    for (int ky = 0; ky < 3; ky++) {
#pragma clang loop unroll(full)
      for (int i = 0; i < 4; i++) {
        if (stride == 1 && i % 2 == 1) continue;
        const v16i four = BITLINE_TRANSPOSE_WORDS(LOAD16I(x + ky * x_row + i * stride * 16));
        sums[i] = BITLINE_DOT4(sums[i], four, weights[ky]);
        if (stride == 1) sums[i + 1] = BITLINE_DOT4(sums[i + 1], four, further[ky]);
      }
    }
    any |= requantize_store_sums(r, sums, 4, y, doubts + column);
  }
  return any;
}

BITLINE_INLINE BITLINE_TARGET int depthwise_i8_words_body(
  const uint8_t *x, int64_t x_row, int64_t stride, int64_t height, int64_t width, const int8_t *w, const int32_t *start, int64_t columns,
  const requantize_lanes *lanes, uint8_t *y, uint16_t *doubts
) {
  const int64_t groups = (width + 3) / 4;
  const requantize_vectors r = requantize_vectors_of(lanes);
  int any = 0;
  const int64_t fours = height == 3 && width <= 3 && stride <= 2 ? columns / 4 * 4 : 0;
  if (fours > 0 && stride == 1) any = depthwise_i8_words_3x3(x, x_row, 1, w, start, fours, &r, y, doubts);
  else if (fours > 0) any = depthwise_i8_words_3x3(x, x_row, 2, w, start, fours, &r, y, doubts);
  return any | depthwise_i8_words_any(
    x + fours * stride * 16, x_row, stride, height, groups, w, start, columns - fours, &r, y + fours * 16, doubts + fours);
}
#endif
