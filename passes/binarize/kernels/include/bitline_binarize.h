/// Kernels of the least squares behind binarization. Results are the same bits at every instruction level: sums run in a fixed order, and
/// products are never fused into them.
#ifndef BITLINE_BINARIZE_H
#define BITLINE_BINARIZE_H

#include <stdint.h>

/// Inputs stand in panels of so many columns: `panel[rows][BITLINE_PANEL]`, one panel after the other.
#define BITLINE_PANEL 32
/// Rows that are summed in f32 before they are added to the f64 totals. Products of codes up to 255 stay whole numbers below 2^24.
#define BITLINE_BLOCK 256

/// Adds XᵀX of one block to the columns `[first, last)` of panels of the lower triangle of `gram`, f64 `[columns][columns]`; `columns` is
/// the padded count, a multiple of BITLINE_PANEL.
void bitline_gram_add(const float *panels, int64_t rows, int64_t columns, int64_t first, int64_t last, double *gram);

/// Adds yᵀX of one block to `cross`, f64 `[columns]`; `targets` has one number a row, `stride` apart.
void bitline_cross_add(
  const float *panels, int64_t rows, int64_t columns, const float *targets, int64_t stride, double *cross);

/// Cholesky factor L of the symmetric `matrix` `[n][n]`, in place in the lower triangle. Returns 0, or -1 when it is not positive definite.
int bitline_cholesky(double *matrix, int64_t n);

/// Solves L Lᵀ x = b in place.
void bitline_cholesky_solve(const double *factor, int64_t n, double *x);

/// y += a · x, with x in f32.
void bitline_add_scaled(double *y, const float *x, double a, int64_t n);

/// One filter, `bases` vectors of ±1 and their scales: minimises (Ba)ᵀ G (Ba) - 2 (Ba)ᵀ r over both, from the bits given, one weight at a
/// time, and refits the scales between sweeps. `gram` is f32 `[n][n]`, `bits` `[bases][n]`, `products` scratch f64 `[bases + 1][n]`.
/// Returns the minimum found; writes scales. With `sweeps` 0 only the scales are fitted.
double bitline_descend(
  const float *gram, const double *cross, int64_t n, int bases, int sweeps, int8_t *bits, double *scales, double *products);

#endif
