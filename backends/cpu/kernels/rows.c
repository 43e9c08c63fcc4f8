/// The row kernels, at the level asked for.
#include "table.h"

void bitline_rescale(
  bitline_isa isa, int64_t outer, int64_t channels, int64_t inner, int32_t bases, const int32_t *const *sums, const float *const *scales,
  const float *offset, bitline_activation activation, float *y
) {
  bitline_table_of(isa)->rescale(outer, channels, inner, bases, sums, scales, offset, activation, y);
}

void bitline_quantize_f32(
  bitline_isa isa, int64_t outer, int64_t channels, int64_t inner, const float *x, const float *scale, const int32_t *zero, int32_t lo,
  int32_t hi, uint8_t *codes
) {
  bitline_table_of(isa)->quantize_f32(outer, channels, inner, x, scale, zero, lo, hi, codes);
}

void bitline_dequantize_u8(
  bitline_isa isa, int64_t outer, int64_t channels, int64_t inner, const uint8_t *q, const float *scale, const int32_t *zero, float *y
) {
  bitline_table_of(isa)->dequantize_u8(outer, channels, inner, q, scale, zero, y);
}

void bitline_dequantize_i8(
  bitline_isa isa, int64_t outer, int64_t channels, int64_t inner, const int8_t *q, const float *scale, const int32_t *zero, float *y
) {
  bitline_table_of(isa)->dequantize_i8(outer, channels, inner, q, scale, zero, y);
}

void bitline_pool_max(bitline_isa isa, bitline_element element, const bitline_conv_shape *shape, int64_t planes, const void *x, void *y) {
  const bitline_table *table = bitline_table_of(isa);
  switch (element) {
  case BITLINE_ELEMENT_F32: table->pool_max_f32(shape, planes, x, y); break;
  case BITLINE_ELEMENT_U8: table->pool_max_u8(shape, planes, x, y); break;
  case BITLINE_ELEMENT_I8: table->pool_max_i8(shape, planes, x, y); break;
  }
}

void bitline_pool_average_f32(
  bitline_isa isa, const bitline_conv_shape *shape, int count_padding, int32_t pad_bottom, int32_t pad_right, int64_t planes,
  const float *x, float *y
) {
  bitline_table_of(isa)->pool_average_f32(shape, count_padding, pad_bottom, pad_right, planes, x, y);
}

void bitline_binary_f32(
  bitline_isa isa, bitline_binary_kind kind, int64_t outer, int64_t channels, int64_t inner, int per_channel, const float *a,
  const float *b, float *y
) {
  bitline_table_of(isa)->binary_f32(kind, outer, channels, inner, per_channel, a, b, y);
}

void bitline_activation_f32(bitline_isa isa, bitline_activation activation, int64_t count, const float *x, float *y) {
  bitline_table_of(isa)->activation_f32(activation, count, x, y);
}

float bitline_extreme_f32(bitline_isa isa, int least, int64_t count, const float *x) {
  return bitline_table_of(isa)->extreme_f32(least, count, x);
}

void bitline_block_channels_f32(bitline_isa isa, int64_t channels, int64_t positions, const float *x, float *y) {
  bitline_table_of(isa)->block_channels_f32(channels, positions, x, y);
}

void bitline_unblock_channels_f32(bitline_isa isa, int64_t channels, int64_t positions, const float *x, float *y) {
  bitline_table_of(isa)->unblock_channels_f32(channels, positions, x, y);
}

void bitline_elementary_f32(bitline_isa isa, bitline_elementary kind, int64_t count, const float *x, float *y) {
  bitline_table_of(isa)->elementary_f32(kind, count, x, y);
}

void bitline_softmax_f32(bitline_isa isa, int64_t outer, int64_t length, int64_t inner, const float *x, float *y) {
  bitline_table_of(isa)->softmax_f32(outer, length, inner, x, y);
}
