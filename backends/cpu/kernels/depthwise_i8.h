/// Depthwise convolution of codes of one block of sixteen channels.

/// Sums of `columns` results of a row, whose windows lie inside the input along the row. `columns` is a constant at every call.
BITLINE_INLINE BITLINE_TARGET void depthwise_i8_columns(
  const bitline_conv_shape *s, const int columns, const uint8_t *x, int64_t ky_first, int64_t ky_end, uint8_t flip, v16i zero,
  const int32_t *w, int32_t *sums
) {
  v16i sum[8];
#pragma clang loop unroll(full)
  for (int i = 0; i < columns; i++) sum[i] = SPLAT16I(0);
  const int64_t stride = (int64_t)s->stride_width * 16;
  for (int64_t ky = ky_first; ky < ky_end; ky++) {
    const uint8_t *from = x + ky * s->dilation_height * s->width * 16;
    for (int64_t kx = 0; kx < s->kernel_width; kx++, from += s->dilation_width * 16) {
      const v16i weight = LOAD16I(w + (ky * s->kernel_width + kx) * 16);
#pragma clang loop unroll(full)
      for (int i = 0; i < columns; i++) {
        const v16i codes = __builtin_convertvector(LOAD16B(from + i * stride) ^ (v16u8)(flip), v16i);
        sum[i] = BITLINE_DOT2(sum[i], codes - zero, weight);
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
  const v16i zeros = SPLAT16I(zero);
  const int64_t reach = (int64_t)(s->kernel_width - 1) * s->dilation_width, top = row * s->stride_height - s->pad_top;
  int64_t ky_first, ky_end;
  pool_inside(top, s->kernel_height, s->dilation_height, s->height, &ky_first, &ky_end);
  const uint8_t *line = x + top * s->width * 16;
  for (int64_t column = 0; column < s->out_width;) {
    const int64_t left = column * s->stride_width - s->pad_left;
    if (left >= 0 && left + 7 * s->stride_width + reach < s->width && column + 8 <= s->out_width) {
      depthwise_i8_columns(s, 8, line + left * 16, ky_first, ky_end, flip, zeros, w, sums);
      sums += 8 * 16;
      column += 8;
      continue;
    }
    int64_t kx_first, kx_end;
    pool_inside(left, s->kernel_width, s->dilation_width, s->width, &kx_first, &kx_end);
    v16i sum = SPLAT16I(0);
    for (int64_t ky = ky_first; ky < ky_end; ky++) {
      for (int64_t kx = kx_first; kx < kx_end; kx++) {
        const uint8_t *from = line + (ky * s->dilation_height * s->width + left + kx * s->dilation_width) * 16;
        const v16i codes = __builtin_convertvector(LOAD16B(from) ^ (v16u8)(flip), v16i);
        sum = BITLINE_DOT2(sum, codes - zeros, LOAD16I(w + (ky * s->kernel_width + kx) * 16));
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
#define BITLINE_DEPTHWISE_WORDS(name, UNROLL)                                                                                          \
  BITLINE_INLINE BITLINE_TARGET int name(                                                                                              \
    const uint8_t *x, int64_t x_row, int64_t stride, const int64_t height, const int64_t groups, const int8_t *w, const int32_t *start, \
    int64_t columns, const requantize_lanes *lanes, uint8_t *y, uint16_t *doubts                                                       \
  ) {                                                                                                                                  \
    const requantize_vectors r = requantize_vectors_of(lanes);                                                                         \
    const v16i first = LOAD16I(start);                                                                                                 \
    int any = 0;                                                                                                                       \
    for (int64_t column = 0; column < columns; column++, x += stride * 16, y += 16) {                                                  \
      v16i sum = first;                                                                                                                \
      UNROLL for (int64_t ky = 0; ky < height; ky++) {                                                                                 \
        UNROLL for (int64_t group = 0; group < groups; group++) {                                                                      \
          const v16i four = BITLINE_TRANSPOSE_WORDS(LOAD16I(x + ky * x_row + group * 64));                                             \
          sum = BITLINE_DOT4(sum, four, LOAD16I(w + (ky * groups + group) * 64));                                                      \
        }                                                                                                                              \
      }                                                                                                                                \
      any |= doubts[column] = requantize_store(&r, sum, y);                                                                            \
    }                                                                                                                                  \
    return any;                                                                                                                        \
  }
BITLINE_DEPTHWISE_WORDS(depthwise_i8_words_any, )
/// For a `height` and `groups` that are constants.
BITLINE_DEPTHWISE_WORDS(depthwise_i8_words_unrolled, _Pragma("clang loop unroll(full)"))

BITLINE_INLINE BITLINE_TARGET int depthwise_i8_words_body(
  const uint8_t *x, int64_t x_row, int64_t stride, int64_t height, int64_t groups, const int8_t *w, const int32_t *start, int64_t columns,
  const requantize_lanes *lanes, uint8_t *y, uint16_t *doubts
) {
  if (height == 3 && groups == 1) return depthwise_i8_words_unrolled(x, x_row, stride, 3, 1, w, start, columns, lanes, y, doubts);
  return depthwise_i8_words_any(x, x_row, stride, height, groups, w, start, columns, lanes, y, doubts);
}
#endif
