/// What the ways of `conv_blocked_f32.c` share. Not public.
#ifndef BITLINE_CONV_BLOCKED_H
#define BITLINE_CONV_BLOCKED_H

#include "blocked.h"
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
  /// Without points for the direct way; of how many points weights are derived.
  winograd_grid grid;
  int32_t derived;
  /// Products of a tile; blocks of filters, how many of them a panel has unless they end, and panels.
  int64_t products, vecs, panels;
  int32_t wide;
  /// Positions side by side; channels side by side in the input.
  int64_t run, inner;
  /// Blocks of channels that tiles are made of; taps, each of four of their channels or of a plain one; the channels of all taps, of all products.
  int64_t blocks, tap_count, depth;
  /// Weights are `[panels][depth][vecs of the panel][16]`.
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

/// A plane of codes in blocks, laid out for a window: each with the bits of `flip` turned, and `outside` around them.
BITLINE_INLINE void window_lay_out_codes(
  const bitline_conv_shape *s, const window_layout *l, const uint8_t *x, uint8_t flip, uint8_t outside, uint8_t *to
) {
  for (int64_t y = 0; y < l->height; y++) {
    const int64_t at = y - s->pad_top;
    for (int64_t phase = 0; phase < s->stride_width; phase++) {
      for (int64_t i = 0; i < l->phase_width; i++, to += BITLINE_LANES) {
        const int64_t column = i * s->stride_width + phase - s->pad_left;
        if (at < 0 || at >= s->height || column < 0 || column >= s->width) {
          memset(to, outside, BITLINE_LANES);
          continue;
        }
        const uint8_t *from = x + (at * s->width + column) * BITLINE_LANES;
        for (int lane = 0; lane < BITLINE_LANES; lane++) to[lane] = from[lane] ^ flip;
      }
    }
  }
}

/// How the direct ways read an input: plain tensors column by column, so that with a stride of two each column is read by itself.
BITLINE_INLINE bitline_conv_shape blocked_read(const bitline_conv_shape *s, int plain) {
  bitline_conv_shape read = *s;
  if (!plain || s->stride_width != 2) return read;
  read.stride_width = 1;
  read.out_width = (s->out_width - 1) * 2 + 1;
  return read;
}

/// A tap of tensors in blocks: the first of its channels, and its place in the window.
typedef struct blocked_tap {
  int64_t channel, place;
} blocked_tap;

/// Taps go through blocks of channels, places of the window, and the channels of a block.
BITLINE_INLINE blocked_tap blocked_tap_of(const bitline_conv_shape *s, int64_t tap) {
  const int64_t area = (int64_t)s->kernel_height * s->kernel_width, whole = BITLINE_LANES / TAP_CHANNELS, block = tap / (whole * area);
  const int64_t taps = bitline_min(whole, (s->channels + TAP_CHANNELS - 1) / TAP_CHANNELS - block * whole);
  const int64_t within = tap - block * whole * area;
  return (blocked_tap){.channel = block * BITLINE_LANES + within % taps * TAP_CHANNELS, .place = within / taps};
}

/// Runs of positions cut into pieces that differ by one row at most; some of all of them, in turn.
typedef struct block_pieces {
  /// Pieces of a run, their least rows, and how many have one more.
  int64_t count, each, longer;
  /// Where the next piece starts, and how many are left.
  int64_t run, piece, first, left;
} block_pieces;

/// Part `part` of `parts` of all pieces, of `most` rows at most.
BITLINE_INLINE block_pieces block_pieces_of(const window_layout *l, int64_t most, int64_t part, int64_t parts) {
  block_pieces p = {.count = (l->run + most - 1) / most};
  p.each = l->run / p.count;
  p.longer = l->run % p.count;
  const int64_t start = part * l->runs * p.count / parts;
  p.left = (part + 1) * l->runs * p.count / parts - start;
  p.run = start / p.count;
  p.piece = start % p.count;
  p.first = p.piece * p.each + bitline_min(p.piece, p.longer);
  return p;
}

BITLINE_INLINE int64_t block_pieces_rows(const block_pieces *p) { return p->each + (p->piece < p->longer); }

BITLINE_INLINE void block_pieces_next(block_pieces *p) {
  p->left--;
  p->first += block_pieces_rows(p);
  if (++p->piece < p->count) return;
  p->run++;
  p->piece = p->first = 0;
}

/// The tiles by which Winograd's way is the fastest for so many samples together, without points if the direct way is; and how many
/// cycles it takes, about.
double winograd_choose(const bitline_conv_shape *s, int plain, int64_t samples, winograd_grid *best);
/// Fills in what a plan with a grid has to say of blocks, taps and products.
void winograd_describe(conv_blocked_plan *p);
void winograd_pack(const conv_blocked_plan *p, const float *weights, float *packed);
size_t winograd_workspace_bytes(const conv_blocked_plan *p, int64_t batch, int threads);
void winograd_run(
  const conv_blocked_plan *p, int64_t batch, const float *x, const float *add, float *y, void *workspace, bitline_team *team);

#endif
