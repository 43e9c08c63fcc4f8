/// Bits x bits to counts of differences, blocks of a row x 16 filters, bits counted by halves of bytes in a table.
#include "gemm_bits.h"

#if BITLINE_X86
#include <immintrin.h>

/// A carry adds at most 8 to a byte.
enum { CARRIES_IN_A_BYTE = 31 };

/// The bits of each byte.
BITLINE_INLINE BITLINE_TARGET_AVX2 __m256i counts_of(__m256i x) {
  const __m256i table = _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4));
  const __m256i half = _mm256_set1_epi8(15);
  const __m256i low = _mm256_shuffle_epi8(table, _mm256_and_si256(x, half));
  return _mm256_add_epi8(low, _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(x, 4), half)));
}

BITLINE_INLINE BITLINE_TARGET_AVX2 void count_row(const gemm_bits_args *g, int64_t row) {
  const __m256i zero = _mm256_setzero_si256();
  __m256i count[4], last[4];
  for (int v = 0; v < 4; v++) count[v] = last[v] = zero;
  const uint64_t *x = g->x + row * g->words, *w = g->w;
  for (int64_t k = 0; k < g->words;) {
    const int64_t end = bitline_min(k + 2 * CARRIES_IN_A_BYTE, g->words);
    __m256i bytes[4] = {zero, zero, zero, zero};
    for (; k < end; k += 2, w += 32) {
      const __m256i a = _mm256_set1_epi64x((int64_t)x[k]), b = _mm256_set1_epi64x((int64_t)x[k + 1]);
      for (int v = 0; v < 4; v++) {
        const __m256i between = _mm256_xor_si256(a, _mm256_load_si256((const __m256i *)(w + 4 * v)));
        const __m256i behind = _mm256_xor_si256(b, _mm256_load_si256((const __m256i *)(w + 16 + 4 * v)));
        const __m256i carry = _mm256_or_si256(_mm256_andnot_si256(behind, between), _mm256_andnot_si256(between, last[v]));
        bytes[v] = _mm256_add_epi8(bytes[v], counts_of(carry));
        last[v] = behind;
      }
    }
    for (int v = 0; v < 4; v++) count[v] = _mm256_add_epi64(count[v], _mm256_sad_epu8(bytes[v], zero));
  }
  const int64_t lane = (int64_t)g->classes[row] * BITLINE_BITS_LANES;
  int bits = 0;
  for (int v = 0; v < 4; v++) {
    count[v] = _mm256_add_epi64(_mm256_add_epi64(count[v], count[v]), _mm256_sad_epu8(counts_of(last[v]), zero));
    if (g->bits) {
      const __m256i more = _mm256_cmpgt_epi64(count[v], _mm256_load_si256((const __m256i *)(g->limits + lane + 4 * v)));
      bits |= (~_mm256_movemask_pd(_mm256_castsi256_pd(more)) & 15) << (4 * v);
    } else {
      // The low halves of four words.
      const __m256i low = _mm256_permutevar8x32_epi32(_mm256_add_epi64(count[v], count[v]), _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6));
      const __m128i start = _mm_load_si128((const __m128i *)(g->starts + lane + 4 * v));
      _mm_store_si128((__m128i *)(g->sums + 16 * row + 4 * v), _mm_sub_epi32(start, _mm256_castsi256_si128(low)));
    }
  }
  if (!g->bits) return;
  const uint16_t all = (uint16_t)bits;
  memcpy(g->bits + row * g->bits_row, &all, 2);
}

BITLINE_TARGET_AVX2 void bitline_gemm_bits_1x16_avx2(const gemm_bits_args *g) {
  for (int64_t row = 0; row < g->rows; row++) count_row(g, row);
}
#endif
