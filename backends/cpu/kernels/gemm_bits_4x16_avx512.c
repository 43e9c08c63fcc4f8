/// Bits x bits to counts of differences, blocks of 4 rows x 16 filters, population counts of 512-bit registers.
#include "gemm_bits.h"

#if BITLINE_X86
#include <immintrin.h>

#define UNROLL _Pragma("clang loop unroll(full)")

/// `bits_carry` as a table of eight.
enum { CARRY = 0x74 };

/// Two words of `rows` rows. Before the first two, counts and parities are unspecified.
BITLINE_INLINE BITLINE_TARGET_AVX512 void count_pair(
  const uint64_t *x, int64_t words, const uint64_t *w, const int rows, const int is_first, __m512i carries[][2], __m512i last[][2]
) {
  __m512i even[2], odd[2];
  UNROLL for (int v = 0; v < 2; v++) {
    even[v] = _mm512_load_si512(w + 8 * v);
    odd[v] = _mm512_load_si512(w + 16 + 8 * v);
  }
  UNROLL for (int i = 0; i < rows; i++) {
    const __m512i a = _mm512_set1_epi64((int64_t)x[i * words]), b = _mm512_set1_epi64((int64_t)x[i * words + 1]);
    UNROLL for (int v = 0; v < 2; v++) {
      const __m512i between = _mm512_xor_si512(a, even[v]), behind = _mm512_xor_si512(b, odd[v]);
      if (is_first) {
        carries[i][v] = _mm512_popcnt_epi64(_mm512_andnot_si512(behind, between));
      } else {
        const __m512i carry = _mm512_ternarylogic_epi64(last[i][v], between, behind, CARRY);
        carries[i][v] = _mm512_add_epi64(carries[i][v], _mm512_popcnt_epi64(carry));
      }
      last[i][v] = behind;
    }
  }
}

/// `rows` rows from `first` on; it is a constant at every call, so that counts stay in registers.
BITLINE_INLINE BITLINE_TARGET_AVX512 void block(const gemm_bits_args *g, int64_t first, const int rows) {
  __m512i carries[4][2], last[4][2];
  const int64_t words = g->words;
  const uint64_t *x = g->x + first * words, *w = g->w;
  count_pair(x, words, w, rows, 1, carries, last);
  // Twice, so that the last parity stays where it is.
  _Pragma("clang loop unroll_count(2)") for (int64_t k = 2; k < words; k += 2) {
    count_pair(x + k, words, w + 16 * k, rows, 0, carries, last);
  }
  UNROLL for (int i = 0; i < rows; i++) {
    __m512i count[2];
    UNROLL for (int v = 0; v < 2; v++) {
      count[v] = _mm512_add_epi64(_mm512_add_epi64(carries[i][v], carries[i][v]), _mm512_popcnt_epi64(last[i][v]));
    }
    const int64_t lane = (int64_t)g->classes[first + i] * BITLINE_BITS_LANES;
    if (g->bits) {
      const int low = _mm512_cmple_epi64_mask(count[0], _mm512_load_si512(g->limits + lane));
      const int high = _mm512_cmple_epi64_mask(count[1], _mm512_load_si512(g->limits + lane + 8));
      const uint16_t bits = (uint16_t)(low | high << 8);
      memcpy(g->bits + (first + i) * g->bits_row, &bits, 2);
      continue;
    }
    UNROLL for (int v = 0; v < 2; v++) {
      const __m256i twice = _mm512_cvtepi64_epi32(_mm512_add_epi64(count[v], count[v]));
      const __m256i start = _mm256_load_si256((const __m256i *)(g->starts + lane + 8 * v));
      _mm256_store_si256((__m256i *)(g->sums + 16 * (first + i) + 8 * v), _mm256_sub_epi32(start, twice));
    }
  }
}

BITLINE_TARGET_AVX512 void bitline_gemm_bits_4x16_avx512(const gemm_bits_args *g) {
  int64_t row = 0;
  for (; row + 4 <= g->rows; row += 4) block(g, row, 4);
  if (g->rows - row >= 2) {
    block(g, row, 2);
    row += 2;
  }
  if (row < g->rows) block(g, row, 1);
}
#endif
