/// Dot products of one row with up to four filters.

/// `w[filters][inputs rounded up to 16]`, filled up with 0. Each sum is of sixteen parts, which are added by halves.
BITLINE_INLINE BITLINE_TARGET void dense_few_f32_rows(const float *x, int64_t inputs, const float *w, const int filters, float *sums) {
  const int64_t row = bitline_round_up(inputs, BITLINE_LANES);
  v16f sum[4];
#pragma clang loop unroll(full)
  for (int f = 0; f < filters; f++) sum[f] = SPLAT16(0.0f);
  int64_t k = 0;
  for (; k + BITLINE_LANES <= inputs; k += BITLINE_LANES) {
    const v16f numbers = LOAD16(x + k);
#pragma clang loop unroll(full)
    for (int f = 0; f < filters; f++) sum[f] = BITLINE_MULTIPLY_ADD(numbers, LOAD16(w + f * row + k), sum[f]);
  }
  if (k < inputs) {
    float rest[BITLINE_LANES] = {0};
    memcpy(rest, x + k, sizeof(float) * (size_t)(inputs - k));
#pragma clang loop unroll(full)
    for (int f = 0; f < filters; f++) sum[f] = BITLINE_MULTIPLY_ADD(LOAD16(rest), LOAD16(w + f * row + k), sum[f]);
  }
#pragma clang loop unroll(full)
  for (int f = 0; f < filters; f++) {
    float parts[BITLINE_LANES];
    STORE16(parts, sum[f]);
    for (int half = BITLINE_LANES / 2; half > 0; half /= 2) for (int i = 0; i < half; i++) parts[i] += parts[i + half];
    sums[f] = parts[0];
  }
}
