/// The kernels on tensors in blocks of sixteen channels, at the level of the file that includes this. Beside what `rows.h` wants it defines
/// `BITLINE_BLOCK_MAX_ROWS`, `BITLINE_BLOCK_CASES_1` and `_2` and `_4` (the rows of a block of so many vecs) and `BITLINE_MULTIPLY_ADD`.
#pragma STDC FP_CONTRACT OFF
#include "blocked.h"

#include "block_f32.h"
#include "block_channels_f32.h"
#include "winograd_f32.h"

#define BITLINE_BLOCK(name, vecs_of, inner_of, cases)                                   \
  static BITLINE_TARGET void BITLINE_LEVEL(name)(const block_f32_args *g) {             \
    enum { BITLINE_BLOCK_VECS = vecs_of, BITLINE_BLOCK_INNER = inner_of };              \
    switch (g->rows) { cases }                                                          \
  }
BITLINE_BLOCK(block_f32_1x16, 1, 16, BITLINE_BLOCK_CASES_1)
BITLINE_BLOCK(block_f32_1x1, 1, 1, BITLINE_BLOCK_CASES_1)
#ifdef BITLINE_BLOCK_CASES_2
BITLINE_BLOCK(block_f32_2x16, 2, 16, BITLINE_BLOCK_CASES_2)
BITLINE_BLOCK(block_f32_2x1, 2, 1, BITLINE_BLOCK_CASES_2)
BITLINE_BLOCK(block_f32_4x16, 4, 16, BITLINE_BLOCK_CASES_4)
BITLINE_BLOCK(block_f32_4x1, 4, 1, BITLINE_BLOCK_CASES_4)
#endif

static void BITLINE_LEVEL(block_f32)(const block_f32_args *g) {
#ifdef BITLINE_BLOCK_CASES_2
  if (g->vecs == 2) return g->inner == 16 ? BITLINE_LEVEL(block_f32_2x16)(g) : BITLINE_LEVEL(block_f32_2x1)(g);
  if (g->vecs == 4) return g->inner == 16 ? BITLINE_LEVEL(block_f32_4x16)(g) : BITLINE_LEVEL(block_f32_4x1)(g);
#endif
  if (g->inner == 16) BITLINE_LEVEL(block_f32_1x16)(g);
  else BITLINE_LEVEL(block_f32_1x1)(g);
}

static BITLINE_TARGET void BITLINE_LEVEL(winograd_input_f32)(
  const winograd_tiles *t, int64_t first, int64_t count, const float *x, int64_t sample, float *to, int64_t position
) {
  if (t->size == 4) winograd_input_tiles(t, 4, first, count, x, sample, to, position);
  else winograd_input_tiles(t, 2, first, count, x, sample, to, position);
}

static BITLINE_TARGET void BITLINE_LEVEL(winograd_output_f32)(
  const winograd_tiles *t, int64_t first, int64_t count, const float *from, int64_t position, int64_t row, const float *bias,
  const float *add, bitline_activation activation, float *y, int64_t sample
) {
  if (t->size == 4) winograd_output_tiles(t, 4, first, count, from, position, row, bias, add, activation, y, sample);
  else winograd_output_tiles(t, 2, first, count, from, position, row, bias, add, activation, y, sample);
}

static BITLINE_TARGET void BITLINE_LEVEL(block_channels_f32)(int64_t channels, int64_t positions, const float *x, float *y) {
  block_channels_f32_body(channels, positions, x, y);
}

static BITLINE_TARGET void BITLINE_LEVEL(unblock_channels_f32)(int64_t channels, int64_t positions, const float *x, float *y) {
  unblock_channels_f32_body(channels, positions, x, y);
}

/// The fields of a table that every level fills alike.
#define BITLINE_BLOCKED                                                                                                          \
  .block_f32 = BITLINE_LEVEL(block_f32), .winograd_input_f32 = BITLINE_LEVEL(winograd_input_f32),                               \
  .winograd_output_f32 = BITLINE_LEVEL(winograd_output_f32), .block_channels_f32 = BITLINE_LEVEL(block_channels_f32),           \
  .unblock_channels_f32 = BITLINE_LEVEL(unblock_channels_f32)
