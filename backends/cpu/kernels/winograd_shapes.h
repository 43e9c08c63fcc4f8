/// The tiles of Winograd's transforms as the table's functions take them. Not public.
#ifndef BITLINE_WINOGRAD_SHAPES_H
#define BITLINE_WINOGRAD_SHAPES_H

#include <stdint.h>

/// The most points of an axis.
enum { BITLINE_WINOGRAD_POINTS = 6 };

/// How an axis of a tile is transformed: by `[points][inputs]`, as many of both, and `[results][points]`.
typedef struct winograd_transform {
  int32_t points, results;
  float input[BITLINE_WINOGRAD_POINTS][BITLINE_WINOGRAD_POINTS], output[BITLINE_WINOGRAD_POINTS][BITLINE_WINOGRAD_POINTS];
} winograd_transform;

/// One axis of Winograd's tiles in f32 (`winograd_grid.h`).
typedef struct winograd_axis {
  /// Numbers of a tile on both sides of the products, taps of a phase of the window, results of a tile.
  int32_t points, taps, results;
  /// Tiles of so many results, and the results that they leave over.
  int32_t whole, rest;
  /// Of whole tiles, and of what is left over.
  winograd_transform transforms[2];
} winograd_axis;

/// All tiles of a sample in f32. `rows.points` is 0 where there are none.
typedef struct winograd_grid {
  winograd_axis rows, columns;
  /// From an input to the next of a tile: the stride, with as many phases along an axis.
  int32_t step;
  /// Of the input and of the result.
  int32_t height, width, pad_top, pad_left, out_height, out_width;
} winograd_grid;

/// Tiles of Winograd's transforms of integers: `size` x `size` results each, `size + 2` numbers along a side on both sides of the products.
typedef struct winograd_tiles {
  int32_t size;
  /// Tiles along the axes of a sample.
  int32_t rows, columns;
  /// Of the input and of the result.
  int32_t height, width, pad_top, pad_left, out_height, out_width;
} winograd_tiles;

#endif
