/// `(f32(q) - f32(zero)) * scale`, each step rounded.
#define BITLINE_DEQUANTIZE(name, type)                                                                                                \
  BITLINE_INLINE void name(                                                                                                           \
    int64_t outer, int64_t channels, int64_t inner, const type *q, const float *scale, const int32_t *zero, float *y                  \
  ) {                                                                                                                                 \
    for (int64_t n = 0; n < outer; n++) {                                                                                             \
      if (inner == 1 && channels > 1) {                                                                                               \
        const type *restrict from = q + n * channels;                                                                                 \
        float *restrict to = y + n * channels;                                                                                        \
        if (zero) for (int64_t c = 0; c < channels; c++) to[c] = ((float)from[c] - (float)zero[c]) * scale[c];                        \
        else for (int64_t c = 0; c < channels; c++) to[c] = (float)from[c] * scale[c];                                                \
        continue;                                                                                                                     \
      }                                                                                                                               \
      for (int64_t c = 0; c < channels; c++) {                                                                                        \
        const type *restrict from = q + (n * channels + c) * inner;                                                                   \
        float *restrict to = y + (n * channels + c) * inner;                                                                          \
        const float factor = scale[c], zero_point = zero ? (float)zero[c] : 0;                                                        \
        for (int64_t i = 0; i < inner; i++) to[i] = ((float)from[i] - zero_point) * factor;                                           \
      }                                                                                                                               \
    }                                                                                                                                 \
  }

BITLINE_DEQUANTIZE(dequantize_u8_body, uint8_t)
BITLINE_DEQUANTIZE(dequantize_i8_body, int8_t)
