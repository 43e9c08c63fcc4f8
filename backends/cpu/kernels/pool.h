/// Pooling of planes, row by row: a row of results takes in one tap after another.

/// The results along one axis whose element at `offset` from the window's place lies inside `0..<extent`.
BITLINE_INLINE void pool_range(int64_t offset, int64_t stride, int64_t extent, int64_t out, int64_t *first, int64_t *end) {
  *first = offset >= 0 ? 0 : (-offset + stride - 1) / stride;
  *end = extent - 1 - offset < 0 ? 0 : bitline_min(out, (extent - 1 - offset) / stride + 1);
}

/// The larger of two, the first of equals, the first NaN.
#define BITLINE_LARGER(a, b) ((((a) == (a)) & !((b) <= (a))) ? (b) : (a))

#define BITLINE_POOL_MAX(name, type, lowest)                                                                              \
  BITLINE_INLINE void name(const bitline_conv_shape *s, int64_t planes, const type *restrict x, type *restrict y) {       \
    const int64_t height = s->height, width = s->width, out_height = s->out_height, out_width = s->out_width;             \
    const int64_t stride = s->stride_width;                                                                               \
    const int inside = s->pad_top == 0 && s->pad_left == 0 && 2 * out_height <= height && 2 * out_width <= width;         \
    const int halves = inside && s->kernel_height == 2 && s->kernel_width == 2 && s->stride_height == 2 && stride == 2    \
      && s->dilation_height == 1 && s->dilation_width == 1;                                                               \
    for (int64_t plane = 0; plane < planes; plane++, x += height * width) {                                               \
      for (int64_t row = 0; row < out_height; row++, y += out_width) {                                                    \
        if (halves) {                                                                                                     \
          const type *restrict top = x + 2 * row * width;                                                                 \
          const type *restrict below = top + width;                                                                       \
          for (int64_t i = 0; i < out_width; i++) {                                                                       \
            type left = BITLINE_LARGER(top[2 * i], top[2 * i + 1]);                                                       \
            type right = BITLINE_LARGER(below[2 * i], below[2 * i + 1]);                                                  \
            y[i] = BITLINE_LARGER(left, right);                                                                           \
          }                                                                                                               \
          continue;                                                                                                       \
        }                                                                                                                 \
        for (int64_t i = 0; i < out_width; i++) y[i] = lowest;                                                            \
        for (int64_t ky = 0; ky < s->kernel_height; ky++) {                                                               \
          const int64_t at = row * s->stride_height + ky * s->dilation_height - s->pad_top;                               \
          if (at < 0 || at >= height) continue;                                                                           \
          for (int64_t kx = 0; kx < s->kernel_width; kx++) {                                                              \
            const int64_t offset = kx * s->dilation_width - s->pad_left;                                                  \
            const type *restrict from = x + at * width + offset;                                                          \
            int64_t first, end;                                                                                           \
            pool_range(offset, stride, width, out_width, &first, &end);                                                   \
            if (stride == 1) for (int64_t i = first; i < end; i++) y[i] = BITLINE_LARGER(y[i], from[i]);                  \
            else for (int64_t i = first; i < end; i++) y[i] = BITLINE_LARGER(y[i], from[i * stride]);                     \
          }                                                                                                               \
        }                                                                                                                 \
      }                                                                                                                   \
    }                                                                                                                     \
  }

BITLINE_POOL_MAX(pool_max_f32_body, float, -__builtin_inff())
BITLINE_POOL_MAX(pool_max_u8_body, uint8_t, 0)
BITLINE_POOL_MAX(pool_max_i8_body, int8_t, -128)

/// How many of `kernel` elements from `from` on lie in `0..<end`.
BITLINE_INLINE int64_t pool_count(int64_t from, int64_t kernel, int64_t dilation, int64_t end) {
  int64_t count = 0;
  for (int64_t k = 0; k < kernel; k++) count += from + k * dilation >= 0 && from + k * dilation < end;
  return count;
}

BITLINE_INLINE void pool_average_f32_body(
  const bitline_conv_shape *s, int count_padding, int32_t pad_bottom, int32_t pad_right, int64_t planes, const float *restrict x,
  float *restrict y
) {
  const int64_t height = s->height, width = s->width, stride = s->stride_width;
  for (int64_t plane = 0; plane < planes; plane++, x += height * width) {
    for (int64_t row = 0; row < s->out_height; row++, y += s->out_width) {
      const int64_t top = row * s->stride_height - s->pad_top;
      for (int64_t i = 0; i < s->out_width; i++) y[i] = 0;
      for (int64_t ky = 0; ky < s->kernel_height; ky++) {
        const int64_t at = top + ky * s->dilation_height;
        if (at < 0 || at >= height) continue;
        for (int64_t kx = 0; kx < s->kernel_width; kx++) {
          const int64_t offset = kx * s->dilation_width - s->pad_left;
          const float *restrict from = x + at * width + offset;
          int64_t first, end;
          pool_range(offset, stride, width, s->out_width, &first, &end);
          if (stride == 1) for (int64_t i = first; i < end; i++) y[i] += from[i];
          else for (int64_t i = first; i < end; i++) y[i] += from[i * stride];
        }
      }
      // Counting padding is counting inside the padded input.
      const int64_t above = count_padding ? s->pad_top : 0, left = count_padding ? s->pad_left : 0;
      const int64_t end = height + above + (count_padding ? pad_bottom : 0), right = width + left + (count_padding ? pad_right : 0);
      const int64_t rows = pool_count(top + above, s->kernel_height, s->dilation_height, end);
      for (int64_t i = 0; i < s->out_width; i++) {
        const int64_t at = i * stride - s->pad_left + left;
        const int64_t count = rows * pool_count(at, s->kernel_width, s->dilation_width, right);
        y[i] = count == 0 ? 0 : y[i] / (float)count;
      }
    }
  }
}
