/// u8 codes x +-1 weights to tile sums, blocks of 4 rows x 8 columns, plain C.
#pragma STDC FP_CONTRACT OFF
#include "table.h"

BITLINE_INLINE int32_t read_out(const gemm_u8b_args *g, int32_t sum) {
  float p = (float)sum + g->shift;
  p = g->inverse_lsb != 0 ? p * g->inverse_lsb : p / g->lsb;
  p = p < -g->limit ? -g->limit : p > g->limit ? g->limit : p;
  return (int32_t)bitline_round(p);
}

/// A step adds at most 255 to a 16-bit lane, so 128 steps fit.
enum { STEPS_IN_16_BITS = 128 };

typedef int16_t lanes __attribute__((vector_size(16)));

BITLINE_INLINE lanes widen(const uint8_t *bytes, const int is_signed) {
  typedef uint8_t u8x8 __attribute__((vector_size(8)));
  typedef int8_t i8x8 __attribute__((vector_size(8)));
  u8x8 v;
  memcpy(&v, bytes, sizeof v);
  return is_signed ? __builtin_convertvector((i8x8)v, lanes) : __builtin_convertvector(v, lanes);
}

/// Four neighbouring lanes hold the products of one column; adds up `words` words of one or two rows into `sum[row][8]`.
BITLINE_INLINE void add_words(
  const uint8_t *a, int64_t a_row, int64_t a_step, const uint8_t *b, int64_t words, const int rows, const int weights_in_columns,
  int32_t (*sum)[8]
) {
  while (words > 0) {
    int64_t steps = bitline_min(words, STEPS_IN_16_BITS);
    words -= steps;
    lanes part[2][4] = {{{0}}};
    for (; steps > 0; steps--, a += a_step, b += 32) {
      lanes column[4];
      for (int v = 0; v < 4; v++) column[v] = widen(b + 8 * v, weights_in_columns);
      for (int i = 0; i < rows; i++) {
        uint8_t twice[8];
        memcpy(twice, a + i * a_row, 4);
        memcpy(twice + 4, a + i * a_row, 4);
        const lanes row = widen(twice, !weights_in_columns);
        for (int v = 0; v < 4; v++) part[i][v] += row * column[v];
      }
    }
    for (int i = 0; i < rows; i++) {
      int16_t products[32];
      memcpy(products, part[i], sizeof products);
      for (int j = 0; j < 8; j++) sum[i][j] += products[4 * j] + products[4 * j + 1] + products[4 * j + 2] + products[4 * j + 3];
    }
  }
}

/// `weights_in_columns` is a constant at every call.
BITLINE_INLINE void block(const gemm_u8b_args *g, const int weights_in_columns) {
  const int rows = g->rows;
  int32_t total[4][8] = {{0}};
  const uint8_t *a = g->a, *b = g->b;
  const int32_t *start = g->start;
  const int64_t row = weights_in_columns ? g->a_stride : 4, step = weights_in_columns ? 4 : 16;
  for (int64_t tile = 0; tile < g->tiles; tile++) {
    int32_t sum[4][8];
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < 8; j++) sum[i][j] = !start ? 0 : weights_in_columns ? start[j] : start[i];
    }
    if (start) start += weights_in_columns ? 8 : 4;
    const int64_t words = tile == g->tiles - 1 ? g->last_words : g->tile_words;
    for (int i = 0; i < rows; i += 2) {
      if (i + 1 < rows) add_words(a + i * row, row, step, b, words, 2, weights_in_columns, sum + i);
      else add_words(a + i * row, row, step, b, words, 1, weights_in_columns, sum + i);
    }
    a += words * step;
    b += words * 32;
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < 8; j++) total[i][j] += g->limit == 0 ? sum[i][j] : read_out(g, sum[i][j]);
    }
  }
  for (int i = 0; i < rows; i++) memcpy(g->c + i * g->c_stride, total[i], sizeof(int32_t) * (size_t)g->cols);
}

void bitline_gemm_u8b_codes_in_columns_4x8_portable(const gemm_u8b_args *g) { block(g, 0); }

void bitline_gemm_u8b_weights_in_columns_4x8_portable(const gemm_u8b_args *g) { block(g, 1); }
