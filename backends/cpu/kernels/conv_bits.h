/// The plan of `conv_bits.c`. Not public.
#ifndef BITLINE_CONV_BITS_H
#define BITLINE_CONV_BITS_H

#include "gemm_bits.h"

/// Followed by classes, taps, limits, factors, offsets and weights, at these offsets.
typedef struct conv_bits_plan {
  int32_t isa;
  bitline_conv_shape shape;
  /// Whether results are bits; else they are finished.
  int32_t to_bits;
  bitline_finish finish;
  /// Words of a position of the input, and of a window.
  int64_t channel_words, words;
  /// Extents of the input as windows see it, padding and all.
  int64_t padded_height, padded_width;
  /// Sixteens of filters.
  int64_t panels;
  /// Windows of a class have the same taps in the padding: there is room for so many classes.
  int64_t class_room;
  /// `classes[positions]`, and what they are made of, by axis; taps are where each word of a window lies. Limits are of counts of
  /// differences, i64, or what sums start from, i32: `[panels][class_room][16]`. Weights are `[panels][words][16]`.
  int64_t classes, axes, taps, limits, m, c, weights, bytes;
} conv_bits_plan;

/// Words of so many bits.
BITLINE_INLINE int64_t bitline_words_of(int64_t bits) { return (bits + 63) / 64; }

#endif
