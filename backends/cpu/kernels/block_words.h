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
    for (int i = 0; i < rows; i += 4) {
      v16i four[4];
#pragma clang loop unroll(full)
      for (int k = 0; k < 4; k++) four[k] = sum[i + k < rows ? i + k : rows - 1][v];
      any |= requantize_store_sums(&r, four, i + 4 <= rows ? 4 : rows - i, y + 16 * i, doubts + i);
    }
  }
  *g->any = any;
}

BITLINE_BLOCK_WORDS(block_small_rows, BITLINE_DOT4_SMALL, 0)
#ifdef BITLINE_SMALL_APART
BITLINE_BLOCK_WORDS(block_i8_sums_rows, BITLINE_DOT4, 0)
#endif
BITLINE_BLOCK_WORDS(block_i8_rows, BITLINE_DOT4, 1)
BITLINE_BLOCK_WORDS(block_i16_rows, BITLINE_DOT2, 0)

/// The same with `words` of weights, four a tap, in registers, over rows by fours: products of some go on while others become codes.
BITLINE_INLINE BITLINE_TARGET void block_i8_few_words(const block_words_args *g, const int words) {
  int any = 0;
  const uint8_t *x[2] = {g->x + g->taps[0], g->x + g->taps[words > 4 ? 1 : 0]};
  for (int v = 0; v < g->vecs; v++) {
    const requantize_vectors r = requantize_vectors_of(g->lanes + v);
    const v16i start = LOAD16I(g->start + 16 * v);
    uint8_t *y = g->codes + v * g->codes_vec;
    uint16_t *doubts = g->doubts[v];
    v16i w[BITLINE_FEW_WORDS];
#pragma clang loop unroll(full)
    for (int word = 0; word < words; word++) w[word] = LOAD16I(g->w + (word * g->vecs + v) * 64);
#define BITLINE_FEW_ROWS_OF(count)                                                                                           \
  v16i sums[count];                                                                                                          \
  _Pragma("clang loop unroll(full)") for (int k = 0; k < count; k++) {                                                       \
    sums[k] = start;                                                                                                         \
    _Pragma("clang loop unroll(full)") for (int word = 0; word < words; word++) {                                            \
      int32_t one;                                                                                                           \
      memcpy(&one, x[word / 4] + (i + k) * 16 + word % 4 * 4, 4);                                                            \
      sums[k] = BITLINE_DOT4(sums[k], SPLAT16I(one), w[word]);                                                               \
    }                                                                                                                        \
  }                                                                                                                          \
  any |= requantize_store_sums(&r, sums, count, y + 16 * i, doubts + i);
    int i = 0;
    for (; i + 4 <= g->rows; i += 4) {
      BITLINE_FEW_ROWS_OF(4)
    }
    for (; i < g->rows; i++) {
      BITLINE_FEW_ROWS_OF(1)
    }
#undef BITLINE_FEW_ROWS_OF
  }
  *g->any = any;
}

#define BITLINE_BLOCK_WORDS_CASE(rows) \
  case rows: BITLINE_BLOCK_BODY(g, rows, BITLINE_BLOCK_VECS, BITLINE_BLOCK_WORD_COUNT); return;
