/// What becomes of an int8 layer's integer sums, and how near they come to the sums of the numbers that codes stand for.
///
/// The reference adds up X * W, where X and W are products of an integer and a scale, rounded to f32. The integer sum S knows nothing of
/// these roundings: `S * scales + bias` may be off by as much as they can add up to, which `prepare` bounds filter by filter. A quotient
/// farther than that from the middle between two codes has the reference's code; for the others the reference's sum is computed.
#ifndef BITLINE_REQUANTIZE_H
#define BITLINE_REQUANTIZE_H

#include "blocked.h"

/// What stands at these offsets of the parameters, `[filters in whole blocks]` each: m, c, near, weight scales and factors (f32), biases
/// and slacks (f64). `c` includes the code of 0, and `least` and `most` bound the reference's quotients, which do not.
typedef struct requantize_plan {
  bitline_coding from, to;
  int32_t lo, hi;
  float least, most;
  int64_t m, c, near, scales, factors, biases, slacks, bytes;
} requantize_plan;

BITLINE_INLINE requantize_plan requantize_describe(int64_t filters) {
  const int64_t each = (int64_t)bitline_lines(blocks_of(filters) * BITLINE_LANES * 4);
  return (requantize_plan){
    .m = 0, .c = each, .near = 2 * each, .scales = 3 * each, .factors = 4 * each, .biases = 5 * each, .slacks = 7 * each,
    .bytes = 9 * each};
}

/// Codes of i8 are taken as u8, 128 higher.
BITLINE_INLINE uint8_t coding_flip(const bitline_coding *c) { return c->is_signed ? 0x80 : 0; }
BITLINE_INLINE int32_t coding_zero(const bitline_coding *c) { return c->zero + (c->is_signed ? 128 : 0); }

/// Fills plan and parameters. `inputs` is K.
void requantize_prepare(requantize_plan *r, const bitline_int8_layer *layer, int64_t filters, int64_t inputs, char *parameters);

BITLINE_INLINE requantize_lanes requantize_lanes_of(const requantize_plan *r, const char *parameters, int64_t block) {
  return (requantize_lanes){
    .m = (const float *)(parameters + r->m) + block * BITLINE_LANES, .c = (const float *)(parameters + r->c) + block * BITLINE_LANES,
    .near = (const float *)(parameters + r->near) + block * BITLINE_LANES, .least = (uint8_t)(r->lo ^ coding_flip(&r->to)),
    .most = (uint8_t)(r->hi ^ coding_flip(&r->to)), .flip = coding_flip(&r->to)};
}

BITLINE_INLINE double requantize_bias(const requantize_plan *r, const char *parameters, int64_t filter) {
  return ((const double *)(parameters + r->biases))[filter];
}

/// The reference's code of a filter's sum in f64.
BITLINE_INLINE uint8_t requantize_code(const requantize_plan *r, const char *parameters, int64_t filter, double sum) {
  // A product with a factor of 1 is exact.
  const float y = (float)sum * ((const float *)(parameters + r->factors))[filter];
  float q = y / r->to.scale;
  q = q < r->least ? r->least : q;
  q = q > r->most ? r->most : q;
  return (uint8_t)((int32_t)bitline_round(q) + r->to.zero);
}

#endif
