/// How the integer Winograd ways cut their tiles into parts, and where the numbers of those lie. Not public.
#ifndef BITLINE_WINOGRAD_PARTS_H
#define BITLINE_WINOGRAD_PARTS_H

#include "blocked.h"
#include "team.h"

/// Bytes of transformed codes that should stay in the second cache.
enum { NEAR_BYTES = 256 << 10 };
/// A line between the numbers of tiles, so that they do not fall into one set of a cache.
enum { GAP_BYTES = 64 };
/// The most tiles of a part, and the fewest that it may have.
enum { MOST_TILES = 56, FEWEST_TILES = 28 };

/// What a plan says of its products.
typedef struct winograd_work {
  const winograd_tiles *tiles;
  /// Products of a tile, blocks of channels, panels of filters, and blocks in a panel.
  int64_t products, blocks, panels, wide;
  /// Of a tile's sixteen channels, transformed.
  int64_t tile_bytes;
} winograd_work;

typedef struct winograd_parts {
  /// Tiles of the whole batch, tiles of a part, and of all parts that are transformed together.
  int64_t all, part, together;
  /// Bytes of transformed codes, and sums of products, from one number of the tiles to the next.
  int64_t input_position, product_position;
  /// Bytes of all transformed codes, and of the products of one worker.
  int64_t input, products;
} winograd_parts;

BITLINE_INLINE int64_t winograd_part_limit(const winograd_work *w) {
  return bitline_min(MOST_TILES, bitline_max(FEWEST_TILES, NEAR_BYTES / (w->products * w->blocks * w->tile_bytes)));
}

/// Of parts of so many tiles.
BITLINE_INLINE winograd_parts winograd_parts_with(const winograd_work *w, int64_t batch, int threads, int64_t part) {
  winograd_parts e = {.all = batch * w->tiles->rows * w->tiles->columns, .part = bitline_max(part, 1)};
  e.together = bitline_min(e.part * ((threads + w->panels - 1) / w->panels), bitline_max(e.all, 1));
  e.input_position = (int64_t)bitline_lines(w->blocks * e.together * w->tile_bytes) + GAP_BYTES;
  e.product_position = e.part * w->wide * BITLINE_LANES + GAP_BYTES / 4;
  e.input = w->products * e.input_position;
  e.products = w->products * e.product_position * 4;
  return e;
}

/// Parts of even size.
BITLINE_INLINE winograd_parts winograd_parts_of(const winograd_work *w, int64_t batch, int threads) {
  const int64_t all = batch * w->tiles->rows * w->tiles->columns, limit = winograd_part_limit(w);
  const int64_t parts = bitline_max(1, (all + limit - 1) / limit);
  return winograd_parts_with(w, batch, threads, (all + parts - 1) / parts);
}

/// Of transformed codes, the products of all threads, and where blocks begin.
BITLINE_INLINE size_t winograd_parts_bytes(const winograd_work *w, int64_t batch, int threads) {
  // Enough for fewer samples too, whose parts may be greater.
  const int64_t all = batch * w->tiles->rows * w->tiles->columns;
  const winograd_parts e = winograd_parts_with(w, batch, threads, bitline_min(winograd_part_limit(w), all));
  return (size_t)(e.input + e.products * threads) + bitline_lines(w->blocks * 4);
}

#endif
