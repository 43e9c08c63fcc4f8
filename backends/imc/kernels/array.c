#include "bitline_imc.h"

#include <string.h>

// Gathers bit k of eight bytes into eight adjacent bits; byte i gives bit i.
static inline uint64_t plane_of(uint64_t bytes, int k) {
  return (((bytes >> k) & UINT64_C(0x0101010101010101)) * UINT64_C(0x0102040810204080)) >> 56;
}

int32_t bitline_imc_drive(const uint8_t *codes, const int32_t *offsets, int count, int bits, int is_signed, uint64_t *planes) {
  const int words = (count + 63) / 64;
  int32_t sum = 0;
  memset(planes, 0, sizeof(uint64_t) * (size_t)((is_signed ? 2 : 1) * bits * words));
  for (int first = 0; first < count; first += 8) {
    const int last = first + 8 < count ? first + 8 : count;
    uint64_t magnitudes = 0;
    uint64_t negative = 0;
    for (int i = first; i < last; i++) {
      int code = codes[offsets[i]];
      if (is_signed) {
        code = (int8_t)code;
        negative |= (uint64_t)(code < 0) << (i - first);
      }
      sum += code;
      magnitudes |= (uint64_t)(uint8_t)(code < 0 ? -code : code) << (8 * (i - first));
    }
    const int word = first / 64;
    const int shift = first % 64;
    for (int k = 0; k < bits; k++) {
      const uint64_t plane = plane_of(magnitudes, k);
      planes[k * words + word] |= (plane & ~negative) << shift;
      if (is_signed) planes[(bits + k) * words + word] |= (plane & negative) << shift;
    }
  }
  return sum;
}

static inline __attribute__((always_inline)) void sum_rows(const uint64_t *planes, int bits, int is_signed, int words, const uint64_t *weights,
                                                           int weight_stride, int rows, int32_t code_sum, int32_t *sums) {
  for (int row = 0; row < rows; row++) {
    const uint64_t *stored = weights + (size_t)row * (size_t)weight_stride;
    int32_t agreeing = 0;
    for (int k = 0; k < bits; k++) {
      int32_t ones = 0;
      for (int word = 0; word < words; word++) {
        ones += __builtin_popcountll(planes[k * words + word] & stored[word]);
        if (is_signed) ones -= __builtin_popcountll(planes[(bits + k) * words + word] & stored[word]);
      }
      agreeing += ones * (1 << k);
    }
    sums[row] = 2 * agreeing - code_sum;
  }
}

static void sum_rows_portable(const uint64_t *planes, int bits, int is_signed, int words, const uint64_t *weights, int weight_stride, int rows,
                              int32_t code_sum, int32_t *sums) {
  sum_rows(planes, bits, is_signed, words, weights, weight_stride, rows, code_sum, sums);
}

#if defined(__x86_64__)
__attribute__((target("popcnt"))) static void sum_rows_popcnt(const uint64_t *planes, int bits, int is_signed, int words,
                                                              const uint64_t *weights, int weight_stride, int rows, int32_t code_sum,
                                                              int32_t *sums) {
  if (words == 1 && !is_signed) {
    sum_rows(planes, bits, 0, 1, weights, weight_stride, rows, code_sum, sums);
  } else {
    sum_rows(planes, bits, is_signed, words, weights, weight_stride, rows, code_sum, sums);
  }
}
#endif

bitline_imc_sum_rows _Nonnull bitline_imc_choose_sum_rows(void) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("popcnt")) return sum_rows_popcnt;
#endif
  return sum_rows_portable;
}
