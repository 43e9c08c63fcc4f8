/// What is done to eight results before they are stored.
#ifndef BITLINE_ACTIVATE_AVX2_H
#define BITLINE_ACTIVATE_AVX2_H

BITLINE_INLINE BITLINE_TARGET_AVX2 __m256 bitline_activate_avx2(bitline_activation a, __m256 x) {
  if (a.kind == BITLINE_ACTIVATION_RELU) {
    return _mm256_blendv_ps(x, _mm256_setzero_ps(), _mm256_cmp_ps(x, _mm256_setzero_ps(), _CMP_LT_OQ));
  }
  if (a.kind == BITLINE_ACTIVATION_CLIP) {
    __m256 lo = _mm256_set1_ps(a.lo), hi = _mm256_set1_ps(a.hi);
    __m256 clipped = _mm256_blendv_ps(x, hi, _mm256_cmp_ps(x, hi, _CMP_GT_OQ));
    return _mm256_blendv_ps(clipped, lo, _mm256_cmp_ps(x, lo, _CMP_LT_OQ));
  }
  return x;
}

#endif
