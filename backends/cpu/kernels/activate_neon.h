/// What is done to four results before they are stored, and how fewer than four are read and stored.
#ifndef BITLINE_ACTIVATE_NEON_H
#define BITLINE_ACTIVATE_NEON_H

BITLINE_INLINE float32x4_t bitline_activate_neon(bitline_activation a, float32x4_t x) {
  if (a.kind == BITLINE_ACTIVATION_RELU) return vbslq_f32(vcltzq_f32(x), vdupq_n_f32(0), x);
  if (a.kind == BITLINE_ACTIVATION_CLIP) {
    const float32x4_t lo = vdupq_n_f32(a.lo), hi = vdupq_n_f32(a.hi);
    return vbslq_f32(vcltq_f32(x, lo), lo, vbslq_f32(vcgtq_f32(x, hi), hi, x));
  }
  return x;
}

BITLINE_INLINE float32x4_t bitline_load_some_neon(const float *from, int count) {
  if (count >= 4) return vld1q_f32(from);
  float four[4] = {0};
  for (int i = 0; i < count; i++) four[i] = from[i];
  return vld1q_f32(four);
}

BITLINE_INLINE void bitline_store_some_neon(float *to, float32x4_t x, int count) {
  if (count >= 4) return vst1q_f32(to, x);
  float four[4];
  vst1q_f32(four, x);
  for (int i = 0; i < count; i++) to[i] = four[i];
}

#endif
