/// What the ways of `conv_blocked_f32.c` share. Not public.
#ifndef BITLINE_CONV_BLOCKED_H
#define BITLINE_CONV_BLOCKED_H

#include "table.h"
#include "window.h"

/// Channels of a tap: a block may have fewer than sixteen, in fours.
enum { TAP_CHANNELS = 4 };

/// Followed by taps, biases and weights, at these offsets.
typedef struct conv_blocked_plan {
  int32_t isa;
  bitline_conv_shape shape;
  bitline_activation activation;
  /// The input is a plain tensor; else it is in blocks of channels, as the result always is.
  int32_t plain;
  /// How the direct way reads the input, and from a position to the next: plain tensors column by column, whatever the stride up to two.
  bitline_conv_shape read;
  window_layout layout;
  int32_t step;
  /// `tiles.size` is 0 for the direct way.
  winograd_tiles tiles;
  /// Products of a tile, blocks of filters, how many of them a panel has unless they end, and panels.
  int64_t products, vecs, panels;
  int32_t wide;
  /// Positions side by side; channels side by side in the input.
  int64_t run, inner;
  /// Blocks of channels; taps, each of four of their channels or of a plain one; the channels of all taps.
  int64_t blocks, tap_count, depth;
  /// Weights are `[panels][products][depth][vecs of the panel][16]`.
  int64_t taps, biases, weights, bytes;
} conv_blocked_plan;

/// Blocks of filters that are computed together.
typedef struct conv_blocked_panel {
  int64_t first;
  int vecs;
} conv_blocked_panel;

/// Panel `index` of `vecs` blocks of filters that are taken `wide` together; what is left over, in halves.
BITLINE_INLINE conv_blocked_panel panel_of(int64_t vecs_of_all, int wide, int64_t index) {
  const int64_t whole = vecs_of_all / wide;
  if (index < whole) return (conv_blocked_panel){.first = index * wide, .vecs = wide};
  int64_t first = whole * wide;
  for (int vecs = wide / 2;; vecs /= 2) {
    if (first + vecs > vecs_of_all) continue;
    if (index == whole) return (conv_blocked_panel){.first = first, .vecs = vecs};
    first += vecs;
    index--;
  }
}

BITLINE_INLINE int64_t panel_count(int64_t vecs_of_all, int wide) {
  int64_t count = vecs_of_all / wide;
  for (int64_t rest = vecs_of_all % wide; rest > 0; rest &= rest - 1) count++;
  return count;
}

/// The panel that holds a block of filters.
BITLINE_INLINE conv_blocked_panel panel_with(int64_t vecs_of_all, int wide, int64_t block) {
  int64_t index = bitline_min(block / wide, vecs_of_all / wide);
  conv_blocked_panel panel = panel_of(vecs_of_all, wide, index);
  while (block >= panel.first + panel.vecs) panel = panel_of(vecs_of_all, wide, ++index);
  return panel;
}

/// The size of tiles by which Winograd's way is the fastest for so many samples together; 0: the direct way is.
int winograd_choose(const bitline_conv_shape *s, int64_t samples);
void winograd_pack(const conv_blocked_plan *p, const float *weights, float *packed);
size_t winograd_workspace_bytes(const conv_blocked_plan *p, int64_t batch, int threads);
void winograd_run(
  const conv_blocked_plan *p, int64_t batch, const float *x, const float *add, float *y, void *workspace, bitline_team *team);

#endif
