// The kernels of bitline_imc_analog.h for one level; included once for each with NAME, TARGET and ROWS (rows of one block of sums).
#include "random.h"

#define INLINE TARGET static inline __attribute__((always_inline))

#define V(name) NAME(name##8)
#define F32 f32x8
#define RUN NARROW_ROWS
#include "sums.h"
#undef V
#undef F32
#undef RUN
#define V(name) NAME(name##16)
#define F32 f32x16
#define RUN ROWS
#include "sums.h"
#undef V
#undef F32
#undef RUN

// Few rows, many filters: one row, ROWS blocks at once.
INLINE void NAME(wide)(const bitline_imc_layer *layer, const bitline_imc_block *blocks, int first, int count, const float *x, int row,
                       const float *noise, float *results) {
  const float *w[ROWS];
  f32x16 total[ROWS];
  for (int j = 0; j < ROWS; j++) {
    w[j] = blocks[first + (j < count ? j : count - 1)].weights;
    total[j] = 0;
  }
  for (int tile = 0; tile < layer->tiles; tile++) {
    const int end = layer->tile_starts[tile + 1];
    float worth = 1;
    for (int plane = 0; plane < layer->planes; plane++, worth *= 2) {
      f32x16 sum[ROWS];
#pragma clang loop unroll(full)
      for (int j = 0; j < ROWS; j++) sum[j] = 0;
      const int64_t shift = (int64_t)plane * layer->plane_stride;
      for (int k = layer->tile_starts[tile]; k < end; k++) {
        const f32x16 code = x[layer->columns[k] + shift];
#pragma clang loop unroll(full)
        for (int j = 0; j < ROWS; j++) sum[j] = __builtin_elementwise_fma(NAME(load16)(w[j] + 16 * (int64_t)k), code, sum[j]);
      }
      for (int j = 0; j < count; j++) {
        const int64_t conversion = ((int64_t)(first + j) * layer->tiles + tile) * layer->planes + plane;
        const float sign = (layer->swaps_by_row && (row & 1)) != (plane & 1) ? -1.0f : 1.0f;
        const float *own = noise ? noise + conversion * layer->noise_stride + (int64_t)row * layer->noise_row_stride : 0;
        const f32x16 code = NAME(read16)(layer->law, layer->histogram != 0, layer, blocks + first + j, tile, sum[j], sign, own);
        total[j] = __builtin_elementwise_fma(code, (f32x16)worth, total[j]);
      }
    }
  }
  for (int j = 0; j < count; j++) {
    NAME(finish16)(layer, blocks + first + j, total[j],
                   results + (int64_t)row * layer->row_stride + (int64_t)(first + j) * layer->block_stride);
  }
}

#define EACH_LAW(call)                                                                       \
  if (layer->histogram) {                                                                    \
    call(layer->law, 1, layer, blocks + number, number, codes, row_offsets, rows, noise, results); \
  } else if (layer->law == bitline_imc_law_contract) {                                       \
    call(bitline_imc_law_contract, 0, layer, blocks + number, number, codes, row_offsets, rows, noise, results); \
  } else if (layer->law == bitline_imc_law_linear && !noise) {                               \
    call(bitline_imc_law_linear, 0, layer, blocks + number, number, codes, row_offsets, rows, 0, results); \
  } else if (layer->law == bitline_imc_law_linear) {                                         \
    call(bitline_imc_law_linear, 0, layer, blocks + number, number, codes, row_offsets, rows, noise, results); \
  } else {                                                                                   \
    call(layer->law, 0, layer, blocks + number, number, codes, row_offsets, rows, noise, results); \
  }

// Rows by lookup: the indices of a row's quads once, then every block.
INLINE void NAME(evaluate_lookups)(const bitline_imc_layer *layer, const bitline_imc_block *blocks, const uint64_t *codes,
                                   const int32_t *row_offsets, int rows, const float *noise, float *results) {
  uint64_t indices[bitline_imc_most_quads];
  const int count = layer->quad_starts[layer->tiles];
  for (int row = 0; row < rows; row++) {
    const uint64_t *x = codes + row_offsets[row];
    const int32_t *columns = layer->quads;
    for (int quad = 0; quad < count; quad++, columns += 4) {
      indices[quad] = x[columns[0]] | x[columns[1]] << 1 | x[columns[2]] << 2 | x[columns[3]] << 3;
    }
    if (layer->width == 8) {
      NAME(lookups8)(layer, blocks, indices, row, noise, results);
    } else {
      NAME(lookups16)(layer, blocks, indices, row, noise, results);
    }
  }
}

TARGET static void NAME(evaluate)(const bitline_imc_layer *layer, const bitline_imc_block *blocks, const float *codes,
                                  const int32_t *row_offsets, int rows, const float *noise, float *results) {
  if (layer->quads) {
    NAME(evaluate_lookups)(layer, blocks, (const uint64_t *)(const void *)codes, row_offsets, rows, noise, results);
  } else if (layer->width == 8) {
    for (int number = 0; number < layer->blocks; number++) { EACH_LAW(NAME(block8)) }
  } else if (rows >= ROWS / 2) {
    for (int number = 0; number < layer->blocks; number++) { EACH_LAW(NAME(block16)) }
  } else {
    for (int row = 0; row < rows; row++) {
      for (int first = 0; first < layer->blocks; first += ROWS) {
        const int count = layer->blocks - first < ROWS ? layer->blocks - first : ROWS;
        NAME(wide)(layer, blocks, first, count, codes + row_offsets[row], row, noise, results);
      }
    }
  }
}
#undef EACH_LAW

TARGET static void NAME(gaussians)(bitline_imc_draw draw, int quads, float *out) {
  for (int quad = 0; quad < quads; quad++) {
    f32x16 z[4];
    NAME(normal)(draw, (uint32_t)quad, z);
    for (int i = 0; i < 4; i++) NAME(store16)(out + 64 * (int64_t)quad + 16 * i, z[i]);
  }
}

TARGET static void NAME(quantize)(const float *x, int count, float scale, float lo, float hi, float *codes) {
  int i = 0;
  for (; i + 16 <= count; i += 16) {
    f32x16 v = NAME(load16)(x + i) / (f32x16)scale;
    v = v == v ? v : (f32x16)0.0f;
    NAME(store16)(codes + i, NAME(round16)(NAME(clip16)(v, lo, hi)));
  }
  for (; i < count; i++) {
    float v = x[i] / scale;
    v = v == v ? v : 0;
    v = v < lo ? lo : v > hi ? hi : v;
    codes[i] = (v + 12582912.0f) - 12582912.0f;
  }
}

TARGET static void NAME(max_pool)(const float *x, const int32_t *position_offsets, int positions, const int32_t *taps, int tap_count, int width,
                                  float *results) {
  for (int position = 0; position < positions; position++) {
    const float *from = x + position_offsets[position];
    float *to = results + (int64_t)position * width;
    if (width == 8) {
      f32x8 most = NAME(load8)(from + taps[0]);
      for (int k = 1; k < tap_count; k++) {
        const f32x8 v = NAME(load8)(from + taps[k]);
        most = v > most ? v : most;
      }
      NAME(store8)(to, most);
    } else if (width == 16) {
      f32x16 most = NAME(load16)(from + taps[0]);
      for (int k = 1; k < tap_count; k++) {
        const f32x16 v = NAME(load16)(from + taps[k]);
        most = v > most ? v : most;
      }
      NAME(store16)(to, most);
    } else {
      for (int i = 0; i < width; i++) {
        float most = from[taps[0] + i];
        for (int k = 1; k < tap_count; k++) most = from[taps[k] + i] > most ? from[taps[k] + i] : most;
        to[i] = most;
      }
    }
  }
}

TARGET static void NAME(rescale)(const float *const *totals, const float *const *factors, int bases, int positions, const float *addend, float lo,
                                 float hi, float *results) {
  for (int position = 0; position < positions; position++) {
    f32x16 sum = NAME(load16)(totals[0] + 16 * position) * NAME(load16)(factors[0]);
    for (int base = 1; base < bases; base++) {
      const f32x16 product = NAME(load16)(totals[base] + 16 * position) * NAME(load16)(factors[base]);
      sum = sum + product;
    }
    NAME(store16)(results + 16 * position, NAME(clip16)(sum + NAME(load16)(addend), lo, hi));
  }
}

TARGET static void NAME(bend)(const float *x, int count, float bow, float top, float *results) {
  for (int i = 0; i < count; i++) {
    const float part = __builtin_fabsf(x[i]) / top;
    const float error = bow * 4.0f * part * (1.0f - part);
    results[i] = x[i] < 0 ? x[i] - error : x[i] + error;
  }
}

TARGET static void NAME(split)(const float *x, int count, int planes, int plane_stride, float *results) {
  for (int plane = 0; plane < planes; plane++) {
    for (int i = 0; i < count; i++) {
      const int code = (int)x[i];
      const int bit = ((code < 0 ? -code : code) >> plane) & 1;
      results[(int64_t)plane * plane_stride + i] = (float)(code < 0 ? -bit : bit);
    }
  }
}

TARGET static void NAME(spread)(const float *x, int count, uint64_t *results) {
  for (int i = 0; i < count; i++) {
    // Bit b of the code moves to bit 8 b, then to the place of the first input of a quad.
    const uint64_t code = (uint64_t)(uint32_t)(int32_t)x[i];
    const uint64_t low = ((code & 0xf) * UINT64_C(0x00204081)) & UINT64_C(0x01010101);
    const uint64_t high = ((code >> 4 & 0xf) * UINT64_C(0x00204081)) & UINT64_C(0x01010101);
    results[i] = (low | high << 32) << 3;
  }
}

static const bitline_imc_kernels NAME(table) = {LEVEL,          NAME(evaluate), NAME(gaussians), NAME(quantize),
                                                NAME(max_pool), NAME(rescale),  NAME(bend),      NAME(split),
                                                NAME(spread)};
#undef INLINE
