/// What becomes of integer sums of sixteen filters from `filter` on, of which `lanes` exist; those that do not are stored, as 0, if `fills`.
BITLINE_INLINE BITLINE_TARGET void finish_sums_body(
  const bitline_sums_finish *finish, int64_t filter, int lanes, const int32_t *sums, int64_t stride, int64_t rows, void *y, int64_t y_row,
  int fills
) {
  const size_t bytes = 4 * (size_t)(fills ? BITLINE_LANES : lanes);
  if (!finish->factors) {
    for (int64_t i = 0; i < rows; i++) memcpy((int32_t *)y + i * y_row, sums + i * stride, bytes);
    return;
  }
  float factors[BITLINE_LANES] = {0}, biases[BITLINE_LANES] = {0};
  for (int i = 0; i < lanes; i++) {
    factors[i] = finish->factors[finish->by_filter ? filter + i : 0];
    if (finish->bias) biases[i] = finish->bias[filter + i];
  }
  const v16f factor = LOAD16(factors), bias = LOAD16(biases);
  for (int64_t i = 0; i < rows; i++) {
    v16f x = __builtin_convertvector(LOAD16I(sums + i * stride), v16f) * factor;
    // Not in any case: 0 added to -0 is 0.
    if (finish->bias) x = x + bias;
    if (bytes == 4 * BITLINE_LANES) STORE16((float *)y + i * y_row, x);
    else {
      float sixteen[BITLINE_LANES];
      STORE16(sixteen, x);
      memcpy((float *)y + i * y_row, sixteen, bytes);
    }
  }
}

/// The greatest of all elements, or the least; NaN where there is one. Infinite where there is none.
BITLINE_INLINE BITLINE_TARGET float extreme_f32_body(int least, int64_t count, const float *x) {
  const float from = least ? __builtin_inff() : -__builtin_inff();
  float parts[4 * BITLINE_LANES];
  v16f best[4];
  v16i strange = SPLAT16I(0);
  for (int k = 0; k < 4; k++) best[k] = SPLAT16(from);
  int64_t i = 0;
  for (; i + 4 * BITLINE_LANES <= count; i += 4 * BITLINE_LANES) {
#pragma clang loop unroll(full)
    for (int k = 0; k < 4; k++) {
      const v16f a = LOAD16(x + i + BITLINE_LANES * k);
      strange |= (a != a);
      if (least) best[k] = a < best[k] ? a : best[k];
      else best[k] = a > best[k] ? a : best[k];
    }
  }
  for (int k = 0; k < 4; k++) STORE16(parts + BITLINE_LANES * k, best[k]);
  float result = from;
  for (int k = 0; k < 4 * BITLINE_LANES; k++) {
    if (k < BITLINE_LANES && strange[k]) return __builtin_nanf("");
    result = (least ? parts[k] < result : parts[k] > result) ? parts[k] : result;
  }
  for (; i < count; i++) {
    if (x[i] != x[i]) return x[i];
    result = (least ? x[i] < result : x[i] > result) ? x[i] : result;
  }
  return result;
}
