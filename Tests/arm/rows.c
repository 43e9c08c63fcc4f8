/// Kernels on rows and planes of plain tensors.
#include "checking.h"

#define LEVELS for (int level = 0; level < level_count; level++)

typedef struct extents {
  int64_t outer, channels, inner, count;
} extents;

static extents random_extents(void) {
  extents e = {.outer = random_int(1, 4), .channels = random_int(1, 40), .inner = random_flag() ? 1 : random_int(1, 70)};
  e.count = e.outer * e.channels * e.inner;
  return e;
}

static void rescale(int seed) {
  const extents e = random_extents();
  const int bases = 1 + seed % 3;
  const int32_t *sums[3];
  const float *scales[3];
  for (int b = 0; b < bases; b++) {
    int32_t *from = guarded((size_t)e.count * 4);
    for (int64_t i = 0; i < e.count; i++) from[i] = (int32_t)random_int(-100000, 100000);
    sums[b] = from;
    scales[b] = random_floats(e.channels, -1, 1);
  }
  const float *offset = random_floats(e.channels, -1, 1);
  const bitline_activation activation = random_activation();
  LEVELS {
    float *y = guarded((size_t)e.count * 4);
    bitline_rescale(levels[level], e.outer, e.channels, e.inner, bases, sums, scales, offset, activation, y);
    exact_result(level, y, (size_t)e.count * 4);
  }
}

static void quantize(int seed) {
  const extents e = random_extents();
  const int is_signed = random_flag();
  float *x = random_floats(e.count, -30, 30);
  for (int64_t i = 0; i < e.count; i += 7) x[i] = (float)random_int(-200, 200) * 0.125f;
  const float strange[] = {__builtin_nanf(""), __builtin_inff(), -__builtin_inff(), 1e30f};
  x[random_int(0, e.count - 1)] = strange[seed % 4];
  float *scale = random_floats(e.channels, 0.05f, 1);
  int32_t *zero = guarded((size_t)e.channels * 4);
  for (int64_t c = 0; c < e.channels; c++) {
    zero[c] = (int32_t)random_int(is_signed ? -128 : 0, is_signed ? 127 : 255);
    if (seed % 2) scale[c] = 0.25f;
  }
  const int32_t *zeros = random_flag() ? zero : 0;
  uint8_t *codes = 0;
  LEVELS {
    codes = guarded((size_t)e.count);
    bitline_quantize_f32(
      levels[level], e.outer, e.channels, e.inner, x, scale, zeros, is_signed ? -128 : 0, is_signed ? 127 : 255, codes);
    exact_result(level, codes, (size_t)e.count);
  }
  LEVELS {
    float *y = guarded((size_t)e.count * 4);
    bitline_dequantize_u8(levels[level], e.outer, e.channels, e.inner, codes, scale, zeros, y);
    exact_result(level, y, (size_t)e.count * 4);
    bitline_dequantize_i8(levels[level], e.outer, e.channels, e.inner, (const int8_t *)codes, scale, zeros, y);
    exact_result(level, y, (size_t)e.count * 4);
  }
}

static void pooling(int seed) {
  window_case w = random_window(seed, 0);
  w.shape.filters = w.shape.channels;
  const bitline_conv_shape *s = &w.shape;
  const int64_t planes = w.batch * s->channels;
  const float *x = random_floats(planes * w.positions_in, -1, 1);
  const uint8_t *codes = random_codes(planes * w.positions_in, 0, 255);
  const int counts = random_flag();
  LEVELS {
    float *y = guarded((size_t)(planes * w.positions) * 4);
    uint8_t *most = guarded((size_t)(planes * w.positions));
    bitline_pool_max(levels[level], BITLINE_ELEMENT_F32, s, planes, x, y);
    exact_result(level, y, (size_t)(planes * w.positions) * 4);
    bitline_pool_average_f32(levels[level], s, counts, s->pad_top, s->pad_left, planes, x, y);
    exact_result(level, y, (size_t)(planes * w.positions) * 4);
    bitline_pool_max(levels[level], BITLINE_ELEMENT_U8, s, planes, codes, most);
    exact_result(level, most, (size_t)(planes * w.positions));
    bitline_pool_max(levels[level], BITLINE_ELEMENT_I8, s, planes, codes, most);
    exact_result(level, most, (size_t)(planes * w.positions));
  }
}

static void elementwise(int seed) {
  const extents e = random_extents();
  const int per_channel = random_flag();
  const float *a = random_floats(e.count, -1, 1), *b = random_floats(per_channel ? e.channels : e.count, 0.5f, 2);
  const bitline_activation activation = random_activation();
  LEVELS {
    float *y = guarded((size_t)e.count * 4);
    bitline_binary_f32(levels[level], (bitline_binary_kind)(seed % 4), e.outer, e.channels, e.inner, per_channel, a, b, y);
    exact_result(level, y, (size_t)e.count * 4);
    bitline_activation_f32(levels[level], activation, e.count, a, y);
    exact_result(level, y, (size_t)e.count * 4);
    const float ends[2] = {bitline_extreme_f32(levels[level], 0, e.count, a), bitline_extreme_f32(levels[level], 1, e.count, a)};
    exact_result(level, ends, sizeof ends);
  }
}

/// Within 4 spacings of the true value each, so that results may be 8 apart, in parts of their greatest magnitude.
static void elementary(int seed) {
  const extents e = random_extents();
  float *x = random_floats(e.count, -8, 8);
  if (seed % 3 == 0) x[random_int(0, e.count - 1)] = __builtin_nanf("");
  LEVELS {
    float *y = guarded((size_t)e.count * 4);
    bitline_elementary_f32(levels[level], (bitline_elementary)(seed % 3), e.count, x, y);
    near_result(level, y, e.count, 0);
  }
}

static void softmax(int seed) {
  const extents e = random_extents();
  const float *x = random_floats(e.count, -8, 8);
  (void)seed;
  LEVELS {
    float *y = guarded((size_t)e.count * 4);
    bitline_softmax_f32(levels[level], e.outer, e.channels, e.inner, x, y);
    near_result(level, y, e.count, e.channels);
  }
}

static void peak(int seed) {
  (void)seed;
  LEVELS {
    if (!(bitline_peak_f32(levels[level]) > 0)) wrong("a peak of nothing");
  }
}

void check_rows(void) {
  check("rescale", 40, rescale);
  check("quantize", 60, quantize);
  check("pool", 60, pooling);
  check("elementwise_f32", 60, elementwise);
  check("elementary_f32", 60, elementary);
  check("softmax_f32", 40, softmax);
  check("peak_f32", 1, peak);
}
