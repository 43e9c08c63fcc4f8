// One block of filters in vectors of WIDTH lanes; included by analog.h for 8 and for 16, with V, F32, and the names of its level.

INLINE F32 V(load)(const float *p) {
  F32 v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

INLINE void V(store)(float *p, F32 v) { __builtin_memcpy(p, &v, sizeof v); }

// Bounds as in `x < lo ? lo : x > hi ? hi : x`.
INLINE F32 V(clip)(F32 x, float lo, float hi) {
  const F32 l = lo, h = hi;
  x = x < l ? l : x;
  return x > h ? h : x;
}

// Nearest whole number, halves to even; |x| below 2^22.
INLINE F32 V(round)(F32 x) {
  const F32 magic = 12582912.0f;
  return (x + magic) - magic;
}

// A tile's sum in codes, before the converter rounds and clips it.
INLINE F32 V(measure)(int law, const bitline_imc_layer *layer, const bitline_imc_block *block, int tile, F32 sum, float sign, const float *noise) {
  if (law == bitline_imc_law_contract) return sum / (F32)layer->lsb;
  F32 error = V(load)(block->offset + 16 * tile) * (F32)sign;
  if (noise) error = __builtin_elementwise_fma((F32)block->sigma[tile], V(load)(noise), error);
  F32 code = __builtin_elementwise_fma(sum, V(load)(block->scale + 16 * tile), error);
  if (law == bitline_imc_law_charge_share) {
    const F32 size = __builtin_elementwise_abs(code);
    F32 left = __builtin_elementwise_fma((F32)-block->beta[tile], size, (F32)1.0f);
    // Where nothing is left, no number of steps reaches the sum: more than any converter's largest code.
    const F32 steps = left < 1e-37f ? (F32)16777216.0f : V(log)(left) * (F32)block->log_scale[tile];
    code = code < 0 ? -steps : steps;
  }
  return code;
}

// Counts what the lanes in use gave; whole numbers beyond the largest code in the bins next to it.
INLINE void V(count)(const bitline_imc_layer *layer, const bitline_imc_block *block, int tile, F32 code) {
  const int codes = 2 * (int)layer->top + 3;
  uint64_t *bins = layer->histogram + (int64_t)tile * codes;
  for (int lane = 0; lane < block->lanes; lane++) bins[(int)(code[lane] + layer->top + 1)]++;
}

// What the converter makes of a tile's sum; counted where `counts` says so.
INLINE F32 V(read)(int law, int counts, const bitline_imc_layer *layer, const bitline_imc_block *block, int tile, F32 sum, float sign,
                   const float *noise) {
  const F32 code = V(measure)(law, layer, block, tile, sum, sign, noise);
  if (law == bitline_imc_law_sum) return code;
  if (law == bitline_imc_law_sign) {
    const F32 sign = code < 0 ? (F32)-1.0f : (F32)1.0f;
    if (counts) V(count)(layer, block, tile, sign);
    return sign;
  }
  if (!counts) return V(round)(V(clip)(code, -layer->top, layer->top));
  const F32 rounded = V(round)(V(clip)(code, -layer->top - 1, layer->top + 1));
  V(count)(layer, block, tile, rounded);
  return V(clip)(rounded, -layer->top, layer->top);
}

INLINE void V(finish)(const bitline_imc_layer *layer, const bitline_imc_block *block, F32 total, float *result) {
  const F32 product = total * (F32)layer->unit * V(load)(block->factor);
  V(store)(result, V(clip)(product + V(load)(block->addend), layer->lo, layer->hi));
}

// The sums of one tile: `stride` elements from row to row, or as `offsets` say when it is 0.
INLINE void V(tile)(int stride, const float *weights, const int32_t *columns, int count, const float *codes, const int32_t *offsets,
                    F32 *sums) {
  F32 sum[RUN];
  const float *base = codes + offsets[0];
#pragma clang loop unroll(full)
  for (int j = 0; j < RUN; j++) sum[j] = 0;
  for (int k = 0; k < count; k++) {
    const F32 weight = V(load)(weights + 16 * k);
    const int64_t column = columns[k];
#pragma clang loop unroll(full)
    for (int j = 0; j < RUN; j++) {
      const float code = stride ? base[column + j * stride] : codes[column + offsets[j]];
      sum[j] = __builtin_elementwise_fma(weight, (F32)code, sum[j]);
    }
  }
#pragma clang loop unroll(full)
  for (int j = 0; j < RUN; j++) sums[j] = sum[j];
}

// RUN rows of one block. Rows beyond `rows` repeat the last.
INLINE void V(rows)(int law, int counts, const bitline_imc_layer *layer, const bitline_imc_block *block, int number, const float *codes,
                    const int32_t *row_offsets, int first, int rows, const float *noise, float *results) {
  F32 total[RUN];
  int32_t copied[RUN];
  int is_even = 1;
  const int used = rows - first < RUN ? rows - first : RUN;
  const int32_t *offsets = row_offsets + first;
  if (used < RUN) {
    for (int j = 0; j < RUN; j++) copied[j] = offsets[j < used ? j : used - 1];
    offsets = copied;
  }
  const int stride = offsets[1] - offsets[0];
  for (int j = 0; j < RUN; j++) {
    is_even &= offsets[j] - offsets[0] == j * stride;
    total[j] = 0;
  }
  const float *own = noise ? noise + (int64_t)first * layer->noise_row_stride + (int64_t)number * layer->noise_stride * layer->tiles * layer->planes
                           : 0;
  for (int tile = 0; tile < layer->tiles; tile++) {
    const int start = layer->tile_starts[tile];
    const int count = layer->tile_starts[tile + 1] - start;
    const float *weights = block->weights + 16 * (int64_t)start;
    float worth = 1;
    for (int plane = 0; plane < layer->planes; plane++, worth *= 2) {
      const int64_t shift = (int64_t)plane * layer->plane_stride;
      F32 sum[RUN];
      switch (is_even ? stride : 0) {
        case 1: V(tile)(1, weights, layer->columns + start, count, codes + shift, offsets, sum); break;
        case 8: V(tile)(8, weights, layer->columns + start, count, codes + shift, offsets, sum); break;
        case 16: V(tile)(16, weights, layer->columns + start, count, codes + shift, offsets, sum); break;
        default: V(tile)(0, weights, layer->columns + start, count, codes + shift, offsets, sum); break;
      }
#pragma clang loop unroll(full)
      for (int j = 0; j < RUN; j++) {
        const float sign = (layer->swaps_by_row && ((first + j) & 1)) != (plane & 1) ? -1.0f : 1.0f;
        const float *drawn = own ? own + (j < used ? j : used - 1) * (int64_t)layer->noise_row_stride : 0;
        const F32 code = V(read)(law, counts && j < used, layer, block, tile, sum[j], sign, drawn);
        total[j] = __builtin_elementwise_fma(code, (F32)worth, total[j]);
      }
      if (own) own += layer->noise_stride;
    }
  }
  const F32 unit = layer->unit, factor = V(load)(block->factor), addend = V(load)(block->addend);
  const float lo = layer->lo, hi = layer->hi;
  const int64_t row_stride = layer->row_stride;
  float *result = results + first * row_stride + (int64_t)number * layer->block_stride;
  if (used == RUN) {
#pragma clang loop unroll(full)
    for (int j = 0; j < RUN; j++, result += row_stride) {
      const F32 product = total[j] * unit * factor;
      V(store)(result, V(clip)(product + addend, lo, hi));
    }
  } else {
    for (int j = 0; j < used; j++, result += row_stride) {
      const F32 product = total[j] * unit * factor;
      V(store)(result, V(clip)(product + addend, lo, hi));
    }
  }
}

// All rows of one block.
INLINE void V(block)(int law, int counts, const bitline_imc_layer *layer, const bitline_imc_block *block, int number, const float *codes,
                     const int32_t *row_offsets, int rows, const float *noise, float *results) {
  for (int first = 0; first < rows; first += RUN) {
    V(rows)(law, counts, layer, block, number, codes, row_offsets, first, rows, noise, results);
  }
}

// One row of one block by lookup, all planes at once: `most` is their number where it is known, else 8.
INLINE void V(lookup)(int law, int counts, int most, int planes, const bitline_imc_layer *layer, const bitline_imc_block *block, int number,
                      const uint64_t *indices, int row, const float *noise, float *results) {
  F32 total = 0;
  const float *own = noise ? noise + (int64_t)row * layer->noise_row_stride + (int64_t)number * layer->noise_stride * layer->tiles * planes : 0;
  const int is_odd = layer->swaps_by_row && (row & 1);
  for (int tile = 0; tile < layer->tiles; tile++) {
    F32 sum[8];
#pragma clang loop unroll(full)
    for (int plane = 0; plane < most; plane++) sum[plane] = 0;
    const char *table = (const char *)(block->tables + 256 * (int64_t)layer->quad_starts[tile]);
    const unsigned char *index = (const unsigned char *)(indices + layer->quad_starts[tile]);
    for (int quad = layer->quad_starts[tile]; quad < layer->quad_starts[tile + 1]; quad++, table += 1024, index += 8) {
#pragma clang loop unroll(full)
      for (int plane = 0; plane < most; plane++) sum[plane] += V(load)((const float *)(table + 8 * (int64_t)index[plane]));
    }
    float worth = 1;
#pragma clang loop unroll(full)
    for (int plane = 0; plane < most; plane++, worth *= 2) {
      if (plane >= planes) break;
      const F32 code = V(read)(law, counts, layer, block, tile, sum[plane], is_odd != (plane & 1) ? -1.0f : 1.0f, own);
      total = __builtin_elementwise_fma(code, (F32)worth, total);
      if (own) own += layer->noise_stride;
    }
  }
  const F32 product = total * (F32)layer->unit * V(load)(block->factor);
  V(store)(results + (int64_t)row * layer->row_stride + (int64_t)number * layer->block_stride,
           V(clip)(product + V(load)(block->addend), layer->lo, layer->hi));
}

INLINE void V(lookups)(const bitline_imc_layer *layer, const bitline_imc_block *blocks, const uint64_t *indices, int row, const float *noise,
                       float *results) {
  for (int number = 0; number < layer->blocks; number++) {
    const bitline_imc_block *block = blocks + number;
    if (!layer->histogram && layer->law == bitline_imc_law_linear && layer->planes == 6) {
      V(lookup)(bitline_imc_law_linear, 0, 6, 6, layer, block, number, indices, row, noise, results);
    } else {
      V(lookup)(layer->law, layer->histogram != 0, 8, layer->planes, layer, block, number, indices, row, noise, results);
    }
  }
}
