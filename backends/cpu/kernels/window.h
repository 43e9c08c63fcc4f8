/// Where a convolution finds its elements: the layout of a padded sample, the offset of each tap, the runs of positions.
#ifndef BITLINE_WINDOW_H
#define BITLINE_WINDOW_H

#include "table.h"

/// The layout of a sample for a window.
///
/// Padded rows are cut into `stride_width` phases, so that neighbouring positions always read neighbouring elements: element `x` of a row
/// stands at phase `x % stride_width`, place `x / stride_width`. A direct layout is the tensor itself.
typedef struct window_layout {
  int32_t direct;
  /// Of the padded sample.
  int64_t height, phase_width, row, plane, sample;
  /// Positions in a row of results, and rows of them, as runs that neighbour each other in the layout.
  int64_t run, runs;
  /// From one run to the next.
  int64_t position_row;
} window_layout;

BITLINE_INLINE window_layout window_layout_of(const bitline_conv_shape *s, int may_be_direct) {
  window_layout l = {0};
  l.direct = may_be_direct && s->kernel_height == 1 && s->kernel_width == 1 && s->stride_height == 1 && s->stride_width == 1
    && s->pad_top == 0 && s->pad_left == 0 && s->out_height == s->height && s->out_width == s->width;
  if (l.direct) {
    l.plane = (int64_t)s->height * s->width;
    l.run = l.plane;
    l.runs = 1;
    l.sample = s->channels * l.plane;
    return l;
  }
  const int64_t width = (int64_t)(s->out_width - 1) * s->stride_width + (int64_t)(s->kernel_width - 1) * s->dilation_width + 1;
  l.height = (int64_t)(s->out_height - 1) * s->stride_height + (int64_t)(s->kernel_height - 1) * s->dilation_height + 1;
  l.phase_width = (width + s->stride_width - 1) / s->stride_width;
  l.row = l.phase_width * s->stride_width;
  l.plane = l.height * l.row;
  l.sample = s->channels * l.plane;
  l.run = s->out_width;
  l.runs = s->out_height;
  l.position_row = l.row * s->stride_height;
  return l;
}

/// The offset of input `k` (channel by channel, then along the kernel's axes) from a position.
BITLINE_INLINE int32_t window_tap(const bitline_conv_shape *s, const window_layout *l, int64_t k) {
  const int64_t area = (int64_t)s->kernel_height * s->kernel_width;
  const int64_t y = k % area / s->kernel_width * s->dilation_height, x = k % s->kernel_width * s->dilation_width;
  if (l->direct) return (int32_t)(k / area * l->plane);
  return (int32_t)(k / area * l->plane + y * l->row + x % s->stride_width * l->phase_width + x / s->stride_width);
}

/// The runs of positions `first..<first + count`, counted through samples; at most one more than `count`.
BITLINE_INLINE int window_segments(const window_layout *l, int64_t first, int64_t count, segment *segments) {
  int found = 0;
  for (int64_t done = 0; done < count;) {
    const int64_t line = (first + done) / l->run, place = (first + done) % l->run;
    const int64_t length = bitline_min(l->run - place, count - done);
    segments[found++] = (segment){
      .source = line / l->runs * l->sample + line % l->runs * l->position_row + place, .column = (int32_t)done, .length = (int32_t)length};
    done += length;
  }
  return found;
}

/// Lays out planes, with `TAKE` done to every element.
#define BITLINE_LAY_OUT(name, type, TAKE)                                                                                                  \
  static void name(const bitline_conv_shape *s, const window_layout *l, int64_t planes, const type *x, type padding, type *padded) {       \
    const int64_t width = s->width, stride = s->stride_width;                                                                              \
    for (int64_t phase = 0; phase < stride; phase++) {                                                                                     \
      const int64_t offset = phase - s->pad_left;                                                                                          \
      const int64_t stop = offset >= width ? 0 : bitline_min((width - 1 - offset) / stride + 1, l->phase_width);                           \
      const int64_t start = bitline_min(offset >= 0 ? 0 : (-offset + stride - 1) / stride, stop);                                          \
      type *to = padded + phase * l->phase_width;                                                                                          \
      for (int64_t line = 0; line < planes * l->height; line++, to += l->row) {                                                            \
        const int64_t plane = line / l->height, y = line - plane * l->height - s->pad_top;                                                 \
        const int inside = y >= 0 && y < s->height;                                                                                        \
        const int64_t first = inside ? start : 0, end = inside ? stop : 0;                                                                 \
        const type *from = x + (plane * s->height + (inside ? y : 0)) * width;                                                             \
        for (int64_t i = 0; i < first; i++) to[i] = padding;                                                                               \
        if (stride == 1) for (int64_t i = first; i < end; i++) to[i] = TAKE(from[offset + i]);                                             \
        else for (int64_t i = first; i < end; i++) to[i] = TAKE(from[offset + i * stride]);                                                \
        for (int64_t i = end; i < l->phase_width; i++) to[i] = padding;                                                                    \
      }                                                                                                                                    \
    }                                                                                                                                      \
  }

/// How many samples are laid out together: one, unless a sample has too few positions to fill blocks of columns.
BITLINE_INLINE int64_t window_group(const window_layout *l, int64_t cols, int64_t batch) {
  const int64_t positions = l->run * l->runs;
  if (positions >= 2 * cols) return 1;
  return bitline_max(1, bitline_min(batch, (4 * cols + positions - 1) / positions));
}

/// Copies `sums[filters][samples * positions]` to `y[samples][filters][positions]`, elements of four bytes.
BITLINE_INLINE void window_scatter(const void *sums, int64_t stride, int64_t filters, int64_t samples, int64_t positions, void *y) {
  for (int64_t n = 0; n < samples; n++) {
    for (int64_t f = 0; f < filters; f++) {
      memcpy((char *)y + 4 * (n * filters + f) * positions, (const char *)sums + 4 * (f * stride + n * positions), (size_t)(4 * positions));
    }
  }
}

#endif
