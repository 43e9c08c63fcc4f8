/// A block of `rows` positions x `vecs` x 16 filters of integer products, kept in registers over all taps.

/// y[row][vec] = start[vec] + sum over taps and words of x[tap + row * words + word] * w[tap][word], exact modulo 2^32.
///
/// A word is four bytes: four inputs of u8, or two of i16; `DOT` multiplies words and adds to sums. `rows`, `vecs` and `words` are
/// constants.
/// Sums are stored, or become codes at once where `requantizes`.
#define BITLINE_BLOCK_WORDS(name, DOT, requantizes)                                                                                       \
  BITLINE_INLINE BITLINE_TARGET void name(const block_words_args *g, const int rows, const int vecs, const int words) {      \
    v16i sum[BITLINE_BLOCK_MAX_ROWS][4];                                                                                     \
    _Pragma("clang loop unroll(full)") for (int v = 0; v < vecs; v++) {                                                      \
      const v16i start = g->start ? LOAD16I(g->start + 16 * v) : SPLAT16I(0);                                                \
      _Pragma("clang loop unroll(full)") for (int i = 0; i < rows; i++) sum[i][v] = start;                                   \
    }                                                                                                                        \
    const int8_t *w = g->w;                                                                                                  \
    for (int64_t tap = 0; tap < g->tap_count; tap++) {                                                                       \
      const uint8_t *x = g->x + g->taps[tap];                                                                                \
      for (int64_t i = 0; i < g->ahead_lines; i++) __builtin_prefetch(g->ahead + (tap * g->ahead_lines + i) * 64, 0, 2);      \
      _Pragma("clang loop unroll(full)") for (int word = 0; word < words; word++) {                                          \
        v16i column[4];                                                                                                      \
        _Pragma("clang loop unroll(full)") for (int v = 0; v < vecs; v++) column[v] = LOAD16I(w + (word * vecs + v) * 64);   \
        _Pragma("clang loop unroll(full)") for (int i = 0; i < rows; i++) {                                                  \
          int32_t one;                                                                                                       \
          memcpy(&one, x + (i * words + word) * 4, 4);                                                                       \
          _Pragma("clang loop unroll(full)") for (int v = 0; v < vecs; v++) sum[i][v] = DOT(sum[i][v], SPLAT16I(one), column[v]); \
        }                                                                                                                    \
      }                                                                                                                      \
      w += vecs * words * 64;                                                                                                \
    }                                                                                                                        \
    if (requantizes) {                                                                                                       \
      block_requantize(g, rows, vecs, sum);                                                                                  \
      return;                                                                                                                \
    }                                                                                                                        \
    _Pragma("clang loop unroll(full)") for (int v = 0; v < vecs; v++) {                                                      \
      _Pragma("clang loop unroll(full)") for (int i = 0; i < rows; i++) STORE16I(g->y + i * g->y_row + v * 16, sum[i][v]);   \
    }                                                                                                                        \
  }

/// Sums to codes of as many rows, and what is not sure of them.
BITLINE_INLINE BITLINE_TARGET void block_requantize(const block_words_args *g, const int rows, const int vecs, v16i sum[][4]) {
  int any = 0;
#pragma clang loop unroll(full)
  for (int v = 0; v < vecs; v++) {
    const requantize_vectors r = requantize_vectors_of(g->lanes + v);
    uint8_t *y = g->codes + v * g->codes_vec;
    uint16_t *doubts = g->doubts[v];
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) any |= doubts[i] = requantize_store(&r, sum[i][v], y + 16 * i);
  }
  *g->any = any;
}

BITLINE_BLOCK_WORDS(block_small_rows, BITLINE_DOT4_SMALL, 0)
BITLINE_BLOCK_WORDS(block_i8_rows, BITLINE_DOT4, 1)
BITLINE_BLOCK_WORDS(block_i16_rows, BITLINE_DOT2, 0)

#define BITLINE_BLOCK_WORDS_CASE(rows) \
  case rows: BITLINE_BLOCK_BODY(g, rows, BITLINE_BLOCK_VECS, BITLINE_BLOCK_WORD_COUNT); return;
