/// How near the integer sums of an int8 layer come to the reference's.
#pragma STDC FP_CONTRACT OFF
#include "requantize.h"

#include <math.h>

void requantize_prepare(requantize_plan *r, const bitline_int8_layer *layer, int64_t filters, int64_t inputs, char *parameters) {
  r->from = layer->from;
  r->to = layer->to;
  r->lo = layer->lo;
  r->hi = layer->hi;
  r->least = (float)(layer->lo - layer->to.zero);
  r->most = (float)(layer->hi - layer->to.zero);
  float *m = (float *)(parameters + r->m), *c = (float *)(parameters + r->c), *near = (float *)(parameters + r->near);
  float *scales = (float *)(parameters + r->scales), *factors = (float *)(parameters + r->factors);
  double *biases = (double *)(parameters + r->biases), *slacks = (double *)(parameters + r->slacks);
  const double scale = layer->from.scale, result = layer->to.scale;
  // The greatest number that a code stands for, and the greatest error of one.
  double most_x = 0, error_x = 0;
  for (int code = 0; code < 256; code++) {
    const int q = code - coding_zero(&layer->from);
    const float x = (float)q * layer->from.scale;
    most_x = fmax(most_x, fabs((double)x));
    error_x = fmax(error_x, fabs((double)x - q * scale));
  }
  for (int64_t f = 0; f < filters; f++) {
    const double w_scale = layer->scales[f], bias = layer->bias ? layer->bias[f] : 0, factor = layer->factors ? layer->factors[f] : 1;
    double sum = 0, error = 0;
    for (int64_t k = 0; k < inputs; k++) {
      const int w = layer->weights[f * inputs + k];
      const float weight = (float)w * layer->scales[f];
      sum += fabs((double)weight);
      error += fabs((double)weight - w * w_scale);
    }
    scales[f] = layer->scales[f];
    factors[f] = (float)factor;
    biases[f] = bias;
    m[f] = (float)(scale * w_scale * factor / result);
    c[f] = (float)(bias * factor / result + coding_zero(&layer->to));
    // Sums of f64 in two orders, each of which rounds less than inputs + 4 times.
    slacks[f] = 2 * (double)(inputs + 4) * 0x1p-53 * (most_x * sum + fabs(bias));
    // Roundings to f32: of S, m, their product, c and the sum here, and of y, its product and the quotient there; where a quotient lies
    // within the bounds of the codes, S * m is at most 257 + |c|, and the other numbers are no greater. X and W err together at most by the
    // products of their errors.
    const double apart =
      (error_x * sum + (most_x + error_x) * error + slacks[f]) * factor / result + 8 * 0x1p-24 * (257 + fabs((double)c[f]));
    // What rounded here is taken off with half as much again. Codes must stay numbers of i32 before they are bounded: no code is sure where
    // they might not.
    const int far = !(fabs((double)m[f]) * (double)inputs * 255 * 128 + fabs((double)c[f]) < 0x1p30);
    if (far) m[f] = c[f] = 0;
    near[f] = far ? -1 : (float)(0.5 - apart * (1 + 0x1p-10) - 0x1p-24);
  }
}
