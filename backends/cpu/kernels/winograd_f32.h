/// The transforms of `winograd_grid.h` on sixteen channels: along one axis, then along the other.
#include "winograd_grid.h"

/// The points' numbers of an axis of four or six inputs.
BITLINE_INLINE BITLINE_TARGET void winograd_input_side(const int points, const v16f *d, v16f *to) {
  if (points == 4) {
    to[0] = d[2] - d[0];
    to[1] = d[1] + d[2];
    to[2] = d[2] - d[1];
    to[3] = d[3] - d[1];
    return;
  }
  const float a = BITLINE_WINOGRAD_A, b = BITLINE_WINOGRAD_B, aa = a * a, bb = b * b, both = aa + bb;
  // a * b is 1; k makes up for the divisors of the weights of +-a, -k for those of +-b.
  const float k = 1 / (aa - bb);
  const v16f last = d[4] * SPLAT16(k);
  to[0] = BITLINE_MULTIPLY_ADD(d[2], SPLAT16(aa * both), (d[0] + d[4]) * SPLAT16(-aa));
  const v16f even_a = BITLINE_MULTIPLY_ADD(d[2], SPLAT16(-k * bb), last), odd_a = BITLINE_MULTIPLY_ADD(d[1], SPLAT16(-bb), d[3]);
  to[1] = BITLINE_MULTIPLY_ADD(odd_a, SPLAT16(k * a), even_a);
  to[2] = BITLINE_MULTIPLY_ADD(odd_a, SPLAT16(-k * a), even_a);
  const v16f even_b = BITLINE_MULTIPLY_ADD(d[2], SPLAT16(k * aa), -last), odd_b = BITLINE_MULTIPLY_ADD(d[1], SPLAT16(-aa), d[3]);
  to[3] = BITLINE_MULTIPLY_ADD(odd_b, SPLAT16(-k * b), even_b);
  to[4] = BITLINE_MULTIPLY_ADD(odd_b, SPLAT16(k * b), even_b);
  to[5] = BITLINE_MULTIPLY_ADD(d[3], SPLAT16(-both), d[1] + d[5]);
}

/// The results of an axis of four or six products: the sums of products times a point's powers, infinity's for the highest power only.
BITLINE_INLINE BITLINE_TARGET void winograd_output_side(const int points, const int results, const v16f *m, v16f *to) {
  const float a = BITLINE_WINOGRAD_A, b = BITLINE_WINOGRAD_B;
  float power_a = 1, power_b = 1;
  const v16f sum_a = m[1] + m[2], rest_a = m[1] - m[2];
  const v16f sum_b = points == 6 ? m[3] + m[4] : sum_a, rest_b = points == 6 ? m[3] - m[4] : rest_a;
#pragma clang loop unroll(full)
  for (int k = 0; k < results; k++) {
    v16f sum = k % 2 == 0 ? sum_a : rest_a;
    if (k == 0) sum += m[0];
    if (points == 4 && k == results - 1) sum += m[3];
    if (points == 6) {
      v16f other = k % 2 == 0 ? sum_b : rest_b;
      if (k == results - 1) other = BITLINE_MULTIPLY_ADD(other, SPLAT16(power_b), m[5]);
      else if (k > 0) other *= SPLAT16(power_b);
      sum = k == 0 ? sum + other : BITLINE_MULTIPLY_ADD(sum, SPLAT16(power_a), other);
      power_a *= a;
      power_b *= b;
    }
    to[k] = sum;
  }
}

enum { WINOGRAD_MOST = BITLINE_WINOGRAD_POINTS * BITLINE_WINOGRAD_POINTS };

/// The input of whole tiles; `rows` and `columns`, the points, are constants at every call.
BITLINE_INLINE BITLINE_TARGET void winograd_input_whole(
  const int rows, const int columns, const float *from, int64_t row, int64_t column, float *to, int64_t position
) {
  v16f half[WINOGRAD_MOST], line[BITLINE_WINOGRAD_POINTS], points[BITLINE_WINOGRAD_POINTS];
#pragma clang loop unroll(full)
  for (int i = 0; i < columns; i++) {
#pragma clang loop unroll(full)
    for (int y = 0; y < rows; y++) line[y] = LOAD16(from + y * row + i * column);
    winograd_input_side(rows, line, points);
#pragma clang loop unroll(full)
    for (int y = 0; y < rows; y++) half[y * columns + i] = points[y];
  }
#pragma clang loop unroll(full)
  for (int y = 0; y < rows; y++) {
    winograd_input_side(columns, half + y * columns, line);
#pragma clang loop unroll(full)
    for (int i = 0; i < columns; i++) STORE16(to + (y * columns + i) * position, line[i]);
  }
}

/// A result with its bias and what is added to it.
BITLINE_INLINE BITLINE_TARGET void winograd_finish(v16f sum, const float *add, bitline_activation activation, float *y) {
  if (add) sum += LOAD16(add);
  STORE16(y, ACTIVATE16(activation, sum));
}

/// The results of a tile whose columns are transformed: `half[high][columns]`.
BITLINE_INLINE BITLINE_TARGET void winograd_output_lines(
  const int high, const int columns, const int wide, const v16f *half, const float *bias, const float *add, bitline_activation activation,
  float *y, int64_t width
) {
  const v16f start = LOAD16(bias);
#pragma clang loop unroll(full)
  for (int k = 0; k < high; k++, y += width, add = add ? add + width : 0) {
    v16f results[BITLINE_WINOGRAD_POINTS];
    winograd_output_side(columns, wide, half + k * columns, results);
#pragma clang loop unroll(full)
    for (int i = 0; i < wide; i++) winograd_finish(results[i] + start, add ? add + i * 16 : 0, activation, y + i * 16);
  }
}

/// The results of whole tiles; the points of the axes and their results are constants at every call.
BITLINE_INLINE BITLINE_TARGET void winograd_output_whole(
  const int rows, const int high, const int columns, const int wide, const float *from, int64_t position, const float *bias,
  const float *add, bitline_activation activation, float *y, int64_t width
) {
  v16f half[WINOGRAD_MOST], line[BITLINE_WINOGRAD_POINTS], results[BITLINE_WINOGRAD_POINTS];
#pragma clang loop unroll(full)
  for (int i = 0; i < columns; i++) {
#pragma clang loop unroll(full)
    for (int k = 0; k < rows; k++) line[k] = LOAD16(from + (k * columns + i) * position);
    winograd_output_side(rows, high, line, results);
#pragma clang loop unroll(full)
    for (int k = 0; k < high; k++) half[k * columns + i] = results[k];
  }
  winograd_output_lines(high, columns, wide, half, bias, add, activation, y, width);
}

// A function for each kind of tile: what they have in common would not stay in registers.
#define WINOGRAD_INPUT(rows, columns)                                                                                         \
  static BITLINE_TARGET __attribute__((noinline)) void winograd_input_##rows##x##columns(                                     \
    const float *from, int64_t row, int64_t column, float *to, int64_t position                                               \
  ) {                                                                                                                         \
    winograd_input_whole(rows, columns, from, row, column, to, position);                                                     \
  }
#define WINOGRAD_OUTPUT(rows, high, columns, wide)                                                                            \
  static BITLINE_TARGET __attribute__((noinline)) void winograd_output_##high##x##wide##_##rows##x##columns(                  \
    const float *from, int64_t position, const float *bias, const float *add, bitline_activation activation, float *y,        \
    int64_t width                                                                                                             \
  ) {                                                                                                                         \
    winograd_output_whole(rows, high, columns, wide, from, position, bias, add, activation, y, width);                        \
  }
WINOGRAD_INPUT(6, 6)
WINOGRAD_INPUT(6, 4)
WINOGRAD_INPUT(4, 4)
#define WINOGRAD_OUTPUTS(OUTPUT)                                                                                              \
  OUTPUT(6, 2, 6, 2) OUTPUT(6, 3, 6, 3) OUTPUT(6, 4, 6, 4) OUTPUT(6, 4, 4, 2) OUTPUT(4, 2, 4, 2) OUTPUT(4, 3, 4, 3)
WINOGRAD_OUTPUTS(WINOGRAD_OUTPUT)

/// A line of an axis, by a matrix: as many numbers as a constant says, `next` apart but for the last, to as many as `outputs` says.
BITLINE_INLINE BITLINE_TARGET void winograd_line_of(
  const float (*matrix)[BITLINE_WINOGRAD_POINTS], int outputs, const int inputs, const float *from, int64_t next, int64_t last, float *to,
  int64_t to_next, int64_t to_last
) {
  v16f line[BITLINE_WINOGRAD_POINTS];
#pragma clang loop unroll(full)
  for (int k = 0; k < inputs; k++) line[k] = LOAD16(from + (k < inputs - 1 ? k * next : last));
  for (int i = 0; i < outputs; i++) {
    v16f sum = line[0] * SPLAT16(matrix[i][0]);
#pragma clang loop unroll(full)
    for (int k = 1; k < inputs; k++) sum = BITLINE_MULTIPLY_ADD(line[k], SPLAT16(matrix[i][k]), sum);
    STORE16(to + (i < outputs - 1 ? i * to_next : to_last), sum);
  }
}

static BITLINE_TARGET __attribute__((noinline)) void winograd_line(
  const float (*matrix)[BITLINE_WINOGRAD_POINTS], int outputs, int inputs, const float *from, int64_t next, int64_t last, float *to,
  int64_t to_next, int64_t to_last
) {
  switch (inputs) {
  case 2: winograd_line_of(matrix, outputs, 2, from, next, last, to, to_next, to_last); return;
  case 3: winograd_line_of(matrix, outputs, 3, from, next, last, to, to_next, to_last); return;
  case 4: winograd_line_of(matrix, outputs, 4, from, next, last, to, to_next, to_last); return;
  case 5: winograd_line_of(matrix, outputs, 5, from, next, last, to, to_next, to_last); return;
  default: winograd_line_of(matrix, outputs, 6, from, next, last, to, to_next, to_last);
  }
}

/// The input of tiles that end an axis: of a few of a plane, by matrices.
BITLINE_INLINE BITLINE_TARGET void winograd_input_rest(
  const winograd_grid *g, const winograd_cursor *at, const float *from, int64_t row, int64_t column, float *to, int64_t position
) {
  v16f half[WINOGRAD_MOST];
  const winograd_transform *rows = &g->rows.transforms[at->rest_row], *columns = &g->columns.transforms[at->rest_column];
  const int64_t high = rows->points, wide = columns->points, next = g->columns.points * position;
  for (int i = 0; i < wide; i++) {
    winograd_line(
      rows->input, rows->points, rows->points, from + i * column, row, (high - 1) * row, (float *)(half + i), wide * 16,
      (high - 1) * wide * 16);
  }
  for (int y = 0; y < high; y++) {
    winograd_line(
      columns->input, columns->points, columns->points, (const float *)(half + y * wide), 16, (wide - 1) * 16,
      to + winograd_place(&g->rows, at->rest_row, y) * next, position, (g->columns.points - 1) * position);
  }
}

/// The results of tiles that end an axis.
BITLINE_INLINE BITLINE_TARGET void winograd_output_rest(
  const winograd_grid *g, const winograd_cursor *at, const float *from, int64_t position, const float *bias, const float *add,
  bitline_activation activation, float *y, int64_t width
) {
  v16f half[WINOGRAD_MOST], line[BITLINE_WINOGRAD_POINTS];
  const winograd_transform *rows = &g->rows.transforms[at->rest_row], *columns = &g->columns.transforms[at->rest_column];
  const int64_t high = rows->results, wide = columns->points, next = g->columns.points * position;
  for (int i = 0; i < wide; i++) {
    winograd_line(
      rows->output, rows->results, rows->points, from + winograd_place(&g->columns, at->rest_column, i) * position, next,
      (g->rows.points - 1) * next, (float *)(half + i), wide * 16, (high - 1) * wide * 16);
  }
  const v16f start = LOAD16(bias);
  for (int k = 0; k < high; k++, y += width, add = add ? add + width : 0) {
    winograd_line(
      columns->output, columns->results, columns->points, (const float *)(half + k * wide), 16, (wide - 1) * 16, (float *)line, 16,
      (columns->results - 1) * 16);
    for (int i = 0; i < columns->results; i++) winograd_finish(line[i] + start, add ? add + i * 16 : 0, activation, y + i * 16);
  }
}

/// Which of `count` numbers from `start` on, `step` apart, lie in `0..<extent`.
typedef struct winograd_span {
  int64_t first, end;
} winograd_span;

BITLINE_INLINE winograd_span winograd_span_of(int64_t start, int64_t step, int64_t count, int64_t extent) {
  const int64_t first = bitline_min(count, start < 0 ? (step - 1 - start) / step : 0);
  const int64_t end = start < extent ? (extent - start + step - 1) / step : 0;
  return (winograd_span){.first = first, .end = bitline_max(first, bitline_min(count, end))};
}

/// The tiles `first..<first + count` of a block's planes, which lie `sample` apart, from `row_phase` and `column_phase` of the window on.
BITLINE_INLINE BITLINE_TARGET void winograd_input_tiles(
  const winograd_grid *g, int64_t samples, int64_t first, int64_t count, int row_phase, int column_phase, const float *x,
  int64_t sample, float *to, int64_t position
) {
  v16f copy[WINOGRAD_MOST];
  winograd_cursor at = winograd_cursor_at(g, samples, first);
  for (int64_t tile = 0; tile < count; tile++, to += 16, winograd_next(g, samples, &at)) {
    const int high = g->rows.transforms[at.rest_row].points, wide = g->columns.transforms[at.rest_column].points;
    const int64_t top = (int64_t)at.row * g->rows.results * g->step + row_phase - g->pad_top;
    const int64_t left = (int64_t)at.column * g->columns.results * g->step + column_phase - g->pad_left;
    const float *from = x + at.sample * sample + (top * g->width + left) * 16;
    int64_t row = (int64_t)g->step * g->width * 16, column = g->step * 16;
    if (top < 0 || left < 0 || top + (high - 1) * g->step >= g->height || left + (wide - 1) * g->step >= g->width) {
      const winograd_span lines = winograd_span_of(top, g->step, high, g->height), places = winograd_span_of(left, g->step, wide, g->width);
      for (int64_t y = 0; y < high; y++) {
        const int64_t end = y >= lines.first && y < lines.end ? places.end : places.first;
        for (int64_t i = 0; i < places.first; i++) copy[y * wide + i] = SPLAT16(0.0f);
        for (int64_t i = places.first; i < end; i++) copy[y * wide + i] = LOAD16(from + y * row + i * column);
        for (int64_t i = end; i < wide; i++) copy[y * wide + i] = SPLAT16(0.0f);
      }
      from = (const float *)copy;
      row = wide * 16;
      column = 16;
    }
    if (at.rest_row || at.rest_column) winograd_input_rest(g, &at, from, row, column, to, position);
    else if (g->columns.points == 6) winograd_input_6x6(from, row, column, to, position);
    else if (g->rows.points == 6) winograd_input_6x4(from, row, column, to, position);
    else winograd_input_4x4(from, row, column, to, position);
  }
}

BITLINE_INLINE BITLINE_TARGET void winograd_output_tiles(
  const winograd_grid *g, int64_t samples, int64_t first, int64_t count, const float *from, int64_t position, int64_t from_row,
  const float *bias, const float *add, bitline_activation activation, float *y, int64_t sample
) {
  const int64_t width = (int64_t)g->out_width * 16;
  winograd_cursor at = winograd_cursor_at(g, samples, first);
  for (int64_t tile = 0; tile < count; tile++, from += from_row, winograd_next(g, samples, &at)) {
    const int64_t here = at.sample * sample + at.row * g->rows.results * width + at.column * g->columns.results * 16;
    const float *added = add ? add + here : 0;
    if (at.rest_row || at.rest_column) {
      winograd_output_rest(g, &at, from, position, bias, added, activation, y + here, width);
      continue;
    }
#define WINOGRAD_CASE(rows, high, columns, wide)                                                                              \
  case (rows == 4) * 64 + high * 8 + wide:                                                                                    \
    winograd_output_##high##x##wide##_##rows##x##columns(from, position, bias, added, activation, y + here, width);           \
    break;
    switch ((g->rows.points == 4) * 64 + g->rows.results * 8 + g->columns.results) { WINOGRAD_OUTPUTS(WINOGRAD_CASE) }
#undef WINOGRAD_CASE
  }
}

/// Tiles whose products of a column stay in registers together.
enum { WINOGRAD_FEW = 4 };

/// Neighbouring tiles from `input` on, whose results go to `places`; `tiles`, and the results along an axis, are constants at every call.
BITLINE_INLINE BITLINE_TARGET void winograd_few_group(
  const winograd_few_args *g, const int tiles, const int results, const float *input, const int64_t *places
) {
  enum { POINTS = BITLINE_WINOGRAD_POINTS };
  v16f half[WINOGRAD_FEW][WINOGRAD_MOST];
  for (int column = 0; column < POINTS; column++) {
    v16f products[WINOGRAD_FEW][POINTS], line[POINTS];
#pragma clang loop unroll(full)
    for (int row = 0; row < POINTS; row++) {
      const int number = row * POINTS + column;
      const winograd_few_product product = g->products[number];
      const float *x = input + number * g->input_position + product.channel, *w = g->w + product.weights * g->w_row;
      v16f sum[WINOGRAD_FEW];
#pragma clang loop unroll(full)
      for (int t = 0; t < tiles; t++) sum[t] = SPLAT16(0.0f);
      for (int c = 0; c < product.channels; c++, w += g->w_row) {
        const v16f weight = LOAD16(w);
#pragma clang loop unroll(full)
        for (int t = 0; t < tiles; t++) sum[t] = BITLINE_MULTIPLY_ADD(SPLAT16(x[16 * t + c]), weight, sum[t]);
      }
#pragma clang loop unroll(full)
      for (int t = 0; t < tiles; t++) products[t][row] = sum[t];
    }
#pragma clang loop unroll(full)
    for (int t = 0; t < tiles; t++) {
      winograd_output_side(POINTS, results, products[t], line);
#pragma clang loop unroll(full)
      for (int k = 0; k < results; k++) half[t][k * POINTS + column] = line[k];
    }
  }
  for (int t = 0; t < tiles; t++) {
    winograd_output_lines(
      results, POINTS, results, half[t], g->bias, g->add ? g->add + places[t] : 0, g->activation, g->y + places[t],
      (int64_t)g->grid->out_width * 16);
  }
}

#define WINOGRAD_FEW_OF(results)                                                                                              \
  static BITLINE_TARGET __attribute__((noinline)) void winograd_few_##results(                                                \
    const winograd_few_args *g, int64_t tiles, const float *input, const int64_t *places                                      \
  ) {                                                                                                                         \
    if (tiles == WINOGRAD_FEW) return winograd_few_group(g, WINOGRAD_FEW, results, input, places);                            \
    for (int64_t t = 0; t < tiles; t++) winograd_few_group(g, 1, results, input + 16 * t, places + t);                        \
  }
WINOGRAD_FEW_OF(2)
WINOGRAD_FEW_OF(3)
WINOGRAD_FEW_OF(4)

BITLINE_INLINE BITLINE_TARGET void winograd_few_tiles(const winograd_few_args *g) {
  const int results = g->grid->rows.results;
  const int64_t row = (int64_t)results * g->grid->out_width * 16;
  winograd_cursor at = winograd_cursor_in(g->grid, 1, g->first);
  for (int64_t tile = 0; tile < g->count; tile += WINOGRAD_FEW) {
    const int64_t tiles = bitline_min(g->count - tile, WINOGRAD_FEW);
    const float *input = g->input + 16 * tile;
    int64_t places[WINOGRAD_FEW];
    for (int64_t t = 0; t < tiles; t++, winograd_next(g->grid, 1, &at)) places[t] = at.row * row + at.column * results * 16;
    if (results == 2) winograd_few_2(g, tiles, input, places);
    else if (results == 3) winograd_few_3(g, tiles, input, places);
    else winograd_few_4(g, tiles, input, places);
  }
}
