/// Rows of codes x four blocks of sixteen filters, in words of four.

#ifndef BITLINE_BLOCK_BYTES
/// sums[row][vec] = start[vec] + x[row] * w, `w` being `[words][4][16][4]`. `rows` is a constant at every call.
BITLINE_INLINE BITLINE_TARGET void dense_i8_rows(
  const uint8_t *x, int64_t x_row, int64_t words, const int rows, const int8_t *w, const int32_t *start, int32_t *sums
) {
  v16i sum[4][BITLINE_DENSE_VECS];
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; i++) {
#pragma clang loop unroll(full)
    for (int v = 0; v < BITLINE_DENSE_VECS; v++) sum[i][v] = LOAD16I(start + 16 * v);
  }
  for (int64_t word = 0; word < words; word++, w += BITLINE_DENSE_VECS * 64) {
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) {
      int32_t four;
      memcpy(&four, x + i * x_row + word * 4, 4);
#pragma clang loop unroll(full)
      for (int v = 0; v < BITLINE_DENSE_VECS; v++) sum[i][v] = BITLINE_DOT4(sum[i][v], SPLAT16I(four), LOAD16I(w + 64 * v));
    }
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; i++) {
#pragma clang loop unroll(full)
    for (int v = 0; v < BITLINE_DENSE_VECS; v++) STORE16I(sums + (i * BITLINE_DENSE_VECS + v) * 16, sum[i][v]);
  }
}
#endif
