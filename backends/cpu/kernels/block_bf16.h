/// A block of `rows` positions x `vecs` x 16 filters on numbers of bf16, with sums in f32: by words of two numbers.

/// `sum` and the products of the two numbers in each word, the upper half first, each step rounded to f32: what `vdpbf16ps` computes, but that
/// it takes numbers below the least normal one for 0.
BITLINE_INLINE BITLINE_TARGET v16f BITLINE_LEVEL(dot2_bf16)(v16f sum, v16i a, v16i b) {
  const v16i upper = SPLAT16I((int32_t)0xffff0000);
  sum = BITLINE_MULTIPLY_ADD((v16f)(a & upper), (v16f)(b & upper), sum);
  return BITLINE_MULTIPLY_ADD((v16f)(a << 16), (v16f)(b << 16), sum);
}

/// As `block_f32_rows`; `words` (of a tap: 2, or 1 in a plain tensor) and `step` (numbers from a position to the next) are constants too.
#define BITLINE_BLOCK_BF16_ROWS(name, TARGET, DOT)                                                                          \
  BITLINE_INLINE TARGET void name(const block_bf16_args *g, const int rows, const int vecs, const int words, const int step) { \
    v16f sum[BITLINE_BLOCK_MAX_ROWS][4];                                                                                    \
    _Pragma("clang loop unroll(full)") for (int v = 0; v < vecs; v++) {                                                     \
      const v16f start = LOAD16(g->bias + 16 * v);                                                                          \
      _Pragma("clang loop unroll(full)") for (int i = 0; i < rows; i++) sum[i][v] = start;                                  \
    }                                                                                                                       \
    const uint16_t *w = g->w;                                                                                               \
    for (int64_t tap = 0; tap < g->tap_count; tap++, w += words * vecs * 32) {                                              \
      const uint16_t *x = g->x + g->taps[tap];                                                                              \
      for (int64_t i = 0; i < g->ahead_lines; i++) __builtin_prefetch(g->ahead + (tap * g->ahead_lines + i) * 32, 0, 2);    \
      _Pragma("clang loop unroll(full)") for (int word = 0; word < words; word++) {                                         \
        v16i column[4];                                                                                                     \
        _Pragma("clang loop unroll(full)") for (int v = 0; v < vecs; v++) column[v] = LOAD16I(w + (word * vecs + v) * 32);  \
        _Pragma("clang loop unroll(full)") for (int i = 0; i < rows; i++) {                                                 \
          int32_t two;                                                                                                      \
          memcpy(&two, x + i * step + word * 2, 4);                                                                         \
          _Pragma("clang loop unroll(full)") for (int v = 0; v < vecs; v++) sum[i][v] = DOT(sum[i][v], SPLAT16I(two), column[v]); \
        }                                                                                                                   \
      }                                                                                                                     \
    }                                                                                                                       \
    _Pragma("clang loop unroll(full)") for (int v = 0; v < vecs; v++) {                                                     \
      _Pragma("clang loop unroll(full)") for (int i = 0; i < rows; i++) {                                                   \
        const int64_t at = i * g->y_row + v * g->y_vec;                                                                     \
        v16f y = sum[i][v];                                                                                                 \
        if (g->add) y += LOAD16(g->add + at);                                                                               \
        STORE16(g->y + at, ACTIVATE16(g->activation, y));                                                                   \
      }                                                                                                                     \
    }                                                                                                                       \
  }

/// To the nearest bf16, halves to even.
BITLINE_INLINE BITLINE_TARGET void round_bf16_body(int64_t count, const float *x, uint16_t *y) {
  int64_t i = 0;
  for (; i + 16 <= count; i += 16) {
    const v16i bits = LOAD16I(x + i), odd = (bits >> 16) & 1;
    // What is no number stays none.
    const v16i rounded = (bits & 0x7fffffff) > 0x7f800000 ? bits | 0x400000 : bits + 0x7fff + odd;
    *(v16u16_anywhere *)(y + i) = __builtin_convertvector(rounded >> 16, v16u16);
  }
  for (; i < count; i++) y[i] = bf16_of(x[i]);
}
