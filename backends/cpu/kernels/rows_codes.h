/// Numbers that codes stand for, computed with and coded again, each step rounded to f32 as the reference does.

/// What codes stand for, in registers.
typedef struct coding_vectors {
  v16f scale;
  v16i zero;
  v16u8 flip;
} coding_vectors;

BITLINE_INLINE BITLINE_TARGET coding_vectors coding_vectors_of(const bitline_coding *c) {
  return (coding_vectors){
    .scale = SPLAT16(c->scale), .zero = SPLAT16I(c->zero + (c->is_signed ? 128 : 0)), .flip = (v16u8)(uint8_t)(c->is_signed ? 0x80 : 0)};
}

BITLINE_INLINE BITLINE_TARGET v16f numbers_of(const uint8_t *codes, const coding_vectors *from) {
  return __builtin_convertvector(__builtin_convertvector(LOAD16B(codes) ^ from->flip, v16i) - from->zero, v16f) * from->scale;
}

/// How numbers become codes, in registers.
typedef struct quantize_vectors {
  v16f scale, inverse, least, most;
  v16i zero;
} quantize_vectors;

BITLINE_INLINE BITLINE_TARGET quantize_vectors quantize_vectors_of(const bitline_coding *to, int32_t lo, int32_t hi) {
  return (quantize_vectors){
    .scale = SPLAT16(to->scale), .inverse = SPLAT16(1 / to->scale), .least = SPLAT16((float)(lo - to->zero)),
    .most = SPLAT16((float)(hi - to->zero)), .zero = SPLAT16I(to->zero)};
}

/// `clamp(roundHalfEven(x / scale) + zero, lo, hi)`; x is finite.
BITLINE_INLINE BITLINE_TARGET v16u8 codes_of(v16f x, const quantize_vectors *to) {
  const v16f magic = SPLAT16(12582912.0f);
  // Multiplying with 1 / scale is off by three roundings, of numbers up to 255: divided is only where that may matter.
  v16f q = x * to->inverse;
  q = q < to->least ? to->least : q;
  q = q > to->most ? to->most : q;
  const v16f apart = q - ((q + magic) - magic);
  if (BITLINE_BITS16((apart < SPLAT16(0.0f) ? -apart : apart) > SPLAT16(0.5f - 4 * 256 * 0x1p-24f))) {
    q = x / to->scale;
    q = q < to->least ? to->least : q;
    q = q > to->most ? to->most : q;
  }
  // The bounds are whole, so that bounding before rounding changes nothing; the magic number is even, as halves want.
  return __builtin_convertvector((v16i)(q + magic) + to->zero, v16u8);
}

BITLINE_INLINE BITLINE_TARGET void add_codes_body(
  const bitline_add_codes_plan *p, int64_t count, const uint8_t *a, const uint8_t *b, uint8_t *y
) {
  const coding_vectors from_a = coding_vectors_of(&p->a), from_b = coding_vectors_of(&p->b);
  const quantize_vectors to = quantize_vectors_of(&p->to, p->lo, p->hi);
  int64_t i = 0;
  for (; i + 16 <= count; i += 16) *(v16u8_anywhere *)(y + i) = codes_of(numbers_of(a + i, &from_a) + numbers_of(b + i, &from_b), &to);
  if (i == count) return;
  uint8_t rest[3][16] = {{0}, {0}, {0}};
  memcpy(rest[0], a + i, (size_t)(count - i));
  memcpy(rest[1], b + i, (size_t)(count - i));
  *(v16u8_anywhere *)rest[2] = codes_of(numbers_of(rest[0], &from_a) + numbers_of(rest[1], &from_b), &to);
  memcpy(y + i, rest[2], (size_t)(count - i));
}

BITLINE_INLINE BITLINE_TARGET void mean_codes_body(
  const bitline_mean_codes_plan *p, int64_t blocks, int64_t positions, const uint8_t *x, uint8_t *y
) {
  const coding_vectors from = coding_vectors_of(&p->from);
  const quantize_vectors to = quantize_vectors_of(&p->to, p->lo, p->hi);
  for (int64_t block = 0; block < blocks; block++, y += 16) {
    v8d sums[2] = {(v8d)(0.0), (v8d)(0.0)};
    for (int64_t i = 0; i < positions; i++, x += 16) {
      const v16f number = numbers_of(x, &from);
      sums[0] += __builtin_convertvector(number.lo, v8d);
      sums[1] += __builtin_convertvector(number.hi, v8d);
    }
    v16f mean;
    mean.lo = __builtin_convertvector(sums[0] / (v8d)((double)positions), __typeof__(mean.lo));
    mean.hi = __builtin_convertvector(sums[1] / (v8d)((double)positions), __typeof__(mean.lo));
    *(v16u8_anywhere *)y = codes_of(mean, &to);
  }
}
