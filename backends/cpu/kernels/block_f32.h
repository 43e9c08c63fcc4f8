/// A block of `rows` positions x `vecs` x 16 filters, kept in registers over all taps.

/// y[row][vec] = activation(bias[vec] + sum over taps and inner of x[tap + row * step + i] * w[tap][i][vec] (+ add[row][vec])).
///
/// `rows`, `vecs`, `inner` (channels of a tap: 4, or 1 in a plain tensor), `step` (from a position to the next), `half` (whether the last
/// vec has filters in its lower half only) and `derived` (whether weights are derived from three others: 1 where `times` is -1, which is
/// left to additions, else 2) are constants at every call.
BITLINE_INLINE BITLINE_TARGET void block_f32_rows(
  const block_f32_args *g, const int rows, const int vecs, const int inner, const int step, const int half, const int derived
) {
  v16f sum[BITLINE_BLOCK_MAX_ROWS][4];
  v8f half_sum[BITLINE_BLOCK_MAX_ROWS];
  const int whole = vecs - half;
#pragma clang loop unroll(full)
  for (int v = 0; v < vecs; v++) {
    const v16f start = g->bias ? LOAD16(g->bias + 16 * v) : SPLAT16(0.0f);
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) {
      if (v < whole) sum[i][v] = start;
      else half_sum[i] = start.lo;
    }
  }
  const float *w = g->w;
  for (int64_t tap = 0; tap < g->tap_count; tap++, w += inner * vecs * 16) {
    const float *x = g->x + g->taps[tap];
    for (int64_t i = 0; i < g->ahead_lines; i++) __builtin_prefetch(g->ahead + (tap * g->ahead_lines + i) * 16, 0, 2);
#pragma clang loop unroll(full)
    for (int c = 0; c < inner; c++) {
      v16f column[4];
#pragma clang loop unroll(full)
      for (int v = 0; v < vecs; v++) {
        const float *here = w + (c * vecs + v) * 16;
        column[v] = LOAD16(here);
        if (derived) column[v] -= LOAD16(here + g->less);
        if (derived == 1) column[v] -= LOAD16(here + g->more);
        if (derived == 2) column[v] = BITLINE_MULTIPLY_ADD(LOAD16(here + g->more), SPLAT16(g->times), column[v]);
      }
#pragma clang loop unroll(full)
      for (int i = 0; i < rows; i++) {
        const v16f row = SPLAT16(x[i * step + c]);
#pragma clang loop unroll(full)
        for (int v = 0; v < whole; v++) sum[i][v] = BITLINE_MULTIPLY_ADD(row, column[v], sum[i][v]);
        if (half) half_sum[i] = BITLINE_MULTIPLY_ADD(row.lo, column[whole].lo, half_sum[i]);
      }
    }
  }
#pragma clang loop unroll(full)
  for (int v = 0; v < vecs; v++) {
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) {
      const int64_t at = i * g->y_row + v * g->y_vec;
      v16f y = v < whole ? sum[i][v] : __builtin_shufflevector(half_sum[i], (v8f)0.0f, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
      if (g->add) y += LOAD16(g->add + at);
      STORE16(g->y + at, ACTIVATE16(g->activation, y));
    }
  }
}

#define BITLINE_BLOCK_CASE(rows) \
  case rows: block_f32_rows(g, rows, BITLINE_BLOCK_VECS, BITLINE_BLOCK_INNER, BITLINE_BLOCK_STEP, BITLINE_BLOCK_HALF, BITLINE_BLOCK_DERIVED); return;
