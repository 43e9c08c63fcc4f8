/// What is done to sixteen results before they are stored.
#ifndef BITLINE_ACTIVATE_AVX512_H
#define BITLINE_ACTIVATE_AVX512_H

BITLINE_INLINE BITLINE_TARGET_AVX512 __m512 bitline_activate_avx512(bitline_activation a, __m512 x) {
  if (a.kind == BITLINE_ACTIVATION_RELU) {
    return _mm512_mask_mov_ps(x, _mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_LT_OQ), _mm512_setzero_ps());
  }
  if (a.kind == BITLINE_ACTIVATION_CLIP) {
    __m512 lo = _mm512_set1_ps(a.lo), hi = _mm512_set1_ps(a.hi);
    __mmask16 above = _mm512_cmp_ps_mask(x, hi, _CMP_GT_OQ), below = _mm512_cmp_ps_mask(x, lo, _CMP_LT_OQ);
    return _mm512_mask_mov_ps(_mm512_mask_mov_ps(x, above, hi), below, lo);
  }
  return x;
}

#endif
