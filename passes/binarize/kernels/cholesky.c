#pragma STDC FP_CONTRACT OFF

#include "bitline_binarize.h"
#include "level.h"
#include <math.h>

/// Eight sums side by side, added in one fixed order.
BITLINE_INLINE double dot(const double *a, const double *b, int64_t n) {
  double sums[8] = {0};
  int64_t i = 0;
  for (; i + 8 <= n; i += 8)
    for (int lane = 0; lane < 8; lane++) sums[lane] += a[i + lane] * b[i + lane];
  double rest = 0;
  for (; i < n; i++) rest += a[i] * b[i];
  return ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7])) + rest;
}

/// Rows go together in eights, and are read for four others at once.
enum { SIDE = 8, TILE = 4 };

typedef double lanes __attribute__((vector_size(SIDE * 8)));
typedef double lanes_anywhere __attribute__((vector_size(SIDE * 8), aligned(8)));

/// `to[row][column]` becomes the dot product of rows of `a` and `b`, of `count` elements, a multiple of eight. Both extents are constants.
BITLINE_INLINE void dots(
  const int rows, const int columns, const double *a, const double *b, int64_t stride, int64_t count, double (*to)[SIDE]
) {
  lanes sums[TILE][TILE] = {{{0}}};
  for (int64_t k = 0; k < count; k += SIDE) {
    lanes column[TILE];
    _Pragma("clang loop unroll(full)") for (int j = 0; j < columns; j++) column[j] = *(const lanes_anywhere *)(b + j * stride + k);
    _Pragma("clang loop unroll(full)") for (int i = 0; i < rows; i++) {
      const lanes row = *(const lanes_anywhere *)(a + i * stride + k);
      _Pragma("clang loop unroll(full)") for (int j = 0; j < columns; j++) sums[i][j] += row * column[j];
    }
  }
  for (int i = 0; i < rows; i++) {
    for (int j = 0; j < columns; j++) {
      const lanes s = sums[i][j];
      to[i][j] = ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
    }
  }
}

/// The same of up to eight rows each.
BITLINE_INLINE void all_dots(
  int64_t rows, int64_t columns, const double *a, const double *b, int64_t stride, int64_t count, double (*to)[SIDE]
) {
  for (int64_t i = 0; i < rows; i += rows - i >= TILE ? TILE : 1) {
    for (int64_t j = 0; j < columns; j += columns - j >= TILE ? TILE : 1) {
      const double *from = a + i * stride, *other = b + j * stride;
      double (*here)[SIDE] = (double (*)[SIDE])(to[i] + j);
      if (rows - i >= TILE && columns - j >= TILE) dots(TILE, TILE, from, other, stride, count, here);
      else if (rows - i >= TILE) dots(TILE, 1, from, other, stride, count, here);
      else if (columns - j >= TILE) dots(1, TILE, from, other, stride, count, here);
      else dots(1, 1, from, other, stride, count, here);
    }
  }
}

BITLINE_INLINE double rest_of(const double *a, const double *b, int64_t first, int64_t end) {
  double rest = 0;
  for (int64_t k = first; k < end; k++) rest += a[k] * b[k];
  return rest;
}

/// Elements `first..<end` of row `i`, of whose sums those of whole lanes, up to `first`, are known.
BITLINE_INLINE void elements(double *matrix, int64_t n, int64_t i, int64_t first, int64_t end, const double *sums) {
  double *row = matrix + i * n;
  for (int64_t j = first; j < end; j++) {
    const double *other = matrix + j * n;
    row[j] = (row[j] - (sums[j - first] + rest_of(row, other, first, j))) / other[j];
  }
}

/// Row by row every element is less a sum of `dot`. What rows of an eight share with those of another are whole lanes of it, and are computed for
/// both eights together; the products behind them follow one by one.
BITLINE_INLINE int bitline_cholesky_body(double *matrix, int64_t n) {
  for (int64_t top = 0; top < n; top += SIDE) {
    const int64_t end = top + SIDE < n ? top + SIDE : n;
    double sums[SIDE][SIDE], *rows = matrix + top * n;
    for (int64_t left = 0; left < top; left += SIDE) {
      all_dots(end - top, SIDE, rows, matrix + left * n, n, left, sums);
      for (int64_t i = top; i < end; i++) elements(matrix, n, i, left, left + SIDE, sums[i - top]);
    }
    all_dots(end - top, end - top, rows, rows, n, top, sums);
    for (int64_t i = top; i < end; i++) {
      elements(matrix, n, i, top, i, sums[i - top]);
      double *row = matrix + i * n;
      const double square = row[i] - (sums[i - top][i - top] + rest_of(row, row, top, i));
      if (!(square > 0)) return -1;
      row[i] = sqrt(square);
    }
  }
  return 0;
}

BITLINE_LEVELS(int, bitline_cholesky, (double *matrix, int64_t n), (matrix, n))

BITLINE_INLINE void bitline_cholesky_solve_body(const double *factor, int64_t n, double *x) {
  for (int64_t i = 0; i < n; i++) x[i] = (x[i] - dot(factor + i * n, x, i)) / factor[i * n + i];
  for (int64_t i = n - 1; i >= 0; i--) {
    x[i] /= factor[i * n + i];
    for (int64_t j = 0; j < i; j++) x[j] -= x[i] * factor[i * n + j];
  }
}

BITLINE_LEVELS(void, bitline_cholesky_solve, (const double *factor, int64_t n, double *x), (factor, n, x))
