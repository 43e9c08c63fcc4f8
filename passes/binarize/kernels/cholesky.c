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

BITLINE_INLINE int bitline_cholesky_body(double *matrix, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    double *row = matrix + i * n;
    for (int64_t j = 0; j < i; j++) row[j] = (row[j] - dot(row, matrix + j * n, j)) / matrix[j * n + j];
    double square = row[i] - dot(row, row, i);
    if (!(square > 0)) return -1;
    row[i] = sqrt(square);
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
