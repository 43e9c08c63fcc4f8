/// One plane of a depthwise convolution, four rows at a time: every result sums its taps in order.
typedef float depthwise_lanes __attribute__((vector_size(BITLINE_F32_COLS / 2 * 4)));

BITLINE_INLINE void depthwise_f32_body(
  const float *plane, int64_t position_row, const int32_t *taps, const float *weights, int64_t tap_count, float bias,
  bitline_activation activation, int64_t out_height, int64_t out_width, float *y
) {
#pragma clang fp contract(fast)
  enum { LANES = BITLINE_F32_COLS / 2, ROWS = 4 };
  for (int64_t row = 0; row < out_height; row += ROWS) {
    // Below the last row it is computed again.
    const float *from[ROWS];
    for (int i = 0; i < ROWS; i++) from[i] = plane + bitline_min(row + i, out_height - 1) * position_row;
    for (int64_t column = 0; column < out_width; column += LANES) {
      depthwise_lanes sum[ROWS];
      for (int i = 0; i < ROWS; i++) sum[i] = (depthwise_lanes){0} + bias;
      for (int64_t t = 0; t < tap_count; t++) {
        const float weight = weights[t];
        for (int i = 0; i < ROWS; i++) {
          depthwise_lanes element;
          memcpy(&element, from[i] + taps[t] + column, sizeof element);
          sum[i] += element * weight;
        }
      }
      const int64_t length = bitline_min(LANES, out_width - column);
      for (int i = 0; i < ROWS && row + i < out_height; i++) {
        float result[LANES];
        memcpy(result, &sum[i], sizeof result);
        for (int j = 0; j < LANES; j++) result[j] = bitline_activate(activation, result[j]);
        float *to = y + (row + i) * out_width + column;
        if (length == LANES) memcpy(to, result, sizeof result);
        else for (int64_t j = 0; j < length; j++) to[j] = result[j];
      }
    }
  }
}
