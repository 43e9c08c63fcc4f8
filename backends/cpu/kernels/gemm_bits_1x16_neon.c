/// Bits x bits to counts of differences, blocks of a row x 16 filters, bits counted by bytes on 128-bit registers.
#include "gemm_bits.h"

#if BITLINE_ARM
#include <arm_neon.h>

/// Carries are added to a byte and taken off it in turn, at most 8 bits each; so often may it be done to a signed byte.
enum { CARRIES_IN_A_BYTE = 15 };

/// Filters are taken by eights: more, and the registers do not hold what goes on.
enum { FILTERS = 8, VECTORS = FILTERS / 2 };

/// Sums of the bytes in each word.
BITLINE_INLINE int64x2_t sums_of(int8x16_t bytes) { return vpaddlq_s32(vpaddlq_s16(vpaddlq_s8(bytes))); }

/// A bit for each filter from `filter` on if bits are wanted, else 0. A carry is selected bit for bit, `between ? ~behind : before`. Every
/// other one is counted as what it lacks, so that the parity behind it is never needed both ways.
BITLINE_INLINE unsigned count_filters(const gemm_bits_args *g, int64_t row, int filter) {
  int64x2_t count[VECTORS];
  uint64x2_t last[VECTORS];
  for (int v = 0; v < VECTORS; v++) {
    count[v] = vdupq_n_s64(0);
    last[v] = vdupq_n_u64(0);
  }
  const uint64_t *x = g->x + row * g->words, *w = g->w + filter;
  const int64_t twos = g->words / 4;
  for (int64_t k = 0; k < twos;) {
    const int64_t end = bitline_min(k + CARRIES_IN_A_BYTE, twos);
    int8x16_t bytes[VECTORS];
    for (int v = 0; v < VECTORS; v++) bytes[v] = vdupq_n_s8(0);
    for (; k < end; k++, x += 4, w += 4 * BITLINE_BITS_LANES) {
      const uint64x2_t a = vdupq_n_u64(x[0]), b = vdupq_n_u64(~x[1]), c = vdupq_n_u64(x[2]), d = vdupq_n_u64(x[3]);
#pragma clang loop unroll(full)
      for (int v = 0; v < VECTORS; v++) {
        const uint64x2_t not_behind = veorq_u64(b, vld1q_u64(w + 16 + 2 * v)), behind = veorq_u64(d, vld1q_u64(w + 48 + 2 * v));
        const uint64x2_t carry = vbslq_u64(veorq_u64(a, vld1q_u64(w + 2 * v)), not_behind, last[v]);
        const uint64x2_t no_carry = vbslq_u64(veorq_u64(c, vld1q_u64(w + 32 + 2 * v)), behind, not_behind);
        bytes[v] = vaddq_s8(bytes[v], vcntq_s8(vreinterpretq_s8_u64(carry)));
        bytes[v] = vsubq_s8(bytes[v], vcntq_s8(vreinterpretq_s8_u64(no_carry)));
        last[v] = behind;
      }
    }
    for (int v = 0; v < VECTORS; v++) count[v] = vaddq_s64(count[v], sums_of(bytes[v]));
  }
  const int64_t lane = (int64_t)g->classes[row] * BITLINE_BITS_LANES + filter;
  unsigned bits = 0;
  for (int v = 0; v < VECTORS; v++) {
    count[v] = vaddq_s64(count[v], vdupq_n_s64(64 * twos));
    if (g->words & 2) {
      const uint64x2_t between = veorq_u64(vdupq_n_u64(x[0]), vld1q_u64(w + 2 * v));
      const uint64x2_t behind = veorq_u64(vdupq_n_u64(x[1]), vld1q_u64(w + 16 + 2 * v));
      const uint64x2_t carry = vbslq_u64(between, vreinterpretq_u64_u8(vmvnq_u8(vreinterpretq_u8_u64(behind))), last[v]);
      count[v] = vaddq_s64(count[v], sums_of(vcntq_s8(vreinterpretq_s8_u64(carry))));
      last[v] = behind;
    }
    const int64x2_t differences = vaddq_s64(vaddq_s64(count[v], count[v]), sums_of(vcntq_s8(vreinterpretq_s8_u64(last[v]))));
    if (g->bits) {
      const uint64x2_t few = vcleq_s64(differences, vld1q_s64(g->limits + lane + 2 * v));
      bits |= (unsigned)((few[0] & 1) | (few[1] & 2)) << (2 * v);
    } else {
      const int32x2_t twice = vmovn_s64(vaddq_s64(differences, differences));
      vst1_s32(g->sums + BITLINE_BITS_LANES * row + filter + 2 * v, vsub_s32(vld1_s32(g->starts + lane + 2 * v), twice));
    }
  }
  return bits;
}

void bitline_gemm_bits_1x16_neon(const gemm_bits_args *g) {
  for (int64_t row = 0; row < g->rows; row++) {
    unsigned bits = 0;
    for (int filter = 0; filter < BITLINE_BITS_LANES; filter += FILTERS) bits |= count_filters(g, row, filter) << filter;
    if (!g->bits) continue;
    const uint16_t all = (uint16_t)bits;
    memcpy(g->bits + row * g->bits_row, &all, 2);
  }
}
#endif
