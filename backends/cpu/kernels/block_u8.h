/// A block of `rows` positions x `vecs` x 16 filters of codes x small weights, kept in registers over all taps.

/// y[row][vec] = start[vec] + sum over taps and inputs of x[tap + row * 16 + input] * w[tap][input], exact.
///
/// `rows` and `vecs` are constants at every call. Four inputs are a word, multiplied and added at once.
BITLINE_INLINE BITLINE_TARGET void block_u8_rows(const block_u8_args *g, const int rows, const int vecs) {
  v16i sum[BITLINE_BLOCK_MAX_ROWS][4];
#pragma clang loop unroll(full)
  for (int v = 0; v < vecs; v++) {
    const v16i start = g->start ? LOAD16I(g->start + 16 * v) : SPLAT16I(0);
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) sum[i][v] = start;
  }
  const int8_t *w = g->w;
  for (int64_t tap = 0; tap < g->tap_count; tap++) {
    const uint8_t *x = g->x + g->taps[tap];
#pragma clang loop unroll(full)
    for (int word = 0; word < 4; word++) {
      v16i column[4];
#pragma clang loop unroll(full)
      for (int v = 0; v < vecs; v++) column[v] = LOAD16I(w + (word * vecs + v) * 64);
#pragma clang loop unroll(full)
      for (int i = 0; i < rows; i++) {
        int32_t four;
        memcpy(&four, x + i * 16 + word * 4, 4);
#pragma clang loop unroll(full)
        for (int v = 0; v < vecs; v++) sum[i][v] = BITLINE_DOT4(sum[i][v], SPLAT16I(four), column[v]);
      }
    }
    w += vecs * 256;
  }
#pragma clang loop unroll(full)
  for (int v = 0; v < vecs; v++) {
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) STORE16I(g->y + i * g->y_row + v * 16, sum[i][v]);
  }
}

#define BITLINE_BLOCK_U8_CASE(rows) \
  case rows: block_u8_rows(g, rows, BITLINE_BLOCK_VECS); return;
