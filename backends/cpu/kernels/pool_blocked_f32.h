/// Pooling over tensors in blocks of sixteen channels; `planes` counts blocks.

/// The steps of a window, from `first` on and before `end`, whose elements lie inside the input.
BITLINE_INLINE BITLINE_TARGET void pool_inside(int64_t at, int64_t kernel, int64_t dilation, int64_t extent, int64_t *first, int64_t *end) {
  *first = at >= 0 ? 0 : (-at + dilation - 1) / dilation;
  *end = kernel;
  while (*end > *first && at + (*end - 1) * dilation >= extent) (*end)--;
}

/// The greatest of a whole window of `kernel` x `kernel`, a constant, and the first of several zeros; `sum`, of all, is NaN where one is.
BITLINE_INLINE BITLINE_TARGET v16f greatest_of_window(const float *x, int64_t right, int64_t down, const int kernel, v16f *sum) {
  v16f most[3];
#pragma clang loop unroll(full)
  for (int ky = 0; ky < kernel; ky++) {
#pragma clang loop unroll(full)
    for (int kx = 0; kx < kernel; kx++) {
      const v16f value = LOAD16(x + ky * down + kx * right);
      *sum = kx + ky == 0 ? value : *sum + value;
      if (kx == 0) most[ky] = value;
      else most[ky] = value > most[ky] ? value : most[ky];
    }
    if (ky > 0) most[0] = most[ky] > most[0] ? most[ky] : most[0];
  }
  return most[0];
}

BITLINE_INLINE BITLINE_TARGET void pool_max_blocked_body(const bitline_conv_shape *s, int64_t planes, const float *x, float *y) {
  const int64_t right = s->dilation_width * 16, down = (int64_t)s->dilation_height * s->width * 16;
  const int kernel = s->kernel_height == s->kernel_width ? s->kernel_height : 0;
  for (int64_t plane = 0; plane < planes; plane++, x += (int64_t)s->height * s->width * 16) {
    for (int64_t row = 0; row < s->out_height; row++) {
      const int64_t top = row * s->stride_height - s->pad_top;
      int64_t y_first, y_end;
      pool_inside(top, s->kernel_height, s->dilation_height, s->height, &y_first, &y_end);
      for (int64_t column = 0; column < s->out_width; column++, y += 16) {
        const int64_t left = column * s->stride_width - s->pad_left;
        int64_t x_first = 0, x_end = s->kernel_width;
        if (left < 0 || left + (x_end - 1) * s->dilation_width >= s->width) {
          pool_inside(left, s->kernel_width, s->dilation_width, s->width, &x_first, &x_end);
        } else if ((kernel == 2 || kernel == 3) && y_end - y_first == kernel) {
          const float *from = x + (top * s->width + left) * 16;
          v16f sum;
          const v16f most = kernel == 2 ? greatest_of_window(from, right, down, 2, &sum) : greatest_of_window(from, right, down, 3, &sum);
          if (BITLINE_BITS16(sum != sum) == 0) {
            STORE16(y, most);
            continue;
          }
        }
        v16f most = SPLAT16(-__builtin_inff());
        const float *line = x + (top * s->width + left) * 16 + y_first * down + x_first * right;
        for (int64_t ky = y_first; ky < y_end; ky++, line += down) {
          const float *from = line;
          for (int64_t kx = x_first; kx < x_end; kx++, from += right) {
            const v16f value = LOAD16(from);
            // A NaN is taken, and once taken stays.
            most = (value <= most) ? most : ((most == most) ? value : most);
          }
        }
        STORE16(y, most);
      }
    }
  }
}

BITLINE_INLINE BITLINE_TARGET void pool_average_blocked_body(
  const bitline_conv_shape *s, int count_padding, int32_t pad_bottom, int32_t pad_right, int64_t planes, const float *x, float *y
) {
  for (int64_t plane = 0; plane < planes; plane++, x += (int64_t)s->height * s->width * 16) {
    for (int64_t row = 0; row < s->out_height; row++) {
      const int64_t top = row * s->stride_height - s->pad_top;
      for (int64_t column = 0; column < s->out_width; column++, y += 16) {
        const int64_t left = column * s->stride_width - s->pad_left;
        v16f sum = SPLAT16(0.0f);
        int64_t count = 0;
        for (int64_t ky = 0; ky < s->kernel_height; ky++) {
          const int64_t at = top + ky * s->dilation_height;
          const int counted_row = at >= -s->pad_top && at < s->height + pad_bottom;
          for (int64_t kx = 0; kx < s->kernel_width; kx++) {
            const int64_t place = left + kx * s->dilation_width;
            if (at >= 0 && at < s->height && place >= 0 && place < s->width) {
              sum += LOAD16(x + (at * s->width + place) * 16);
              count++;
            } else if (count_padding && counted_row && place >= -s->pad_left && place < s->width + pad_right) {
              count++;
            }
          }
        }
        STORE16(y, count == 0 ? SPLAT16(0.0f) : sum / SPLAT16((float)count));
      }
    }
  }
}

/// The greatest codes of three by three; `down` is from a row to the next.
BITLINE_INLINE BITLINE_TARGET v16u8 greatest_of_nine(const uint8_t *x, int64_t down, v16u8 flipped) {
  v16u8 most[3];
#pragma clang loop unroll(full)
  for (int i = 0; i < 3; i++) {
    const v16u8 a = LOAD16B(x + i * 16) ^ flipped, b = LOAD16B(x + down + i * 16) ^ flipped, c = LOAD16B(x + 2 * down + i * 16) ^ flipped;
    const v16u8 two = a > b ? a : b;
    most[i] = two > c ? two : c;
  }
  const v16u8 two = most[0] > most[1] ? most[0] : most[1];
  return two > most[2] ? two : most[2];
}

/// Codes; `flip` is 0x80 for i8, which then compare as u8.
BITLINE_INLINE BITLINE_TARGET void pool_max_blocked_u8_body(
  const bitline_conv_shape *s, int64_t planes, const uint8_t *x, uint8_t *y, int flip
) {
  const int64_t right = s->dilation_width * 16, down = (int64_t)s->dilation_height * s->width * 16;
  const v16u8 flipped = (v16u8)((uint8_t)flip);
  const int is_nine = s->kernel_height == 3 && s->kernel_width == 3 && s->dilation_height == 1 && s->dilation_width == 1;
  for (int64_t plane = 0; plane < planes; plane++, x += (int64_t)s->height * s->width * 16) {
    for (int64_t row = 0; row < s->out_height; row++) {
      const int64_t top = row * s->stride_height - s->pad_top;
      int64_t y_first, y_end;
      pool_inside(top, s->kernel_height, s->dilation_height, s->height, &y_first, &y_end);
      for (int64_t column = 0; column < s->out_width; column++, y += 16) {
        const int64_t left = column * s->stride_width - s->pad_left;
        int64_t x_first = 0, x_end = s->kernel_width;
        if (left < 0 || left + (x_end - 1) * s->dilation_width >= s->width) {
          pool_inside(left, s->kernel_width, s->dilation_width, s->width, &x_first, &x_end);
        } else if (is_nine && y_first == 0 && y_end == 3) {
          *(v16u8_anywhere *)y = greatest_of_nine(x + (top * s->width + left) * 16, down, flipped) ^ flipped;
          continue;
        }
        v16u8 most = (v16u8)(0);
        const uint8_t *line = x + (top * s->width + left) * 16 + y_first * down + x_first * right;
        for (int64_t ky = y_first; ky < y_end; ky++, line += down) {
          const uint8_t *from = line;
          for (int64_t kx = x_first; kx < x_end; kx++, from += right) {
            const v16u8 value = LOAD16B(from) ^ flipped;
            most = value > most ? value : most;
          }
        }
        *(v16u8_anywhere *)y = most ^ flipped;
      }
    }
  }
}
