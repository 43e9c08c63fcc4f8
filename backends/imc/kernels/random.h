// Random numbers for one level: Philox4x32-10 (Salmon, Moraes, Dror, Shaw, SC 2011) and normal numbers by Box and Muller.
// Included by analog.h, which defines NAME and TARGET.
#define INLINE TARGET static inline __attribute__((always_inline))

// High and low halves of a * m.
INLINE void NAME(multiply)(u32x16 a, uint32_t m, u32x16 *high, u32x16 *low) {
  const u64x8 pairs = (u64x8)a;
  const u64x8 mask = 0xffffffffu;
  const u64x8 even = (pairs & mask) * (u64x8)(uint64_t)m;
  const u64x8 odd = (pairs >> 32) * (u64x8)(uint64_t)m;
  *high = (u32x16)((even >> 32) | (odd & ~mask));
  *low = (u32x16)((even & mask) | (odd << 32));
}

INLINE void NAME(philox)(u32x16 c[4], uint32_t k0, uint32_t k1) {
  for (int round = 0; round < 10; round++) {
    u32x16 h0, l0, h1, l1;
    NAME(multiply)(c[0], 0xD2511F53u, &h0, &l0);
    NAME(multiply)(c[2], 0xCD9E8D57u, &h1, &l1);
    c[0] = h1 ^ c[1] ^ (u32x16)k0;
    c[1] = l1;
    c[2] = h0 ^ c[3] ^ (u32x16)k1;
    c[3] = l0;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
}

// Natural logarithm of positive normal numbers, to 2 ulp: Cephes' logf, its polynomial in Horner form.
INLINE f32x16 NAME(log16)(f32x16 x) {
  const u32x16 bits = (u32x16)x;
  // Mantissa in [sqrt(1/2), sqrt(2)).
  const u32x16 shifted = bits - 0x3f3504f3u;
  const f32x16 e = __builtin_convertvector((i32x16)shifted >> 23, f32x16);
  const f32x16 r = (f32x16)(bits - (shifted & 0xff800000u)) - 1.0f;
  f32x16 p = 7.0376836292e-2f;
  p = __builtin_elementwise_fma(p, r, (f32x16)-1.1514610310e-1f);
  p = __builtin_elementwise_fma(p, r, (f32x16)1.1676998740e-1f);
  p = __builtin_elementwise_fma(p, r, (f32x16)-1.2420140846e-1f);
  p = __builtin_elementwise_fma(p, r, (f32x16)1.4249322787e-1f);
  p = __builtin_elementwise_fma(p, r, (f32x16)-1.6668057665e-1f);
  p = __builtin_elementwise_fma(p, r, (f32x16)2.0000714765e-1f);
  p = __builtin_elementwise_fma(p, r, (f32x16)-2.4999993993e-1f);
  p = __builtin_elementwise_fma(p, r, (f32x16)3.3333331174e-1f);
  const f32x16 square = r * r;
  f32x16 y = p * r * square;
  y = __builtin_elementwise_fma(e, (f32x16)-2.12194440e-4f, y);
  y = __builtin_elementwise_fma((f32x16)-0.5f, square, y);
  return __builtin_elementwise_fma(e, (f32x16)0.693359375f, r + y);
}

INLINE f32x8 NAME(log8)(f32x8 x) {
  const u32x8 bits = (u32x8)x;
  // Mantissa in [sqrt(1/2), sqrt(2)).
  const u32x8 shifted = bits - 0x3f3504f3u;
  const f32x8 e = __builtin_convertvector((i32x8)shifted >> 23, f32x8);
  const f32x8 r = (f32x8)(bits - (shifted & 0xff800000u)) - 1.0f;
  f32x8 p = 7.0376836292e-2f;
  p = __builtin_elementwise_fma(p, r, (f32x8)-1.1514610310e-1f);
  p = __builtin_elementwise_fma(p, r, (f32x8)1.1676998740e-1f);
  p = __builtin_elementwise_fma(p, r, (f32x8)-1.2420140846e-1f);
  p = __builtin_elementwise_fma(p, r, (f32x8)1.4249322787e-1f);
  p = __builtin_elementwise_fma(p, r, (f32x8)-1.6668057665e-1f);
  p = __builtin_elementwise_fma(p, r, (f32x8)2.0000714765e-1f);
  p = __builtin_elementwise_fma(p, r, (f32x8)-2.4999993993e-1f);
  p = __builtin_elementwise_fma(p, r, (f32x8)3.3333331174e-1f);
  const f32x8 square = r * r;
  f32x8 y = p * r * square;
  y = __builtin_elementwise_fma(e, (f32x8)-2.12194440e-4f, y);
  y = __builtin_elementwise_fma((f32x8)-0.5f, square, y);
  return __builtin_elementwise_fma(e, (f32x8)0.693359375f, r + y);
}

// Sine and cosine of 2 pi t, t a signed fraction of a turn in 32 bits.
INLINE void NAME(circle)(u32x16 turn, f32x16 *sine, f32x16 *cosine) {
  // The nearest quarter turn, and what is left: at most an eighth.
  const u32x16 quarter = (turn + 0x20000000u) >> 30;
  const i32x16 rest = (i32x16)(turn - (quarter << 30));
  const f32x16 x = __builtin_convertvector(rest, f32x16) * (f32x16)1.46291807926716e-9f;
  const f32x16 z = x * x;
  f32x16 s = -1.9515295891e-4f;
  s = __builtin_elementwise_fma(s, z, (f32x16)8.3321608736e-3f);
  s = __builtin_elementwise_fma(s, z, (f32x16)-1.6666654611e-1f);
  s = __builtin_elementwise_fma(s * z, x, x);
  f32x16 c = 2.443315711809948e-5f;
  c = __builtin_elementwise_fma(c, z, (f32x16)-1.388731625493765e-3f);
  c = __builtin_elementwise_fma(c, z, (f32x16)4.166664568298827e-2f);
  c = __builtin_elementwise_fma(c * z, z, __builtin_elementwise_fma((f32x16)-0.5f, z, (f32x16)1.0f));
  const i32x16 isOdd = (i32x16)(quarter << 31) >> 31;
  const u32x16 sineSign = (quarter << 30) & 0x80000000u;
  const u32x16 cosineSign = ((quarter + 1) << 30) & 0x80000000u;
  *sine = (f32x16)((u32x16)(isOdd ? c : s) ^ sineSign);
  *cosine = (f32x16)((u32x16)(isOdd ? s : c) ^ cosineSign);
}

// Four vectors of standard normal numbers: words 0 and 1 make the first two, words 2 and 3 the others.
INLINE void NAME(normal)(bitline_imc_draw draw, uint32_t quad, f32x16 z[4]) {
  const u32x16 lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  u32x16 c[4] = {((draw.place + quad) * 16u) + lane, draw.domain, (uint32_t)draw.time, (uint32_t)(draw.time >> 32)};
  NAME(philox)(c, (uint32_t)draw.seed, (uint32_t)(draw.seed >> 32));
  for (int half = 0; half < 2; half++) {
    // (n + 1/2) / 2^24: never 0, at most 1; the largest number drawn is 5.9.
    const f32x16 n = __builtin_convertvector((i32x16)(c[2 * half] >> 8), f32x16);
    const f32x16 u = __builtin_elementwise_fma(n, (f32x16)5.9604644775390625e-8f, (f32x16)2.98023223876953125e-8f);
    const f32x16 radius = __builtin_elementwise_sqrt(NAME(log16)(u) * (f32x16)-2.0f);
    f32x16 sine, cosine;
    NAME(circle)(c[2 * half + 1], &sine, &cosine);
    z[2 * half] = radius * cosine;
    z[2 * half + 1] = radius * sine;
  }
}
#undef INLINE
