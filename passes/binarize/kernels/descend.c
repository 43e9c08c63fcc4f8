#pragma STDC FP_CONTRACT OFF

#include "bitline_binarize.h"
#include "level.h"
#include <math.h>

enum { most_bases = 4 };

BITLINE_INLINE void bitline_add_scaled_body(double *y, const float *x, double a, int64_t n) {
  for (int64_t i = 0; i < n; i++) y[i] += a * (double)x[i];
}

BITLINE_LEVELS(void, bitline_add_scaled, (double *y, const float *x, double a, int64_t n), (y, x, a, n))

/// Sums in a fixed order, eight lanes wide.
BITLINE_INLINE double signed_sum(const int8_t *bits, const double *x, int64_t n) {
  double sums[8] = {0};
  int64_t i = 0;
  for (; i + 8 <= n; i += 8)
    for (int lane = 0; lane < 8; lane++) sums[lane] += (double)bits[i + lane] * x[i + lane];
  double rest = 0;
  for (; i < n; i++) rest += (double)bits[i] * x[i];
  return ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7])) + rest;
}

/// Scales that minimise the error of the bits as they are; returns the minimum. Elimination with a trace of ridge, so that equal bases share.
BITLINE_INLINE double fit(const double *cross, int64_t n, int bases, const int8_t *bits, const double *products, double *scales) {
  double a[most_bases][most_bases + 1];
  double right[most_bases];
  double trace = 0;
  for (int i = 0; i < bases; i++) {
    for (int j = 0; j < bases; j++) a[i][j] = signed_sum(bits + i * n, products + j * n, n);
    right[i] = a[i][bases] = signed_sum(bits + i * n, cross, n);
    trace += a[i][i];
  }
  for (int i = 0; i < bases; i++) a[i][i] += 1e-9 * trace + 1e-300;
  for (int i = 0; i < bases; i++)
    for (int row = i + 1; row < bases; row++) {
      double factor = a[row][i] / a[i][i];
      for (int j = i; j <= bases; j++) a[row][j] -= factor * a[i][j];
    }
  double gain = 0;
  for (int i = bases - 1; i >= 0; i--) {
    double sum = a[i][bases];
    for (int j = i + 1; j < bases; j++) sum -= a[i][j] * scales[j];
    scales[i] = sum / a[i][i];
    gain += scales[i] * right[i];
  }
  return -gain;
}

/// One basis: turns each bit for which (bᵀr)² / bᵀGb, what the best scale reaches, grows. Returns how many turned.
BITLINE_INLINE int64_t sweep_one(const float *gram, const double *cross, int64_t n, int8_t *bits, double *product) {
  double above = signed_sum(bits, cross, n);
  double below = signed_sum(bits, product, n);
  int64_t turned = 0;
  for (int64_t i = 0; i < n; i++) {
    double bit = bits[i];
    double newAbove = above - 2 * bit * cross[i];
    double newBelow = below - 4 * bit * product[i] + 4 * (double)gram[i * n + i];
    if (!(newBelow > 0) || !(newAbove * newAbove * below > above * above * newBelow * (1 + 1e-12))) continue;
    bitline_add_scaled_body(product, gram + i * n, -2 * bit, n);
    bits[i] = -bits[i];
    above = newAbove;
    below = newBelow;
    turned++;
  }
  return turned;
}

/// Several bases: gives each weight the one of 2^bases levels that is best while all others stand. Returns how many moved.
BITLINE_INLINE int64_t sweep_levels(
  const float *gram, const double *cross, int64_t n, int bases, int8_t *bits, const double *scales, double *products) {
  double levels[1 << most_bases];
  for (int level = 0; level < 1 << bases; level++) {
    levels[level] = 0;
    for (int basis = 0; basis < bases; basis++) levels[level] += level >> basis & 1 ? scales[basis] : -scales[basis];
  }
  double *slope = products + bases * n;
  for (int64_t i = 0; i < n; i++) slope[i] = -cross[i];
  for (int basis = 0; basis < bases; basis++)
    for (int64_t i = 0; i < n; i++) slope[i] += scales[basis] * products[basis * n + i];
  int64_t moved = 0;
  for (int64_t i = 0; i < n; i++) {
    double square = gram[i * n + i];
    if (!(square > 0)) continue;
    int now = 0;
    for (int basis = 0; basis < bases; basis++) now |= (bits[basis * n + i] > 0) << basis;
    double wanted = levels[now] - slope[i] / square;
    int best = now;
    for (int level = 0; level < 1 << bases; level++)
      if (fabs(levels[level] - wanted) < fabs(levels[best] - wanted)) best = level;
    if (fabs(levels[best] - levels[now]) <= 1e-12 * fabs(levels[now])) continue;
    bitline_add_scaled_body(slope, gram + i * n, levels[best] - levels[now], n);
    for (int basis = 0; basis < bases; basis++) {
      int8_t bit = best >> basis & 1 ? 1 : -1;
      if (bits[basis * n + i] != bit) bitline_add_scaled_body(products + basis * n, gram + i * n, 2 * bit, n);
      bits[basis * n + i] = bit;
    }
    moved++;
  }
  return moved;
}

BITLINE_INLINE double bitline_descend_body(
  const float *gram, const double *cross, int64_t n, int bases, int sweeps, int8_t *bits, double *scales, double *products) {
  for (int64_t i = 0; i < bases * n; i++) products[i] = 0;
  for (int basis = 0; basis < bases; basis++)
    for (int64_t i = 0; i < n; i++) bitline_add_scaled_body(products + basis * n, gram + i * n, bits[basis * n + i], n);
  double error = fit(cross, n, bases, bits, products, scales);
  for (int sweep = 0; sweep < sweeps; sweep++) {
    int64_t moved = bases == 1 ? sweep_one(gram, cross, n, bits, products)
                               : sweep_levels(gram, cross, n, bases, bits, scales, products);
    double now = fit(cross, n, bases, bits, products, scales);
    int isDone = moved == 0 || error - now <= 1e-6 * fabs(now);
    error = now;
    if (isDone) break;
  }
  return error;
}

BITLINE_LEVELS(
  double, bitline_descend,
  (const float *gram, const double *cross, int64_t n, int bases, int sweeps, int8_t *bits, double *scales, double *products),
  (gram, cross, n, bases, sweeps, bits, scales, products))
