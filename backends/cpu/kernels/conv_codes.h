/// What the ways of `conv_codes.c` share. Not public.
#ifndef BITLINE_CONV_CODES_H
#define BITLINE_CONV_CODES_H

#include "conv_blocked.h"

/// Followed by taps, factors, offsets, starts and weights, at these offsets.
typedef struct conv_codes_plan {
  int32_t isa;
  bitline_conv_shape shape;
  bitline_finish finish;
  int32_t lo, hi;
  window_layout layout;
  /// `tiles.size` is 0 for the direct way, else 2.
  winograd_tiles tiles;
  /// Products of a tile; blocks of filters, how many of them a panel has unless they end, and panels; taps.
  int64_t products, vecs, panels, tap_count;
  int32_t wide;
  /// What is added to numbers of transformed tiles, or (the first) to codes, to make them u8.
  uint8_t lift[16];
  /// Weights are `[panels][products][tap_count][4][vecs of the panel][16][4]`, starts `[panels][products][vecs of the panel][16]`.
  int64_t taps, m, c, starts, weights, bytes;
} conv_codes_plan;

/// About how many cycles the faster way takes, with 64 multiply-adds a cycle.
double conv_codes_cycles(const bitline_conv_shape *s, int32_t lo, int32_t hi, int64_t samples);
size_t winograd_codes_workspace_bytes(const conv_codes_plan *p, int64_t batch, int threads);
void winograd_codes_run(const conv_codes_plan *p, int64_t batch, const uint8_t *x, void *y, void *workspace, bitline_team *team);

#endif
