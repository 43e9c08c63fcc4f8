/// f32 convolution read in place, blocks of 4 filters x two runs of 4 results, plain C.
#include "table.h"

typedef float lanes __attribute__((vector_size(16)));

BITLINE_INLINE lanes load(const float *from) {
  lanes v;
  memcpy(&v, from, sizeof v);
  return v;
}

BITLINE_INLINE lanes spread(float x) { return (lanes){x, x, x, x}; }

/// `rows` and `runs` are constants at every call, so that the block stays in registers.
BITLINE_INLINE void block(const taps_f32_args *g, const int rows, const int runs) {
  lanes sum[4][2];
  for (int i = 0; i < rows; i++) for (int v = 0; v < runs; v++) sum[i][v] = spread(g->start[i]);
  const float *a = g->a;
  for (int64_t k = 0; k < g->k; k++, a += 4) {
    lanes column[2];
    for (int v = 0; v < runs; v++) column[v] = load(g->source[v] + g->taps[k]);
    for (int i = 0; i < rows; i++) {
      const lanes row = spread(a[i]);
      for (int v = 0; v < runs; v++) sum[i][v] += row * column[v];
    }
  }
  for (int v = 0; v < runs; v++) {
    for (int i = 0; i < rows; i++) {
      float result[4];
      memcpy(result, &sum[i][v], sizeof result);
      for (int j = 0; j < g->cols[v]; j++) g->c[v][i * g->c_stride + j] = bitline_activate(g->activation, result[j]);
    }
  }
}

#define CASE(rows)                           \
  case rows:                                 \
    if (g->cols[1] > 0) block(g, rows, 2);   \
    else block(g, rows, 1);                  \
    break;

void bitline_conv_f32_taps_4x8_portable(const taps_f32_args *g) {
  switch (g->rows) { CASE(1) CASE(2) CASE(3) CASE(4) }
}
