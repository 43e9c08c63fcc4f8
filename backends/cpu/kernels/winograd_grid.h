/// Winograd's transforms of f32 convolutions: which numbers a tile has, and in which order tiles come.
///
/// A tile of m results along an axis of a window of r taps takes m + r - 1 products, one for each of so many points. With a stride of two a
/// window is read as four (phases) of every other row and column, whose products are added up before they are transformed back: r is half
/// the window's extent, rounded up. What m leaves over at an axis' end is a tile of fewer results, which needs fewer points: the first of
/// them and infinity, with the same transformed weights.
#ifndef BITLINE_WINOGRAD_GRID_H
#define BITLINE_WINOGRAD_GRID_H

#include "table.h"

/// The finite points of F(m, r) with six points in all: 0, +-A, +-B; A * B is 1. With four they are 0, +-1.
///
/// With these F(4x4, 3x3) errs by a third of what the customary 0, +-1, +-2 give: about 0.4 of a dot product's tolerance.
#define BITLINE_WINOGRAD_A (2.0f / 3)
#define BITLINE_WINOGRAD_B 1.5f

BITLINE_INLINE double winograd_point(int points, int index) {
  const double six[] = {0, BITLINE_WINOGRAD_A, -BITLINE_WINOGRAD_A, BITLINE_WINOGRAD_B, -BITLINE_WINOGRAD_B}, four[] = {0, 1, -1};
  return points == 6 ? six[index] : four[index];
}

/// The product of a point's differences from the other finite ones of the first `finite`.
BITLINE_INLINE double winograd_norm(int points, int finite, int index) {
  double norm = 1;
  for (int j = 0; j < finite; j++) if (j != index) norm *= winograd_point(points, index) - winograd_point(points, j);
  return norm;
}

/// What a point's weights are divided by. With these, of a window of three taps, those of -p are those of infinity, less those of p, and
/// more by `winograd_times` of those of 0.
BITLINE_INLINE double winograd_divisor(int points, int index) {
  const double a = winograd_point(points, 1), p = winograd_point(points, index);
  return index == 0 ? -a * a : 2 * p * p;
}

/// How much of the weights of 0 is in those of a point -p; -1 for -A.
BITLINE_INLINE double winograd_times(int points, int index) { return 2 * winograd_divisor(points, 0) / winograd_divisor(points, index); }

/// What a filter's tap adds to a product: the weights' transform is this along both axes.
BITLINE_INLINE double winograd_weight(const winograd_axis *a, int index, int tap) {
  if (index == a->points - 1) return tap == a->taps - 1;
  double power = 1 / winograd_divisor(a->points, index);
  for (int i = 0; i < tap; i++) power *= winograd_point(a->points, index);
  return power;
}

/// Of a tile of so many results, at the first of `points` points and infinity.
BITLINE_INLINE winograd_transform winograd_transform_at(int points, int taps, int results) {
  winograd_transform t = {.points = results + taps - 1, .results = results};
  const int finite = t.points - 1;
  for (int i = 0; i < t.points; i++) {
    // The polynomial that is 0 at every other finite point; its factor makes up for what the weights were divided by.
    double polynomial[BITLINE_WINOGRAD_POINTS] = {1};
    for (int j = 0, degree = 0; j < finite; j++) {
      if (j == i) continue;
      degree++;
      for (int k = degree; k >= 0; k--) polynomial[k] = (k > 0 ? polynomial[k - 1] : 0) - winograd_point(points, j) * polynomial[k];
    }
    const double factor = i == finite ? 1 : winograd_divisor(points, i) / winograd_norm(points, finite, i);
    for (int k = 0; k < t.points; k++) t.input[i][k] = (float)(factor * polynomial[k]);
    double power = 1;
    for (int k = 0; k < results; k++) {
      t.output[k][i] = i == finite ? k == results - 1 : (float)power;
      if (i < finite) power *= winograd_point(points, i);
    }
  }
  return t;
}

BITLINE_INLINE winograd_axis winograd_axis_of(int points, int taps, int64_t results) {
  winograd_axis a = {.points = points, .taps = taps, .results = points + 1 - taps};
  a.whole = (int32_t)(results / a.results);
  a.rest = (int32_t)(results % a.results);
  a.transforms[0] = winograd_transform_at(points, taps, a.results);
  if (a.rest > 0) a.transforms[1] = winograd_transform_at(points, taps, a.rest);
  return a;
}

/// The place of a rest's number among those of whole tiles.
BITLINE_INLINE int winograd_place(const winograd_axis *a, int rest, int index) {
  return rest && index == a->transforms[1].points - 1 ? a->points - 1 : index;
}

/// Whether the tile at an axis' end has a product of this point.
BITLINE_INLINE int winograd_in_rest(const winograd_axis *a, int index) {
  return a->rest > 0 && (index < a->transforms[1].points - 1 || index == a->points - 1);
}

/// Tiles of a sample: those that end the rows, then whole ones, those that end the columns, and the one that ends both. The products of a
/// point belong to neighbours in this order.
typedef struct winograd_kinds {
  int64_t ends[4];
} winograd_kinds;

BITLINE_INLINE winograd_kinds winograd_kinds_of(const winograd_grid *g) {
  const int64_t rest_rows = g->rows.rest > 0, rest_columns = g->columns.rest > 0;
  winograd_kinds k;
  k.ends[0] = rest_rows * g->columns.whole;
  k.ends[1] = k.ends[0] + (int64_t)g->rows.whole * g->columns.whole;
  k.ends[2] = k.ends[1] + rest_columns * g->rows.whole;
  k.ends[3] = k.ends[2] + rest_rows * rest_columns;
  return k;
}

BITLINE_INLINE int64_t winograd_tile_count(const winograd_grid *g) { return winograd_kinds_of(g).ends[3]; }

/// The tiles of `samples` samples that have the product of a point of each axis.
BITLINE_INLINE int64_t winograd_first_with(const winograd_grid *g, int64_t samples, int row) {
  return g->rows.rest > 0 && !winograd_in_rest(&g->rows, row) ? samples * winograd_kinds_of(g).ends[0] : 0;
}

BITLINE_INLINE int64_t winograd_end_with(const winograd_grid *g, int64_t samples, int row, int column) {
  const int last = !winograd_in_rest(&g->columns, column) ? 1 : !winograd_in_rest(&g->rows, row) ? 2 : 3;
  return samples * winograd_kinds_of(g).ends[last];
}

/// A tile, and how to go on to the next.
typedef struct winograd_cursor {
  int kind;
  int32_t row, column;
  int64_t sample;
  /// Whether the tile ends the axis.
  int rest_row, rest_column;
} winograd_cursor;

BITLINE_INLINE int64_t winograd_wide(const winograd_grid *g, int kind) { return kind < 2 ? g->columns.whole : 1; }
BITLINE_INLINE int64_t winograd_high(const winograd_grid *g, int kind) { return kind == 1 || kind == 2 ? g->rows.whole : 1; }

BITLINE_INLINE winograd_cursor winograd_cursor_in(const winograd_grid *g, int kind, int64_t index) {
  const int64_t wide = winograd_wide(g, kind), high = winograd_high(g, kind);
  winograd_cursor c = {.kind = kind, .rest_row = kind == 0 || kind == 3, .rest_column = kind >= 2};
  c.sample = index / (wide * high);
  c.row = (int32_t)(c.rest_row ? g->rows.whole : index / wide % high);
  c.column = (int32_t)(c.rest_column ? g->columns.whole : index % wide);
  return c;
}

BITLINE_INLINE winograd_cursor winograd_cursor_at(const winograd_grid *g, int64_t samples, int64_t index) {
  const winograd_kinds kinds = winograd_kinds_of(g);
  int kind = 0;
  while (kind < 3 && index >= samples * kinds.ends[kind]) kind++;
  return winograd_cursor_in(g, kind, index - (kind > 0 ? samples * kinds.ends[kind - 1] : 0));
}

BITLINE_INLINE void winograd_next(const winograd_grid *g, int64_t samples, winograd_cursor *c) {
  if (!c->rest_column && ++c->column < g->columns.whole) return;
  if (!c->rest_column) c->column = 0;
  if (!c->rest_row && ++c->row < g->rows.whole) return;
  if (!c->rest_row) c->row = 0;
  if (++c->sample < samples) return;
  const winograd_kinds kinds = winograd_kinds_of(g);
  int kind = c->kind + 1;
  while (kind < 3 && kinds.ends[kind] == kinds.ends[kind - 1]) kind++;
  *c = winograd_cursor_in(g, kind, 0);
}

#endif
