/// A block of `rows` positions x `vecs` x 16 filters, kept in registers over all taps.

/// y[row][vec] = activation(bias[vec] + sum over taps and inner of x[tap + row * inner + i] * w[tap][i][vec] (+ add[row][vec])).
///
/// `rows`, `vecs` and `inner` (channels side by side at a position: 16, or 1 in a plain tensor) are constants at every call.
BITLINE_INLINE BITLINE_TARGET void block_f32_rows(const block_f32_args *g, const int rows, const int vecs, const int inner) {
  v16f sum[BITLINE_BLOCK_MAX_ROWS][4];
#pragma clang loop unroll(full)
  for (int v = 0; v < vecs; v++) {
    const v16f start = g->bias ? LOAD16(g->bias + 16 * v) : SPLAT16(0.0f);
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) sum[i][v] = start;
  }
  const float *w = g->w;
  const int unroll = inner < 4 ? inner : 4;
  for (int64_t tap = 0; tap < g->tap_count; tap++) {
    const float *x = g->x + g->taps[tap];
    for (int c = 0; c < inner; c += unroll, x += unroll, w += (int64_t)unroll * vecs * 16) {
#pragma clang loop unroll(full)
      for (int u = 0; u < unroll; u++) {
        v16f column[4];
#pragma clang loop unroll(full)
        for (int v = 0; v < vecs; v++) column[v] = LOAD16(w + (u * vecs + v) * 16);
#pragma clang loop unroll(full)
        for (int i = 0; i < rows; i++) {
          const v16f row = SPLAT16(x[i * inner + u]);
#pragma clang loop unroll(full)
          for (int v = 0; v < vecs; v++) sum[i][v] = BITLINE_MULTIPLY_ADD(row, column[v], sum[i][v]);
        }
      }
    }
  }
#pragma clang loop unroll(full)
  for (int v = 0; v < vecs; v++) {
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) {
      const int64_t at = i * g->y_row + v * g->y_vec;
      v16f y = sum[i][v];
      if (g->add) y += LOAD16(g->add + at);
      STORE16(g->y + at, ACTIVATE16(g->activation, y));
    }
  }
}

#define BITLINE_BLOCK_CASE(rows) \
  case rows: block_f32_rows(g, rows, BITLINE_BLOCK_VECS, BITLINE_BLOCK_INNER); return;
