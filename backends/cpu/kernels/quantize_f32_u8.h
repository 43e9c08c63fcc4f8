/// Step 1 of the numeric contract: a true division, rounding half to even, and bounds.
BITLINE_INLINE void quantize_row(
  int64_t count, const float *restrict x, const float *restrict scale, const int32_t *restrict zero, const int per_element, int32_t lo,
  int32_t hi, uint8_t *restrict codes
) {
  const float scale0 = scale[0];
  const int32_t zero0 = zero ? zero[0] : 0;
#define ROW(scale_of, zero_of)                                     \
  for (int64_t i = 0; i < count; i++) {                            \
    float q = x[i] / (scale_of);                                   \
    float least = (float)(lo - (zero_of)), most = (float)(hi - (zero_of)); \
    q = q == q ? q : 0;                                            \
    q = q < least ? least : q;                                     \
    q = q > most ? most : q;                                       \
    codes[i] = (uint8_t)((int32_t)bitline_round(q) + (zero_of));   \
  }
  // The bounds are whole, so that bounding before rounding changes nothing.
  if (!per_element) { ROW(scale0, zero0) }
  else if (zero) { ROW(scale[i], zero[i]) }
  else { ROW(scale[i], 0) }
#undef ROW
}

BITLINE_INLINE void quantize_f32_body(
  int64_t outer, int64_t channels, int64_t inner, const float *x, const float *scale, const int32_t *zero, int32_t lo, int32_t hi,
  uint8_t *codes
) {
  const int per_element = inner == 1 && channels > 1;
  const int64_t rows = per_element ? 1 : channels, length = per_element ? channels : inner;
  for (int64_t n = 0; n < outer; n++) {
    for (int64_t c = 0; c < rows; c++) {
      const int64_t at = (n * rows + c) * length;
      if (per_element) quantize_row(length, x + at, scale, zero, 1, lo, hi, codes + at);
      else quantize_row(length, x + at, scale + c, zero ? zero + c : 0, 0, lo, hi, codes + at);
    }
  }
}
