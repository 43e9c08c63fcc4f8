/// exp and what is made of it, on vectors of sixteen numbers, within 2 spacings of the true values.

/// e^x; 0 and infinity where f32 ends, NaN for NaN.
BITLINE_INLINE BITLINE_TARGET v16f exp16(v16f x) {
  // x = n ln 2 + r. ln 2 in two parts, the first with bits to spare, so that n times it is exact.
  const v16f clamped = (x > SPLAT16(89.0f)) ? SPLAT16(89.0f) : ((x < SPLAT16(-104.0f)) ? SPLAT16(-104.0f) : x);
  const v16f magic = SPLAT16(12582912.0f);
  const v16f n = (clamped * SPLAT16(1.44269504f) + magic) - magic;
  v16f r = clamped - n * SPLAT16(0.693359375f);
  r = r - n * SPLAT16(-2.12194440e-4f);
  v16f p = SPLAT16(1.9875691500e-4f);
  p = BITLINE_MULTIPLY_ADD(p, r, SPLAT16(1.3981999507e-3f));
  p = BITLINE_MULTIPLY_ADD(p, r, SPLAT16(8.3334519073e-3f));
  p = BITLINE_MULTIPLY_ADD(p, r, SPLAT16(4.1665795894e-2f));
  p = BITLINE_MULTIPLY_ADD(p, r, SPLAT16(1.6666665459e-1f));
  p = BITLINE_MULTIPLY_ADD(p, r, SPLAT16(5.0000001201e-1f));
  p = BITLINE_MULTIPLY_ADD(p, r * r, r) + SPLAT16(1.0f);
  // 2^n in two factors, as n may be beyond what one can say.
  const v16i whole = (x == x) ? __builtin_convertvector(n, v16i) : SPLAT16I(0), half = whole >> 1, rest = whole - half;
  const v16i first = (half + 127) << 23, second = (rest + 127) << 23;
  v16f a, b;
  memcpy(&a, &first, sizeof a);
  memcpy(&b, &second, sizeof b);
  return (x == x) ? (p * a * b) : x;
}

BITLINE_INLINE BITLINE_TARGET v16f sigmoid16(v16f x) { return SPLAT16(1.0f) / (SPLAT16(1.0f) + exp16(-x)); }

BITLINE_INLINE BITLINE_TARGET v16f tanh16(v16f x) {
  const v16f magnitude = (x < SPLAT16(0.0f)) ? -x : x;
  // Near 0 by a polynomial, beyond by 1 - 2 / (e^2x + 1).
  const v16f z = x * x;
  v16f p = SPLAT16(-5.70498872745e-3f);
  p = BITLINE_MULTIPLY_ADD(p, z, SPLAT16(2.06390887954e-2f));
  p = BITLINE_MULTIPLY_ADD(p, z, SPLAT16(-5.37397155531e-2f));
  p = BITLINE_MULTIPLY_ADD(p, z, SPLAT16(1.33314422036e-1f));
  p = BITLINE_MULTIPLY_ADD(p, z, SPLAT16(-3.33332819422e-1f));
  const v16f near = BITLINE_MULTIPLY_ADD(p * z, x, x);
  const v16f far = SPLAT16(1.0f) - SPLAT16(2.0f) / (exp16(magnitude + magnitude) + SPLAT16(1.0f));
  const v16f large = (x < SPLAT16(0.0f)) ? -far : far;
  return (magnitude < SPLAT16(0.625f)) ? near : large;
}

/// Loads and stores of fewer than sixteen.
BITLINE_INLINE BITLINE_TARGET v16f load_some(const float *x, int64_t count) {
  v16f v = SPLAT16(0.0f);
  memcpy(&v, x, sizeof(float) * (size_t)count);
  return v;
}

BITLINE_INLINE BITLINE_TARGET void elementary_f32_body(const bitline_elementary kind, int64_t count, const float *x, float *y) {
  for (int64_t i = 0; i < count; i += 16) {
    const int64_t some = bitline_min(16, count - i);
    const v16f v = some == 16 ? LOAD16(x + i) : load_some(x + i, some);
    const v16f result = kind == BITLINE_ELEMENTARY_EXP ? exp16(v) : kind == BITLINE_ELEMENTARY_SIGMOID ? sigmoid16(v) : tanh16(v);
    if (some == 16) STORE16(y + i, result);
    else memcpy(y + i, &result, sizeof(float) * (size_t)some);
  }
}

/// Over the middle axis of `[outer][length][inner]`: e^(x - greatest) over its sum.
BITLINE_INLINE BITLINE_TARGET void softmax_f32_body(int64_t outer, int64_t length, int64_t inner, const float *x, float *y) {
  for (int64_t n = 0; n < outer; n++, x += length * inner, y += length * inner) {
    if (inner == 1) {
      v16f most = SPLAT16(-__builtin_inff());
      int64_t i = 0;
      for (; i + 16 <= length; i += 16) most = (LOAD16(x + i) > most) ? LOAD16(x + i) : most;
      float greatest = -__builtin_inff();
      for (int k = 0; k < 16; k++) greatest = most[k] > greatest ? most[k] : greatest;
      for (; i < length; i++) greatest = x[i] > greatest ? x[i] : greatest;
      v16f sum = SPLAT16(0.0f);
      float total = 0;
      for (i = 0; i < length; i += 16) {
        const int64_t some = bitline_min(16, length - i);
        const v16f e = exp16((some == 16 ? LOAD16(x + i) : load_some(x + i, some)) - SPLAT16(greatest));
        if (some == 16) {
          STORE16(y + i, e);
          sum += e;
        } else {
          for (int64_t k = 0; k < some; k++) {
            y[i + k] = e[k];
            total += e[k];
          }
        }
      }
      for (int k = 0; k < 16; k++) total += sum[k];
      for (i = 0; i < length; i++) y[i] /= total;
      continue;
    }
    for (int64_t at = 0; at < inner; at += 16) {
      const int64_t some = bitline_min(16, inner - at);
      v16f most = SPLAT16(-__builtin_inff()), sum = SPLAT16(0.0f);
      for (int64_t i = 0; i < length; i++) {
        const v16f v = load_some(x + i * inner + at, some);
        most = (v > most) ? v : most;
      }
      for (int64_t i = 0; i < length; i++) {
        const v16f e = exp16(load_some(x + i * inner + at, some) - most);
        sum += e;
        memcpy(y + i * inner + at, &e, sizeof(float) * (size_t)some);
      }
      for (int64_t i = 0; i < length; i++) {
        const v16f e = load_some(y + i * inner + at, some) / sum;
        memcpy(y + i * inner + at, &e, sizeof(float) * (size_t)some);
      }
    }
  }
}
