/// What becomes of a binary layer's sums: steps 5, 6 and 1 of the numeric contract, each rounded as it says.

/// `activation(f32(sum) * m + c)`, multiply, then add.
BITLINE_INLINE BITLINE_TARGET v16f finish_rescale(const bitline_finish *f, v16i sum, v16f m, v16f c) {
  const v16f product = __builtin_convertvector(sum, v16f) * m;
  const v16f x = product + c;
  return ACTIVATE16(f->activation, x);
}

/// `clamp(roundHalfEven(x / scale), lo, hi)`, a true division.
BITLINE_INLINE BITLINE_TARGET v16u8 finish_quantize(const bitline_finish *f, v16f x) {
  const v16f least = SPLAT16((float)f->lo), most = SPLAT16((float)f->hi), magic = SPLAT16(12582912.0f);
  v16f q = x / SPLAT16(f->scale);
  q = q < least ? least : q;
  q = q > most ? most : q;
  // The bounds are whole, so that bounding before rounding changes nothing.
  const v16f shifted = q + magic;
  return __builtin_convertvector(__builtin_convertvector(shifted - magic, v16i), v16u8);
}

/// Sixteen results at element `at` of `y`.
BITLINE_INLINE BITLINE_TARGET void finish_store(const bitline_finish *f, v16i sum, v16f m, v16f c, void *y, int64_t at) {
  const v16f x = finish_rescale(f, sum, m, c);
  if (f->quantizes) *(v16u8_anywhere *)((uint8_t *)y + at) = finish_quantize(f, x);
  else STORE16((float *)y + at, x);
}

/// Rows of sums, `stride` apart, to results that neighbour each other.
BITLINE_INLINE BITLINE_TARGET void finish_rows_body(
  const bitline_finish *f, const int32_t *sums, int64_t stride, int64_t rows, const float *m, const float *c, void *y
) {
  const v16f factor = LOAD16(m), offset = LOAD16(c);
  for (int64_t i = 0; i < rows; i++) finish_store(f, LOAD16I(sums + i * stride), factor, offset, y, 16 * i);
}
