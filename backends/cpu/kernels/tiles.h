/// How the K inputs of a binary layer lie in words of four, tile after tile; each tile is filled up to whole words with weights of 0.
#ifndef BITLINE_TILES_H
#define BITLINE_TILES_H

#include "table.h"

typedef struct tile_layout {
  int64_t inputs;
  /// Inputs in a tile, tiles, words in each, and words in the last.
  int64_t tile, tiles, tile_words, last_words, words;
  int32_t signed_codes;
  float limit, lsb, inverse_lsb, shift;
} tile_layout;

/// Whether multiplying by `inverse` reads out every sum in `-most...most` as dividing by `lsb` does.
static int inverse_is_exact(float lsb, float inverse, float limit, int64_t most) {
  for (int64_t p = 0; p <= most; p++) {
    float divided = (float)p / lsb, multiplied = (float)p * inverse;
    divided = divided > limit ? limit : divided;
    multiplied = multiplied > limit ? limit : multiplied;
    if (bitline_round(divided) != bitline_round(multiplied)) return 0;
  }
  return 1;
}

/// `settle`: also finds out how to divide, which takes time.
static tile_layout tile_layout_of(int64_t inputs, const bitline_readout *readout, int settle) {
  tile_layout t = {.inputs = inputs, .signed_codes = readout->signed_codes};
  // An exact readout adds up to the same whatever the tiles.
  t.tile = readout->bits == 0 || readout->tile <= 0 || readout->tile > inputs ? bitline_max(inputs, 1) : readout->tile;
  t.tiles = bitline_max(1, (inputs + t.tile - 1) / t.tile);
  t.tile_words = (t.tile + 3) / 4;
  t.last_words = (inputs - (t.tiles - 1) * t.tile + 3) / 4;
  t.words = (t.tiles - 1) * t.tile_words + t.last_words;
  if (readout->bits == 1) {
    // Sums are whole, so that (sum + 1/2) * 4 rounds to 2 or more away from 0.
    t.limit = 1;
    t.lsb = 0.25f;
    t.inverse_lsb = 4;
    t.shift = 0.5f;
  } else if (readout->bits > 0) {
    t.limit = (float)readout->top;
    t.lsb = readout->lsb;
    const int64_t most = t.tile * 255;
    if (settle && most < 1 << 21 && inverse_is_exact(t.lsb, 1 / t.lsb, t.limit, most)) t.inverse_lsb = 1 / t.lsb;
  }
  return t;
}

/// The input at each place in the words: `order` or as they lie; -1 where a word is filled up.
BITLINE_INLINE int64_t tile_input(const tile_layout *t, const int32_t *order, int64_t place) {
  const int64_t tile = bitline_min(place / (t->tile_words * 4), t->tiles - 1), within = place - tile * t->tile_words * 4;
  const int64_t k = tile * t->tile + within;
  if (within >= t->tile || k >= t->inputs) return -1;
  return order ? order[k] : k;
}

/// Codes of i8 are computed with as u8, 128 higher; what that adds is taken off a tile's sum before it starts.
BITLINE_INLINE int64_t tile_start_bytes(const tile_layout *t, int64_t padded_filters) {
  return t->signed_codes ? (int64_t)bitline_lines(t->tiles * padded_filters * 4) : 0;
}

/// Packs `weights[filters][inputs]` as `[blocks][words][unit][4]` and the starts as `[blocks][tiles][unit]`; both are zeroed before.
static void tile_pack(
  const tile_layout *t, int64_t filters, int64_t unit, const int8_t *weights, const int32_t *order, int8_t *packed, int32_t *starts
) {
  for (int64_t f = 0; f < filters; f++) {
    const int64_t block = f / unit, lane = f % unit;
    for (int64_t place = 0; place < t->words * 4; place++) {
      const int64_t k = tile_input(t, order, place);
      if (k < 0) continue;
      const int8_t weight = weights[f * t->inputs + k];
      packed[((block * t->words + place / 4) * unit + lane) * 4 + place % 4] = weight;
      if (t->signed_codes) {
        const int64_t tile = bitline_min(place / (t->tile_words * 4), t->tiles - 1);
        starts[(block * t->tiles + tile) * unit + lane] -= 128 * weight;
      }
    }
  }
}

#endif
