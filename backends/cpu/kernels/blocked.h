/// Tensors of which sixteen channels lie side by side: `[samples][ceil(channels / 16)][height][width][16]`, the last block filled up with
/// finite numbers that no result depends on.
///
/// Kernels over this layout are written once, on vectors of sixteen numbers, and compiled at each level: one register, two or four.
#ifndef BITLINE_BLOCKED_H
#define BITLINE_BLOCKED_H

#include "table.h"

// Vectors are handed only to functions that are always inlined.
#pragma clang diagnostic ignored "-Wpsabi"

enum { BITLINE_LANES = 16 };

typedef float v16f __attribute__((ext_vector_type(16)));
typedef float v16f_anywhere __attribute__((ext_vector_type(16), aligned(4)));
typedef float v8f __attribute__((ext_vector_type(8)));

typedef int32_t v16i __attribute__((ext_vector_type(16)));
typedef int32_t v16i_anywhere __attribute__((ext_vector_type(16), aligned(1)));
typedef uint8_t v16u8 __attribute__((ext_vector_type(16)));
typedef uint8_t v16u8_anywhere __attribute__((ext_vector_type(16), aligned(1)));
typedef uint16_t v16u16 __attribute__((ext_vector_type(16)));
typedef uint16_t v16u16_anywhere __attribute__((ext_vector_type(16), aligned(1)));

/// The nearest bf16, halves to even.
BITLINE_INLINE uint16_t bf16_of(float x) {
  uint32_t bits;
  memcpy(&bits, &x, 4);
  if ((bits & 0x7fffffff) > 0x7f800000) return (uint16_t)(bits >> 16 | 0x40);
  return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

BITLINE_INLINE int64_t blocks_of(int64_t channels) { return (channels + BITLINE_LANES - 1) / BITLINE_LANES; }

#define LOAD16(from) (*(const v16f_anywhere *)(from))
#define STORE16(to, value) (*(v16f_anywhere *)(to) = (value))

#define LOAD16I(from) (*(const v16i_anywhere *)(from))
#define STORE16I(to, value) (*(v16i_anywhere *)(to) = (value))
#define SPLAT16I(a) ((v16i)(a))
#define LOAD16B(from) (*(const v16u8_anywhere *)(from))

/// `a` as every lane.
#define SPLAT16(a) ((v16f)(a))

#define ACTIVATE16(activation, x)                                                                                       \
  ((activation).kind == BITLINE_ACTIVATION_NONE   ? (x)                                                                 \
     : (activation).kind == BITLINE_ACTIVATION_RELU ? ((x) < SPLAT16(0.0f) ? SPLAT16(0.0f) : (x))                       \
     : ((x) < SPLAT16((activation).lo) ? SPLAT16((activation).lo)                                                      \
          : ((x) > SPLAT16((activation).hi) ? SPLAT16((activation).hi) : (x))))

#endif
