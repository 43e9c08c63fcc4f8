/// Steps 5 and 6 of the numeric contract: multiply, add, activate, each rounded on its own.

/// `m` and `c` step with the element (`per_element`) or stay.
BITLINE_INLINE void rescale_one_base(
  int64_t count, const int32_t *restrict p, const float *restrict m, const float *restrict c, const int per_element,
  bitline_activation activation, float *restrict y
) {
  const float m0 = m[0], c0 = c[0];
#define ROW(result)                                            \
  for (int64_t i = 0; i < count; i++) {                        \
    float product = (float)p[i] * (per_element ? m[i] : m0);   \
    float x = product + (per_element ? c[i] : c0);             \
    y[i] = result;                                             \
  }
  switch (activation.kind) {
  case BITLINE_ACTIVATION_NONE: ROW(x) break;
  case BITLINE_ACTIVATION_RELU: ROW(x < 0 ? 0 : x) break;
  case BITLINE_ACTIVATION_CLIP: ROW(x < activation.lo ? activation.lo : x > activation.hi ? activation.hi : x) break;
  }
#undef ROW
}

BITLINE_INLINE void rescale_many_bases(
  int64_t count, int64_t at, int64_t channel, int32_t bases, const int32_t *const *sums, const float *const *scales, const float *c,
  const int per_element, bitline_activation activation, float *restrict y
) {
  for (int32_t base = 0; base < bases; base++) {
    const int32_t *restrict p = sums[base] + at;
    const float *restrict m = scales[base] + channel;
    const float m0 = m[0];
    if (base == 0) {
      for (int64_t i = 0; i < count; i++) y[i] = (float)p[i] * (per_element ? m[i] : m0);
    } else {
      for (int64_t i = 0; i < count; i++) {
        float product = (float)p[i] * (per_element ? m[i] : m0);
        y[i] = y[i] + product;
      }
    }
  }
  for (int64_t i = 0; i < count; i++) y[i] = bitline_activate(activation, y[i] + (per_element ? c[channel + i] : c[channel]));
}

BITLINE_INLINE void rescale_body(
  int64_t outer, int64_t channels, int64_t inner, int32_t bases, const int32_t *const *sums, const float *const *scales,
  const float *offset, bitline_activation activation, float *y
) {
  const int per_element = inner == 1;
  const int64_t rows = per_element ? 1 : channels, length = per_element ? channels : inner;
  for (int64_t n = 0; n < outer; n++) {
    for (int64_t f = 0; f < rows; f++) {
      const int64_t at = (n * rows + f) * length;
      if (bases == 1) {
        if (per_element) rescale_one_base(length, sums[0] + at, scales[0], offset, 1, activation, y + at);
        else rescale_one_base(length, sums[0] + at, scales[0] + f, offset + f, 0, activation, y + at);
      } else {
        if (per_element) rescale_many_bases(length, at, 0, bases, sums, scales, offset, 1, activation, y + at);
        else rescale_many_bases(length, at, f, bases, sums, scales, offset, 0, activation, y + at);
      }
    }
  }
}
