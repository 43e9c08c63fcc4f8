/// Integer sums of an int8 layer to codes, and which of them are not sure (`requantize.h`).

typedef double v8d __attribute__((ext_vector_type(8)));
typedef int8_t v16i8_anywhere __attribute__((ext_vector_type(16), aligned(1)));

/// The parameters of sixteen filters, in registers.
typedef struct requantize_vectors {
  v16f m, c, near, least;
  uint8_t most, flip;
} requantize_vectors;

BITLINE_INLINE BITLINE_TARGET requantize_vectors requantize_vectors_of(const requantize_lanes *r) {
  return (requantize_vectors){
    .m = LOAD16(r->m), .c = LOAD16(r->c), .near = LOAD16(r->near), .least = SPLAT16((float)r->least), .most = r->most, .flip = r->flip};
}

/// Sixteen codes at `y`; returns a bit for each that is not sure.
BITLINE_INLINE BITLINE_TARGET uint16_t requantize_store(const requantize_vectors *r, v16i sum, uint8_t *y) {
  // The step of f32 is 1 around the magic number, so that its lowest bits hold the code.
  const v16f magic = SPLAT16(12582912.0f), most = SPLAT16((float)r->most);
  v16f q = BITLINE_MULTIPLY_ADD(__builtin_convertvector(sum, v16f), r->m, r->c);
  q = q < r->least ? r->least : q;
  q = q > most ? most : q;
  const v16f shifted = q + magic;
  *(v16u8_anywhere *)y = __builtin_convertvector((v16i)shifted, v16u8) ^ (v16u8)(r->flip);
  const v16f apart = q - (shifted - magic);
  return BITLINE_BITS16((apart < SPLAT16(0.0f) ? -apart : apart) > r->near);
}

/// The same of `rows` sums, a constant of at most four, whose codes neighbour each other.
#ifdef BITLINE_REQUANTIZE_SUMS
BITLINE_REQUANTIZE_SUMS
#else
BITLINE_INLINE BITLINE_TARGET int requantize_store_sums(
  const requantize_vectors *r, const v16i *sums, const int rows, uint8_t *y, uint16_t *doubts
) {
  int any = 0;
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; i++) any |= doubts[i] = requantize_store(r, sums[i], y + 16 * i);
  return any;
}
#endif

BITLINE_INLINE BITLINE_TARGET int requantize_rows_body(
  const requantize_lanes *lanes, const int32_t *sums, int64_t stride, int64_t rows, uint8_t *y, uint16_t *doubts
) {
  const requantize_vectors r = requantize_vectors_of(lanes);
  int any = 0;
  int64_t i = 0;
  for (; i + 4 <= rows; i += 4) {
    v16i four[4];
#pragma clang loop unroll(full)
    for (int k = 0; k < 4; k++) four[k] = LOAD16I(sums + (i + k) * stride);
    any |= requantize_store_sums(&r, four, 4, y + 16 * i, doubts + i);
  }
  for (; i < rows; i++) {
    const v16i sum = LOAD16I(sums + i * stride);
    any |= requantize_store_sums(&r, &sum, 1, y + 16 * i, doubts + i);
  }
  return any;
}

/// The sum of the products of numbers that codes and weights stand for, each rounded to f32 before; sixteen channels at once.
BITLINE_INLINE BITLINE_TARGET double dequantized_dot_body(const dequantized_dot_args *g) {
  const bitline_conv_shape *s = g->shape;
  int64_t y_first, y_end, x_first, x_end;
  pool_inside(g->top, s->kernel_height, s->dilation_height, s->height, &y_first, &y_end);
  pool_inside(g->left, s->kernel_width, s->dilation_width, s->width, &x_first, &x_end);
  v8d sums[2] = {(v8d)(0.0), (v8d)(0.0)};
  const v16f zero = SPLAT16((float)g->zero), scale = SPLAT16(g->scale), w_scale = SPLAT16(g->w_scale);
  for (int64_t block = 0; block < blocks_of(s->channels); block++) {
    const uint8_t *plane = g->x + block * s->height * s->width * 16;
    const int8_t *w = g->w + block * s->kernel_height * s->kernel_width * 16;
    for (int64_t ky = y_first; ky < y_end; ky++) {
      for (int64_t kx = x_first; kx < x_end; kx++) {
        const uint8_t *from = plane + ((g->top + ky * s->dilation_height) * s->width + g->left + kx * s->dilation_width) * 16;
        const v16u8 codes = LOAD16B(from) ^ (v16u8)(g->flip);
        const v16i8_anywhere weights = *(const v16i8_anywhere *)(w + (ky * s->kernel_width + kx) * 16);
        const v16f x = (__builtin_convertvector(__builtin_convertvector(codes, v16i), v16f) - zero) * scale;
        const v16f v = __builtin_convertvector(__builtin_convertvector(weights, v16i), v16f) * w_scale;
        // Products of two f32 numbers are exact in f64, so that a multiply-add rounds no differently.
        sums[0] = BITLINE_MULTIPLY_ADD(__builtin_convertvector(x.lo, v8d), __builtin_convertvector(v.lo, v8d), sums[0]);
        sums[1] = BITLINE_MULTIPLY_ADD(__builtin_convertvector(x.hi, v8d), __builtin_convertvector(v.hi, v8d), sums[1]);
      }
    }
  }
  double sum = 0;
  for (int i = 0; i < 8; i++) sum += sums[0][i] + sums[1][i];
  return sum;
}
