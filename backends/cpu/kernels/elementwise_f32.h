/// Arithmetic on f32 elements.
BITLINE_INLINE void binary_f32_rows(
  const int kind, int64_t outer, int64_t channels, int64_t inner, const int per_channel, const float *restrict a, const float *restrict b,
  float *restrict y
) {
#define APPLY(p, q)                                                           \
  (kind == BITLINE_BINARY_ADD ? (p) + (q) : kind == BITLINE_BINARY_SUB ? (p) - (q) : kind == BITLINE_BINARY_MUL ? (p) * (q) : (p) / (q))
  if (!per_channel) {
    for (int64_t i = 0; i < outer * channels * inner; i++) y[i] = APPLY(a[i], b[i]);
  } else if (inner == 1) {
    for (int64_t n = 0; n < outer; n++, a += channels, y += channels) {
      for (int64_t c = 0; c < channels; c++) y[c] = APPLY(a[c], b[c]);
    }
  } else {
    for (int64_t n = 0; n < outer; n++) {
      for (int64_t c = 0; c < channels; c++, a += inner, y += inner) {
        const float operand = b[c];
        for (int64_t i = 0; i < inner; i++) y[i] = APPLY(a[i], operand);
      }
    }
  }
#undef APPLY
}

BITLINE_INLINE void binary_f32_body(
  bitline_binary_kind kind, int64_t outer, int64_t channels, int64_t inner, int per_channel, const float *a, const float *b, float *y
) {
#define CASE(name)                                                                              \
  case name:                                                                                    \
    if (per_channel) binary_f32_rows(name, outer, channels, inner, 1, a, b, y);                 \
    else binary_f32_rows(name, outer, channels, inner, 0, a, b, y);                             \
    break;
  switch (kind) {
    CASE(BITLINE_BINARY_ADD)
    CASE(BITLINE_BINARY_SUB)
    CASE(BITLINE_BINARY_MUL)
    CASE(BITLINE_BINARY_DIV)
  }
#undef CASE
}

BITLINE_INLINE void activation_f32_body(bitline_activation activation, int64_t count, const float *restrict x, float *restrict y) {
  switch (activation.kind) {
  case BITLINE_ACTIVATION_NONE: memcpy(y, x, sizeof(float) * (size_t)count); break;
  case BITLINE_ACTIVATION_RELU:
    for (int64_t i = 0; i < count; i++) y[i] = x[i] < 0 ? 0 : x[i];
    break;
  case BITLINE_ACTIVATION_CLIP:
    for (int64_t i = 0; i < count; i++) y[i] = x[i] < activation.lo ? activation.lo : x[i] > activation.hi ? activation.hi : x[i];
    break;
  }
}
