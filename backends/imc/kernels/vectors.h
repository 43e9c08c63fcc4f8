#ifndef BITLINE_IMC_VECTORS_H
#define BITLINE_IMC_VECTORS_H
#include <math.h>
#include <stdint.h>

#include "bitline_imc_analog.h"

// Sums are fused only where it is written.
#pragma STDC FP_CONTRACT OFF

#pragma clang diagnostic ignored "-Wpsabi"

typedef float f32x8 __attribute__((ext_vector_type(8)));
typedef uint32_t u32x8 __attribute__((ext_vector_type(8)));
typedef int32_t i32x8 __attribute__((ext_vector_type(8)));
typedef float f32x16 __attribute__((ext_vector_type(16)));
typedef uint32_t u32x16 __attribute__((ext_vector_type(16)));
typedef int32_t i32x16 __attribute__((ext_vector_type(16)));
typedef uint64_t u64x8 __attribute__((ext_vector_type(8)));
#endif
