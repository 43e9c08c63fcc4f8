/// u8 codes x +-1 weights to tile sums by looking sums of four codes up, blocks of 4 positions x 16 filters, VBMI and VNNI.
#pragma STDC FP_CONTRACT OFF
#include "table.h"

#if BITLINE_X86
#include <immintrin.h>

#define UNROLL _Pragma("clang loop unroll(full)")

/// What becomes of the sums of a chunk.
enum { STORE, ROUND, ROUND_BOUNDED, DIVIDE };

/// 1.5 * 2^23, from which on floats are whole: a quotient added to it is rounded to even, and its bits are these and the quotient.
#define MAGIC 12582912.0f
enum { MAGIC_BITS = 0x4b400000 };

/// The sixty-four inputs of a chunk, from where four windows start. What is no input is 0.
BITLINE_INLINE BITLINE_TARGET_AVX512 void gather(const lookup_u8b_args *g, const lookup_chunk *c, __m512i *inputs) {
  UNROLL for (int p = 0; p < 4; p++) inputs[p] = _mm512_setzero_si512();
  for (int32_t i = c->first; i < c->first + c->gathers; i++) {
    const __m512i from = _mm512_load_si512(g->bytes + 64 * i);
    const __mmask64 mask = g->gathers[i].mask;
    UNROLL for (int p = 0; p < 4; p++) {
      inputs[p] = _mm512_mask_permutexvar_epi8(inputs[p], mask, from, _mm512_loadu_si512(g->x[p] + g->gathers[i].offset));
    }
  }
}

/// Table `t` has in lane `l` the sixteen sums of some of the inputs `16 * l + 4 * t...16 * l + 4 * t + 3`.
BITLINE_INLINE BITLINE_TARGET_AVX512 void make_tables(__m512i inputs, const int count, __m512i *tables) {
  // Beside pairs of inputs stand their sums, at the even places.
  const __m512i pairs = _mm512_add_epi8(inputs, _mm512_srli_epi16(inputs, 8));
  const __m512i halves[2] = {_mm512_unpacklo_epi64(inputs, pairs), _mm512_unpackhi_epi64(inputs, pairs)};
  const __m512i low = _mm512_broadcast_i32x4(_mm_setr_epi8(-128, 0, 1, 8, -128, 0, 1, 8, -128, 0, 1, 8, -128, 0, 1, 8));
  const __m512i high = _mm512_broadcast_i32x4(_mm_setr_epi8(-128, -128, -128, -128, 2, 2, 2, 2, 3, 3, 3, 3, 10, 10, 10, 10));
  UNROLL for (int t = 0; t < count; t++) {
    const __m512i skip = _mm512_set1_epi8((char)(4 * (t & 1)));
    tables[t] = _mm512_add_epi8(
      _mm512_shuffle_epi8(halves[t / 2], _mm512_add_epi8(low, skip)), _mm512_shuffle_epi8(halves[t / 2], _mm512_add_epi8(high, skip)));
  }
}

/// All filters at four positions over one chunk: the sum of signed codes is twice that of those with weights of 1, less that of all.
BITLINE_INLINE BITLINE_TARGET_AVX512 void add_chunk(
  const lookup_u8b_args *g, const lookup_chunk *c, const uint8_t *w, const int count, const int ending, int32_t *sums
) {
  __m512i inputs[4], tables[4][4], start[4];
  gather(g, c, inputs);
  const __m512i whole = _mm512_set1_epi32(0x3f2f1f0f), minus = _mm512_set1_epi8(-1), two = _mm512_set1_epi8(2);
  UNROLL for (int p = 0; p < 4; p++) {
    make_tables(inputs[p], count, tables[p]);
    start[p] = _mm512_setzero_si512();
    UNROLL for (int t = 0; t < count; t++) {
      start[p] = _mm512_dpbusd_epi32(start[p], _mm512_permutexvar_epi8(whole, tables[p][t]), minus);
    }
  }
  const __m512 factor = _mm512_set1_ps(ending == DIVIDE ? g->lsb : g->inverse_lsb), offset = _mm512_set1_ps(g->offset);
  const __m512 least = _mm512_set1_ps(MAGIC - g->limit), most = _mm512_set1_ps(MAGIC + g->limit);
  for (int64_t v = 0; v < g->vecs; v++, w += 64 * count, sums += 64) {
    __m512i sum[4];
    UNROLL for (int p = 0; p < 4; p++) {
      sum[p] = ending == STORE ? _mm512_add_epi32(start[p], _mm512_load_si512(sums + 16 * p)) : start[p];
    }
    UNROLL for (int t = 0; t < count; t++) {
      const __m512i weights = _mm512_load_si512(w + 64 * t);
      UNROLL for (int p = 0; p < 4; p++) sum[p] = _mm512_dpbusd_epi32(sum[p], _mm512_permutexvar_epi8(weights, tables[p][t]), two);
    }
    UNROLL for (int p = 0; p < 4; p++) {
      if (ending == STORE) {
        _mm512_store_si512(sums + 16 * p, sum[p]);
        continue;
      }
      __m512 q = _mm512_cvtepi32_ps(sum[p]);
      q = ending == DIVIDE ? _mm512_add_ps(_mm512_div_ps(q, factor), offset) : _mm512_fmadd_ps(q, factor, offset);
      if (ending != ROUND) q = _mm512_min_ps(_mm512_max_ps(q, least), most);
      _mm512_store_si512(sums + 16 * p, _mm512_add_epi32(_mm512_load_si512(sums + 16 * p), _mm512_castps_si512(q)));
    }
  }
}

/// Reads tile sums out into the results, and starts the next tile's, if there is one.
BITLINE_INLINE BITLINE_TARGET_AVX512 void read_out(const lookup_u8b_args *g, const int32_t *next) {
  const __m512 least = _mm512_set1_ps(MAGIC - g->limit), most = _mm512_set1_ps(MAGIC + g->limit);
  const __m512 inverse = _mm512_set1_ps(g->inverse_lsb), lsb = _mm512_set1_ps(g->lsb), offset = _mm512_set1_ps(g->offset);
  for (int64_t i = 0; i < 4 * g->vecs; i++) {
    const __m512 sum = _mm512_cvtepi32_ps(_mm512_load_si512(g->partial + 16 * i));
    __m512 q = g->inverse_lsb != 0 ? _mm512_fmadd_ps(sum, inverse, offset) : _mm512_add_ps(_mm512_div_ps(sum, lsb), offset);
    q = _mm512_min_ps(_mm512_max_ps(q, least), most);
    _mm512_store_si512(g->sums + 16 * i, _mm512_add_epi32(_mm512_load_si512(g->sums + 16 * i), _mm512_castps_si512(q)));
    if (next) _mm512_store_si512(g->partial + 16 * i, _mm512_load_si512(next + i / 4 * 16));
  }
}

BITLINE_TARGET_AVX512 void bitline_lookup_u8b_4x16_avx512(const lookup_u8b_args *g) {
  const int32_t before = g->exact ? 0 : (int32_t)(0u - (uint32_t)g->tiles * MAGIC_BITS);
  const int32_t *start = g->start;
  // Tiles of one whole chunk go from lookups to results in registers.
  const int in_registers = !g->exact && !g->lifted && g->chunks == g->tiles;
  int32_t *sums = g->exact ? g->sums : g->partial;
  for (int64_t i = 0; i < 4 * g->vecs; i++) {
    _mm512_store_si512(g->sums + 16 * i, g->exact ? _mm512_load_si512(start + i / 4 * 16) : _mm512_set1_epi32(before));
    if (!g->exact) _mm512_store_si512(g->partial + 16 * i, _mm512_load_si512(start + i / 4 * 16));
  }
  const uint8_t *w = g->w;
  for (const lookup_chunk *c = g->list; c < g->list + g->chunks; w += 64 * g->vecs * c->tables, c++) {
    if (in_registers && c->tables == 4) {
      if (g->inverse_lsb == 0) add_chunk(g, c, w, 4, DIVIDE, g->sums);
      else if (g->bounded) add_chunk(g, c, w, 4, ROUND_BOUNDED, g->sums);
      else add_chunk(g, c, w, 4, ROUND, g->sums);
      continue;
    }
    switch (c->tables) {
    case 1: add_chunk(g, c, w, 1, STORE, sums); break;
    case 2: add_chunk(g, c, w, 2, STORE, sums); break;
    case 3: add_chunk(g, c, w, 3, STORE, sums); break;
    default: add_chunk(g, c, w, 4, STORE, sums);
    }
    if (g->exact || !c->ends) continue;
    if (g->lifted) start += 16 * g->vecs;
    read_out(g, c + 1 < g->list + g->chunks ? start : 0);
  }
}
#endif
