/// f32 product with sums in f64, one step of `k` after the other, as the reference computes it. A product of two f32 is exact in f64, so nothing
/// depends on whether it is fused with its sum: every level gives the same bytes.
// Vectors are handed only to functions that are always inlined.
#pragma clang diagnostic ignored "-Wpsabi"

typedef double v8d __attribute__((ext_vector_type(8)));
typedef double v8d_anywhere __attribute__((ext_vector_type(8), aligned(8)));
typedef float v8f __attribute__((ext_vector_type(8)));
typedef float v8f_anywhere __attribute__((ext_vector_type(8), aligned(4)));

BITLINE_INLINE v8d activate_f64(bitline_activation a, v8d x) {
  if (a.kind == BITLINE_ACTIVATION_NONE) return x;
  const int isRelu = a.kind == BITLINE_ACTIVATION_RELU;
  const v8d lo = isRelu ? 0.0 : (double)a.lo, hi = isRelu ? (double)__builtin_inff() : (double)a.hi;
  return x < lo ? lo : x > hi ? hi : x;
}

/// `rows`, `vectors` and `wide` (whether both operands are f64 already) are constants at every call, so that the block stays in registers.
BITLINE_INLINE void gemm_f32_f64_block(const gemm_f32_f64_args *g, const int rows, const int vectors, const int wide) {
  v8d sum[4][4] = {0};
  const float *b = g->b;
  const double *wide_b = g->wide_b;
  for (int64_t k = 0; k < g->k; k++, b += 8 * vectors, wide_b += 8 * vectors) {
    v8d column[4];
    for (int v = 0; v < vectors; v++) {
      if (wide) column[v] = *(const v8d_anywhere *)(wide_b + 8 * v);
      else column[v] = __builtin_convertvector(*(const v8f_anywhere *)(b + 8 * v), v8d);
    }
    for (int i = 0; i < rows; i++) {
      const v8d row = wide ? g->wide_a[i * g->a_stride + k] : (double)g->a[i * g->a_stride + k];
      for (int v = 0; v < vectors; v++) sum[i][v] = BITLINE_MULTIPLY_ADD(row, column[v], sum[i][v]);
    }
  }
  for (int i = 0; i < rows; i++) {
    float line[BITLINE_MAX_COLS];
    float *to = g->cols == 8 * vectors ? g->c + i * g->c_stride : line;
    for (int v = 0; v < vectors; v++) {
      const v8d bias = g->bias_by_row ? (v8d)(double)g->bias[i] : __builtin_convertvector(*(const v8f_anywhere *)(g->bias + 8 * v), v8d);
      *(v8f_anywhere *)(to + 8 * v) = __builtin_convertvector(activate_f64(g->activation, sum[i][v] + bias), v8f);
    }
    if (to == line) memcpy(g->c + i * g->c_stride, line, sizeof(float) * (size_t)g->cols);
  }
}

BITLINE_INLINE void gemm_f32_f64_body(const gemm_f32_f64_args *g, const int vectors, const int wide) {
  switch (g->rows) {
  case 1: gemm_f32_f64_block(g, 1, vectors, wide); break;
  case 2: gemm_f32_f64_block(g, 2, vectors, wide); break;
  case 3: gemm_f32_f64_block(g, 3, vectors, wide); break;
  case 4: gemm_f32_f64_block(g, 4, vectors, wide); break;
  }
}

BITLINE_INLINE void widen_f32_f64_body(int64_t count, const float *x, double *y) {
  int64_t i = 0;
  for (; i + 8 <= count; i += 8) *(v8d_anywhere *)(y + i) = __builtin_convertvector(*(const v8f_anywhere *)(x + i), v8d);
  for (; i < count; i++) y[i] = x[i];
}
