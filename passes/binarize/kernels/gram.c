#pragma STDC FP_CONTRACT OFF

#include "bitline_binarize.h"
#include "level.h"

typedef float lanes __attribute__((vector_size(64)));

/// Four columns of panel a against all of panel b.
BITLINE_INLINE void four_columns(const float *a, const float *b, int64_t rows, double *out, int64_t stride) {
  lanes sums[4][2] = {{{0}}};
  for (int64_t row = 0; row < rows; row++) {
    lanes b0 = *(const lanes *)(b + row * BITLINE_PANEL);
    lanes b1 = *(const lanes *)(b + row * BITLINE_PANEL + 16);
    for (int column = 0; column < 4; column++) {
      float factor = a[row * BITLINE_PANEL + column];
      sums[column][0] += b0 * factor;
      sums[column][1] += b1 * factor;
    }
  }
  for (int column = 0; column < 4; column++)
    for (int lane = 0; lane < 16; lane++) {
      out[column * stride + lane] += (double)sums[column][0][lane];
      out[column * stride + 16 + lane] += (double)sums[column][1][lane];
    }
}

BITLINE_INLINE void bitline_gram_add_body(
  const float *panels, int64_t rows, int64_t columns, int64_t first, int64_t last, double *gram) {
  for (int64_t i = first; i < last; i++)
    for (int64_t j = 0; j <= i; j++)
      for (int column = 0; column < BITLINE_PANEL; column += 4)
        four_columns(
          panels + i * rows * BITLINE_PANEL + column, panels + j * rows * BITLINE_PANEL, rows,
          gram + (i * BITLINE_PANEL + column) * columns + j * BITLINE_PANEL, columns);
}

BITLINE_LEVELS(
  void, bitline_gram_add,
  (const float *panels, int64_t rows, int64_t columns, int64_t first, int64_t last, double *gram),
  (panels, rows, columns, first, last, gram))

BITLINE_INLINE void bitline_cross_add_body(
  const float *panels, int64_t rows, int64_t columns, const float *targets, int64_t stride, double *cross) {
  for (int64_t panel = 0; panel < columns / BITLINE_PANEL; panel++) {
    double sums[BITLINE_PANEL] = {0};
    const float *inputs = panels + panel * rows * BITLINE_PANEL;
    for (int64_t row = 0; row < rows; row++) {
      double target = targets[row * stride];
      for (int lane = 0; lane < BITLINE_PANEL; lane++) sums[lane] += target * (double)inputs[row * BITLINE_PANEL + lane];
    }
    for (int lane = 0; lane < BITLINE_PANEL; lane++) cross[panel * BITLINE_PANEL + lane] += sums[lane];
  }
}

BITLINE_LEVELS(
  void, bitline_cross_add,
  (const float *panels, int64_t rows, int64_t columns, const float *targets, int64_t stride, double *cross),
  (panels, rows, columns, targets, stride, cross))
