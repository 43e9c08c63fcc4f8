/// What planning and running Winograd's way of a blocked f32 convolution share. Not public.
#ifndef BITLINE_WINOGRAD_PRODUCTS_H
#define BITLINE_WINOGRAD_PRODUCTS_H

#include "conv_blocked.h"
#include "winograd_grid.h"

/// Inputs of a plain tensor are laid out in blocks first, phases and channels side by side in one.
enum { PLAIN_LANES = BITLINE_LANES };

/// Phases of a window in the order of a product's channels. Of an odd window the phases beside its middle have a tap less, and so no share in
/// infinity: those that have one are neighbours.
static const int8_t phase_rows[4] = {0, 0, 1, 1}, phase_columns[4] = {1, 0, 0, 1};

BITLINE_INLINE int phases_of(const bitline_conv_shape *s) { return s->stride_width * s->stride_width; }

/// The channels of a phase in a product.
BITLINE_INLINE int64_t phase_depth(const bitline_conv_shape *s, int plain) {
  return plain ? s->channels : bitline_round_up(s->channels, TAP_CHANNELS);
}

/// The taps of a product: those that have a share in it are neighbours.
typedef struct winograd_taps {
  int64_t first, count;
} winograd_taps;

/// The product of a point of each axis.
typedef struct winograd_product {
  int row, column;
  winograd_taps taps;
  /// Where its weights begin, in channels of a panel. If `times` is not 0 a plan does not have them: they are those that begin here, less
  /// those `less` further on, and more by `times` those `more` further on.
  int64_t weights, less, more;
  float times;
} winograd_product;

/// The products of a tile in running order: along each axis 0, infinity, A, -A, B, -B.
typedef struct winograd_products {
  int64_t count;
  winograd_product all[BITLINE_WINOGRAD_POINTS * BITLINE_WINOGRAD_POINTS];
  /// The channels of all weights that a plan has.
  int64_t depth;
} winograd_products;

winograd_products winograd_products_of(const bitline_conv_shape *s, const winograd_grid *g, int plain, int derived);

/// Whether products of whole tiles stay in registers: from few channels, of which the transform of results is a great part.
BITLINE_INLINE int has_few(const winograd_grid *g, int plain) {
  return plain && g->rows.points == BITLINE_WINOGRAD_POINTS && g->columns.points == BITLINE_WINOGRAD_POINTS;
}

/// The channels of a product's taps, of a plain tensor.
BITLINE_INLINE int64_t channels_of(const bitline_conv_shape *s, const winograd_taps *t) {
  return bitline_min((t->first + t->count) * TAP_CHANNELS, phases_of(s) * s->channels) - t->first * TAP_CHANNELS;
}

#endif
