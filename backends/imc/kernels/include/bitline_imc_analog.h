// The array with circuit errors, sixteen local arrays at a time: one float a cell, one lane a local array.
//
// Values lie in lanes: [sample][block of 16 channels][position][16]. Codes are whole numbers held as f32.
// All levels (portable, AVX2, AVX-512) give the same bytes: sums run over columns in order, every fused multiply-add is one.
#ifndef BITLINE_IMC_ANALOG_H
#define BITLINE_IMC_ANALOG_H
#include <stdint.h>

#pragma clang assume_nonnull begin

enum { bitline_imc_lanes = 16, bitline_imc_most_quads = 1536 };

// What stands behind a tile.
enum bitline_imc_law {
  // The sum itself, with offset and noise in sums.
  bitline_imc_law_sum = 0,
  // clamp(roundHalfEven(sum / lsb)): the numeric contract.
  bitline_imc_law_contract = 1,
  // clamp(roundHalfEven(sum * scale + offset + noise)), scale and offset by lane.
  bitline_imc_law_linear = 2,
  // As linear, but the n-th step of the rail is (1 - beta)^(n-1) of the first: n = ln(1 - beta u) / ln(1 - beta).
  bitline_imc_law_charge_share = 3,
  // sum * scale + offset + noise < 0 ? -1 : 1: a comparator.
  bitline_imc_law_sign = 4,
};

// One layer's evaluations for one block of 16 filters.
typedef struct {
  // [inputs][16], inputs in tile order.
  const float *weights;
  // [quads][16][16]: sums of the weights of four inputs, by which of their bits are set; null without lookups.
  const float *_Nullable tables;
  // [tiles][16]: codes for each unit of sum; and offset in codes (sums for law_sum), its sign that of the first cycle.
  const float *scale;
  const float *offset;
  // [tiles]: noise in codes (sums for law_sum); and beta of the charge-sharing converter.
  const float *sigma;
  const float *beta;
  // [tiles]: 1 / ln(1 - beta).
  const float *log_scale;
  // [16]: result = clip(total * unit * factor + addend, lo, hi), multiplied in that order and added without fusing.
  const float *factor;
  const float *addend;
  // Filters, at most 16.
  int32_t lanes;
} bitline_imc_block;

typedef struct {
  int32_t law;
  int32_t tiles;
  // [tiles + 1]: where each tile begins in the inputs.
  const int32_t *tile_starts;
  // [inputs]: offset of each input from its row.
  const int32_t *columns;
  // Bit planes evaluated one after another, plane_stride apart; plane b counts 2^b. 1: whole codes.
  int32_t planes;
  int32_t plane_stride;
  // Bit planes by lookup: [quads][4] offsets of inputs, a tile beginning a new quad; codes are then `spread`. Null: multiplied.
  const int32_t *_Nullable quads;
  // [tiles + 1]: where each tile begins in the quads; at most bitline_imc_most_quads in all.
  const int32_t *_Nullable quad_starts;
  // Whether the comparator's offset changes sign from row to row; it always does from plane to plane.
  int32_t swaps_by_row;
  int32_t blocks;
  // Lanes computed: 8 where no block has more filters, else 16. Noise is as wide.
  int32_t width;
  float lsb;
  // The sum that a total counts in; 1 but for bits that are read one by one.
  float unit;
  float top;
  float lo;
  float hi;
  // Elements from a row of results to the next, and from a block to the next.
  int32_t row_stride;
  int32_t block_stride;
  // Elements from a row's noise to the next row's, and from one conversion ((block * tiles + tile) * planes + plane) to the next.
  int32_t noise_row_stride;
  int32_t noise_stride;
  // Conversions of each tile counted by what they gave, [tiles][2 * top + 3]: below the smallest code, the codes, above the largest.
  // Null counts nothing; law_sum has no codes to count.
  uint64_t *_Nullable histogram;
} bitline_imc_layer;

// Philox4x32-10: counter (place * 16 + lane, domain, time low, time high), key seed.
typedef struct {
  uint32_t place;
  uint32_t domain;
  uint64_t time;
  uint64_t seed;
} bitline_imc_draw;

typedef struct {
  const char *name;
  // Evaluates `rows` rows, row r at codes + row_offsets[r]. noise: standard normal numbers, or null.
  void (*evaluate)(const bitline_imc_layer *layer, const bitline_imc_block *blocks, const float *codes, const int32_t *row_offsets, int rows,
                   const float *_Nullable noise, float *results);
  // 4 * quads vectors of 16 standard normal numbers: Box and Muller over the four words of each counter.
  void (*gaussians)(bitline_imc_draw draw, int quads, float *out);
  // codes = clamp(roundHalfEven(x / scale), lo, hi); NaN becomes 0.
  void (*quantize)(const float *x, int count, float scale, float lo, float hi, float *codes);
  // Maximum over windows: results[position] = max over taps of x[position_offsets[position] + taps[k]], `width` neighbours at once.
  void (*max_pool)(const float *x, const int32_t *position_offsets, int positions, const int32_t *taps, int tap_count, int width, float *results);
  // result = clip(sum of totals * factors + addend): one vector of 16 a position.
  void (*rescale)(const float *_Nonnull const *_Nonnull totals, const float *_Nonnull const *_Nonnull factors, int bases, int positions,
                  const float *addend, float lo, float hi, float *results);
  // x + bow * 4 (|x| / top)(1 - |x| / top), odd in x.
  void (*bend)(const float *x, int count, float bow, float top, float *results);
  // Plane b of the magnitudes, with the sign of the code: results + b * plane_stride.
  void (*split)(const float *x, int count, int planes, int plane_stride, float *results);
  // Unsigned codes of at most 8 bits as 64-bit words: bit b of the code is bit 3 of byte b, the next inputs of a quad take bits 4 to 6.
  void (*spread)(const float *x, int count, uint64_t *results);
} bitline_imc_kernels;

// The kernels of a level: "portable", "avx2", "avx512"; null when this machine has not got it. Null asks for the best.
const bitline_imc_kernels *_Nullable bitline_imc_choose(const char *_Nullable level);

// A 64-bit fingerprint of bytes: the time that a sample's noise is drawn for.
uint64_t bitline_imc_fingerprint(const void *bytes, int64_t count);

#pragma clang assume_nonnull end
#endif
