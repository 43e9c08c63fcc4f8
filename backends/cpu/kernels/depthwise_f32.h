/// One plane of a depthwise convolution: every result sums its taps in order.
BITLINE_INLINE void depthwise_f32_body(
  const float *plane, int64_t position_row, const int32_t *taps, const float *weights, int64_t tap_count, float bias,
  bitline_activation activation, int64_t out_height, int64_t out_width, float *y
) {
#pragma clang fp contract(fast)
  enum { CHUNK = 32 };
  for (int64_t row = 0; row < out_height; row++) {
    for (int64_t column = 0; column < out_width; column += CHUNK) {
      const float *from = plane + row * position_row + column;
      float sum[CHUNK];
      for (int i = 0; i < CHUNK; i++) sum[i] = bias;
      for (int64_t t = 0; t < tap_count; t++) {
        const float *tap = from + taps[t];
        float weight = weights[t];
        for (int i = 0; i < CHUNK; i++) sum[i] += tap[i] * weight;
      }
      int64_t length = bitline_min(CHUNK, out_width - column);
      float *to = y + row * out_width + column;
      for (int64_t i = 0; i < length; i++) to[i] = bitline_activate(activation, sum[i]);
    }
  }
}
