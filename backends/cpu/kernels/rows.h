/// The kernels that a compiler makes into vector code by itself, at the level of the file that includes this: it defines
/// `BITLINE_LEVEL(name)`, `BITLINE_TARGET`, the block extents and the chunks of packing.
#pragma STDC FP_CONTRACT OFF
#include "table.h"

#include "depthwise_f32.h"
#include "dequantize_x8_f32.h"
#include "elementwise_f32.h"
#include "gemm_f32_f64.h"
#include "pack_f32.h"
#include "pack_u8x4.h"
#include "pool.h"
#include "quantize_f32_u8.h"
#include "rescale_i32_f32.h"

static BITLINE_TARGET void BITLINE_LEVEL(pack_f32)(
  float *b, const float *source, const int32_t *taps, int64_t count, const segment *segments, int segment_count, int exact
) {
  pack_f32_body(b, source, taps, count, segments, segment_count, exact, BITLINE_F32_COLS, BITLINE_F32_CHUNK);
}

static BITLINE_TARGET void BITLINE_LEVEL(gemm_f32_f64)(const gemm_f32_f64_args *args) {
  gemm_f32_f64_body(args, BITLINE_F32_COLS / 8, 0);
}

static BITLINE_TARGET void BITLINE_LEVEL(gemm_f64)(const gemm_f32_f64_args *args) { gemm_f32_f64_body(args, BITLINE_F32_COLS / 8, 1); }

static BITLINE_TARGET void BITLINE_LEVEL(widen_f32_f64)(int64_t count, const float *x, double *y) { widen_f32_f64_body(count, x, y); }

static BITLINE_TARGET void BITLINE_LEVEL(pack_u8x4)(
  uint8_t *b, const uint8_t *source, const int32_t *taps, int64_t words, const segment *segments, int segment_count, int exact
) {
  pack_u8x4_body(b, source, taps, words, segments, segment_count, exact, BITLINE_U8B_COLS, BITLINE_U8_CHUNK);
}

static BITLINE_TARGET void BITLINE_LEVEL(rescale)(
  int64_t outer, int64_t channels, int64_t inner, int32_t bases, const int32_t *const *sums, const float *const *scales,
  const float *offset, bitline_activation activation, float *y
) {
  rescale_body(outer, channels, inner, bases, sums, scales, offset, activation, y);
}

static BITLINE_TARGET void BITLINE_LEVEL(quantize_f32)(
  int64_t outer, int64_t channels, int64_t inner, const float *x, const float *scale, const int32_t *zero, int32_t lo, int32_t hi,
  uint8_t *codes
) {
  quantize_f32_body(outer, channels, inner, x, scale, zero, lo, hi, codes);
}

static BITLINE_TARGET void BITLINE_LEVEL(dequantize_u8)(
  int64_t outer, int64_t channels, int64_t inner, const uint8_t *q, const float *scale, const int32_t *zero, float *y
) {
  dequantize_u8_body(outer, channels, inner, q, scale, zero, y);
}

static BITLINE_TARGET void BITLINE_LEVEL(dequantize_i8)(
  int64_t outer, int64_t channels, int64_t inner, const int8_t *q, const float *scale, const int32_t *zero, float *y
) {
  dequantize_i8_body(outer, channels, inner, q, scale, zero, y);
}

static BITLINE_TARGET void BITLINE_LEVEL(pool_max_f32)(const bitline_conv_shape *shape, int64_t planes, const float *x, float *y) {
  pool_max_f32_body(shape, planes, x, y);
}

static BITLINE_TARGET void BITLINE_LEVEL(pool_max_u8)(const bitline_conv_shape *shape, int64_t planes, const uint8_t *x, uint8_t *y) {
  pool_max_u8_body(shape, planes, x, y);
}

static BITLINE_TARGET void BITLINE_LEVEL(pool_max_i8)(const bitline_conv_shape *shape, int64_t planes, const int8_t *x, int8_t *y) {
  pool_max_i8_body(shape, planes, x, y);
}

static BITLINE_TARGET void BITLINE_LEVEL(pool_average_f32)(
  const bitline_conv_shape *shape, int count_padding, int32_t pad_bottom, int32_t pad_right, int64_t planes, const float *x, float *y
) {
  pool_average_f32_body(shape, count_padding, pad_bottom, pad_right, planes, x, y);
}

static BITLINE_TARGET void BITLINE_LEVEL(binary_f32)(
  bitline_binary_kind kind, int64_t outer, int64_t channels, int64_t inner, int per_channel, const float *a, const float *b, float *y
) {
  binary_f32_body(kind, outer, channels, inner, per_channel, a, b, y);
}

static BITLINE_TARGET void BITLINE_LEVEL(activation_f32)(bitline_activation activation, int64_t count, const float *x, float *y) {
  activation_f32_body(activation, count, x, y);
}

static BITLINE_TARGET void BITLINE_LEVEL(depthwise_f32)(
  const float *plane, int64_t position_row, const int32_t *taps, const float *weights, int64_t tap_count, float bias,
  bitline_activation activation, int64_t out_height, int64_t out_width, float *y
) {
  depthwise_f32_body(plane, position_row, taps, weights, tap_count, bias, activation, out_height, out_width, y);
}

/// The fields of a table that every level fills alike.
#define BITLINE_ROWS                                                                                                        \
  .f64_rows = BITLINE_F64_ROWS, .gemm_f32_f64 = BITLINE_LEVEL(gemm_f32_f64), .gemm_f64 = BITLINE_LEVEL(gemm_f64),           \
  .widen_f32_f64 = BITLINE_LEVEL(widen_f32_f64),                                                                            \
  .pack_f32 = BITLINE_LEVEL(pack_f32), .pack_u8x4 = BITLINE_LEVEL(pack_u8x4), .rescale = BITLINE_LEVEL(rescale),            \
  .quantize_f32 = BITLINE_LEVEL(quantize_f32), .dequantize_u8 = BITLINE_LEVEL(dequantize_u8),                               \
  .dequantize_i8 = BITLINE_LEVEL(dequantize_i8), .pool_max_f32 = BITLINE_LEVEL(pool_max_f32),                               \
  .pool_max_u8 = BITLINE_LEVEL(pool_max_u8), .pool_max_i8 = BITLINE_LEVEL(pool_max_i8),                                     \
  .pool_average_f32 = BITLINE_LEVEL(pool_average_f32), .binary_f32 = BITLINE_LEVEL(binary_f32),                             \
  .activation_f32 = BITLINE_LEVEL(activation_f32), .depthwise_f32 = BITLINE_LEVEL(depthwise_f32)
