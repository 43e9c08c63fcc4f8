/// What the ways of `conv_i8.c` share. Not public.
#ifndef BITLINE_CONV_I8_H
#define BITLINE_CONV_I8_H

#include "conv_blocked.h"
#include "requantize.h"

/// Followed by taps, parameters, starts, packed weights and the weights themselves, at these offsets.
typedef struct conv_i8_plan {
  int32_t isa;
  bitline_conv_shape shape;
  requantize_plan requantize;
  /// The codes come as a plain tensor; else in blocks, as the result always is.
  int32_t plain;
  /// The window is a point with strides: what it sees is gathered, and then read as if it had none.
  int32_t gathers;
  window_layout layout;
  /// `tiles.size` is 0 for the direct way, else 4.
  winograd_tiles tiles;
  /// Products of a tile; blocks of filters, how many of them a panel has unless they end, and panels.
  int64_t products, vecs, panels;
  int32_t wide;
  /// Words of four bytes of each tap, and taps.
  int64_t words, tap_count;
  /// Packed weights are `[panels][products][tap_count][words][vecs of the panel][16][4 bytes]`, the weights themselves
  /// `[filters][blocks][kernel_height][kernel_width][16]`, or as they came where codes are plain.
  int64_t taps, parameters, starts, weights, plain_weights, bytes;
} conv_i8_plan;

/// The reference's code of one result of the sample at `x`.
uint8_t conv_i8_settle(const conv_i8_plan *p, const uint8_t *x, int64_t filter, int64_t row, int64_t column);

/// Settles what `doubts` has bits for: sixteen codes at `y`, of filter block `block`.
BITLINE_INLINE void conv_i8_settle_lanes(
  const conv_i8_plan *p, const uint8_t *x, int doubts, int64_t block, int64_t row, int64_t column, uint8_t *y
) {
  for (; doubts != 0; doubts &= doubts - 1) {
    const int lane = __builtin_ctz((unsigned)doubts);
    y[lane] = conv_i8_settle(p, x, block * BITLINE_LANES + lane, row, column);
  }
}

size_t winograd_i8_workspace_bytes(const conv_i8_plan *p, int64_t batch, int threads);
void winograd_i8_run(const conv_i8_plan *p, int64_t batch, const uint8_t *x, uint8_t *y, void *workspace, bitline_team *team);

#endif
