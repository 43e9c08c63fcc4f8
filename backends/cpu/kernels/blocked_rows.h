/// The kernels on tensors in blocks of sixteen channels, at the level of the file that includes this. Beside what `rows.h` wants it defines
/// `BITLINE_BLOCK_MAX_ROWS`, `BITLINE_BLOCK_CASES_1` and `_2` and `_4` (the rows of a block of so many vecs), the same of
/// `BITLINE_BLOCK_WORDS_CASES`, `BITLINE_MULTIPLY_ADD`, `BITLINE_DOT4` (u8 x i8), `BITLINE_DOT4_SMALL` (weights of at most 9),
/// `BITLINE_DOT2` (i16 x i16),
/// `BITLINE_SMALL_APART` where that is another way, and `BITLINE_BITS16` (a bit for each lane of a comparison), and where
/// there is one `BITLINE_TRANSPOSE_WORDS` (of four times sixteen bytes to sixteen times four). A level with a way of its own to multiply
/// bytes names the header that has it as `BITLINE_BLOCK_BYTES`, instead of the first two. What may be given too: `BITLINE_CODE_PRODUCTS` (of
/// a depthwise layer's codes, less their zero, with weights), `BITLINE_PEAK_STEP` (one multiply-add in measuring the peak), and if registers
/// are fewer or smaller `BITLINE_DEPTHWISE_COLUMNS` and `BITLINE_PEAK_CHAINS`, sums of sixteen lanes at once in these two.
#pragma STDC FP_CONTRACT OFF
#include "blocked.h"

#ifndef BITLINE_CODE_PRODUCTS
#define BITLINE_CODE_PRODUCTS(sum, codes, zeros, weights) BITLINE_DOT2(sum, __builtin_convertvector(codes, v16i) - (zeros), weights)
#endif
#ifndef BITLINE_DEPTHWISE_COLUMNS
#define BITLINE_DEPTHWISE_COLUMNS 8
#endif
#ifndef BITLINE_PEAK_CHAINS
#define BITLINE_PEAK_CHAINS 12
#endif
#ifndef BITLINE_PEAK_STEP
#define BITLINE_PEAK_STEP(sum, by, plus) BITLINE_MULTIPLY_ADD(sum, by, plus)
#endif

#include "block_f32.h"
#include "block_bf16.h"
#include "block_channels_f32.h"
#include "finish_i32.h"
#include "finish_sums.h"
#include "pool_blocked_f32.h"
#include "depthwise_blocked_f32.h"
#include "elementary_f32.h"
#include "winograd_f32.h"
#include "requantize_i32.h"
#include "block_words.h"
#include "depthwise_i8.h"
#include "dense_i8.h"
#include "dense_few_f32.h"
#include "rows_codes.h"
#include "pack_bits.h"
#include "winograd_u8.h"
#include "winograd_i16.h"

#define BITLINE_BLOCK(name, vecs_of, inner_of, step_of, half_of, derived_of, cases)                      \
  static BITLINE_TARGET void BITLINE_LEVEL(name)(const block_f32_args *g) {                              \
    enum { BITLINE_BLOCK_VECS = vecs_of, BITLINE_BLOCK_INNER = inner_of, BITLINE_BLOCK_STEP = step_of }; \
    enum { BITLINE_BLOCK_HALF = half_of, BITLINE_BLOCK_DERIVED = derived_of };                           \
    switch (g->rows) { cases }                                                                           \
  }
/// Three functions for four channels of sixteen and one for each step of plain tensors.
#define BITLINE_BLOCKS(name, vecs_of, cases)                                            \
  BITLINE_BLOCK(name##_x4, vecs_of, 4, 16, 0, 0, cases)                                 \
  BITLINE_BLOCK(name##_x4_less, vecs_of, 4, 16, 0, 1, cases)                            \
  BITLINE_BLOCK(name##_x4_less_times, vecs_of, 4, 16, 0, 2, cases)                      \
  BITLINE_BLOCK(name##_x1, vecs_of, 1, 1, 0, 0, cases)                                  \
  BITLINE_BLOCK(name##_x1_by_2, vecs_of, 1, 2, 0, 0, cases)                             \
  static void BITLINE_LEVEL(name)(const block_f32_args *g) {                            \
    if (g->times == -1) BITLINE_LEVEL(name##_x4_less)(g);                               \
    else if (g->times != 0) BITLINE_LEVEL(name##_x4_less_times)(g);                     \
    else if (g->inner == 4) BITLINE_LEVEL(name##_x4)(g);                                \
    else if (g->step == 2) BITLINE_LEVEL(name##_x1_by_2)(g);                            \
    else BITLINE_LEVEL(name##_x1)(g);                                                   \
  }
BITLINE_BLOCKS(block_f32_1, 1, BITLINE_BLOCK_CASES_1)
BITLINE_BLOCK(block_f32_1_half, 1, 4, 16, 1, 0, BITLINE_BLOCK_CASES_1)
#ifdef BITLINE_BLOCK_CASES_2
BITLINE_BLOCKS(block_f32_2, 2, BITLINE_BLOCK_CASES_2)
BITLINE_BLOCK(block_f32_2_half, 2, 4, 16, 1, 0, BITLINE_BLOCK_CASES_2)
BITLINE_BLOCKS(block_f32_4, 4, BITLINE_BLOCK_CASES_4)
#endif

static void BITLINE_LEVEL(block_f32)(const block_f32_args *g) {
#ifdef BITLINE_BLOCK_CASES_2
  if (g->vecs == 2) return g->half ? BITLINE_LEVEL(block_f32_2_half)(g) : BITLINE_LEVEL(block_f32_2)(g);
  if (g->vecs == 4) return BITLINE_LEVEL(block_f32_4)(g);
#endif
  if (g->half) BITLINE_LEVEL(block_f32_1_half)(g);
  else BITLINE_LEVEL(block_f32_1)(g);
}

#undef BITLINE_BLOCK_CASE
#define BITLINE_BLOCK_CASE(rows) \
  case rows: BITLINE_BLOCK_BODY(g, rows, BITLINE_BLOCK_VECS, BITLINE_BLOCK_WORD_COUNT, BITLINE_BLOCK_STEP); return;
#define BITLINE_BLOCK_BF16(name, TARGET, vecs_of, words_of, step_of, cases)                                                   \
  static TARGET void name(const block_bf16_args *g) {                                                                         \
    enum { BITLINE_BLOCK_VECS = vecs_of, BITLINE_BLOCK_WORD_COUNT = words_of, BITLINE_BLOCK_STEP = step_of };                 \
    switch (g->rows) { cases }                                                                                                \
  }
/// One function for two words of sixteen channels and one for each step of plain tensors.
#define BITLINE_BLOCKS_BF16(name, TARGET, vecs_of, cases)                                                                     \
  BITLINE_BLOCK_BF16(name##_x2, TARGET, vecs_of, 2, 16, cases)                                                                \
  BITLINE_BLOCK_BF16(name##_x1, TARGET, vecs_of, 1, 1, cases)                                                                 \
  BITLINE_BLOCK_BF16(name##_x1_by_2, TARGET, vecs_of, 1, 2, cases)                                                            \
  static void name(const block_bf16_args *g) {                                                                                \
    if (g->words == 2) name##_x2(g);                                                                                          \
    else if (g->step == 2) name##_x1_by_2(g);                                                                                 \
    else name##_x1(g);                                                                                                        \
  }
#ifdef BITLINE_BLOCK_CASES_2
#define BITLINE_ALL_BLOCKS_BF16(name, TARGET)                                                                                 \
  BITLINE_BLOCKS_BF16(name##_1, TARGET, 1, BITLINE_BLOCK_CASES_1)                                                             \
  BITLINE_BLOCKS_BF16(name##_2, TARGET, 2, BITLINE_BLOCK_CASES_2)                                                             \
  BITLINE_BLOCKS_BF16(name##_4, TARGET, 4, BITLINE_BLOCK_CASES_4)                                                             \
  static void name(const block_bf16_args *g) {                                                                                \
    if (g->vecs == 2) name##_2(g);                                                                                            \
    else if (g->vecs == 4) name##_4(g);                                                                                       \
    else name##_1(g);                                                                                                         \
  }
#else
#define BITLINE_ALL_BLOCKS_BF16(name, TARGET) BITLINE_BLOCKS_BF16(name, TARGET, 1, BITLINE_BLOCK_CASES_1)
#endif
BITLINE_BLOCK_BF16_ROWS(block_bf16_rows, BITLINE_TARGET, BITLINE_LEVEL(dot2_bf16))
#define BITLINE_BLOCK_BODY block_bf16_rows
BITLINE_ALL_BLOCKS_BF16(block_bf16, BITLINE_TARGET)
#undef BITLINE_BLOCK_BODY

static BITLINE_TARGET void BITLINE_LEVEL(round_bf16)(int64_t count, const float *x, uint16_t *y) { round_bf16_body(count, x, y); }

#define BITLINE_BLOCK_OF_WORDS(name, vecs_of, words_of, cases)                          \
  static BITLINE_TARGET void BITLINE_LEVEL(name)(const block_words_args *g) {           \
    enum { BITLINE_BLOCK_VECS = vecs_of, BITLINE_BLOCK_WORD_COUNT = words_of };         \
    switch (g->rows) { cases }                                                          \
  }
/// One function for every extent in vecs.
#ifdef BITLINE_BLOCK_WORDS_CASES_2
#define BITLINE_BLOCKS_OF_WORDS(name, words_of)                                         \
  BITLINE_BLOCK_OF_WORDS(name##_1, 1, words_of, BITLINE_BLOCK_WORDS_CASES_1)            \
  BITLINE_BLOCK_OF_WORDS(name##_2, 2, words_of, BITLINE_BLOCK_WORDS_CASES_2)            \
  BITLINE_BLOCK_OF_WORDS(name##_4, 4, words_of, BITLINE_BLOCK_WORDS_CASES_4)            \
  static void BITLINE_LEVEL(name)(const block_words_args *g) {                          \
    if (g->vecs == 2) BITLINE_LEVEL(name##_2)(g);                                       \
    else if (g->vecs == 4) BITLINE_LEVEL(name##_4)(g);                                  \
    else BITLINE_LEVEL(name##_1)(g);                                                    \
  }
#else
#define BITLINE_BLOCKS_OF_WORDS(name, words_of) BITLINE_BLOCK_OF_WORDS(name, 1, words_of, BITLINE_BLOCK_WORDS_CASES_1)
#endif

#define BITLINE_BLOCK_BODY block_small_rows
BITLINE_BLOCKS_OF_WORDS(block_small, 4)
#undef BITLINE_BLOCK_BODY
#ifdef BITLINE_SMALL_APART
#define BITLINE_BLOCK_BODY block_i8_sums_rows
BITLINE_BLOCKS_OF_WORDS(block_i8_sums, 4)
#undef BITLINE_BLOCK_BODY
#else
/// Small weights are multiplied as all are.
static void BITLINE_LEVEL(block_i8_sums)(const block_words_args *g) { BITLINE_LEVEL(block_small)(g); }
#endif
#define BITLINE_BLOCK_BODY block_i8_rows
BITLINE_BLOCKS_OF_WORDS(block_i8, 4)
BITLINE_BLOCKS_OF_WORDS(block_i8_word, 1)
#undef BITLINE_BLOCK_BODY
#define BITLINE_BLOCK_BODY block_i16_rows
BITLINE_BLOCKS_OF_WORDS(block_i16, 8)
#undef BITLINE_BLOCK_BODY

static BITLINE_TARGET void BITLINE_LEVEL(block_i8_few)(const block_words_args *g) {
  if (g->few <= 4) block_i8_few_words(g, 4);
  else if (g->few <= 6) block_i8_few_words(g, 6);
  else block_i8_few_words(g, BITLINE_FEW_WORDS);
}

static BITLINE_TARGET int BITLINE_LEVEL(requantize_rows)(
  const requantize_lanes *lanes, const int32_t *sums, int64_t stride, int64_t rows, uint8_t *y, uint16_t *doubts
) {
  return requantize_rows_body(lanes, sums, stride, rows, y, doubts);
}

static BITLINE_TARGET double BITLINE_LEVEL(dequantized_dot)(const dequantized_dot_args *args) { return dequantized_dot_body(args); }

static BITLINE_TARGET void BITLINE_LEVEL(winograd_input_i16)(
  const winograd_tiles *t, int64_t first, int64_t count, const uint8_t *x, int64_t sample, uint8_t flip, int32_t zero, int16_t *to,
  int64_t position
) {
  winograd_input_i16_tiles(t, first, count, x, sample, flip, zero, to, position);
}

static BITLINE_TARGET int BITLINE_LEVEL(winograd_output_i16)(
  const winograd_tiles *t, int64_t first, int64_t count, const int32_t *from, int64_t position, int64_t row,
  const requantize_lanes *lanes, uint8_t *y, int64_t sample, uint16_t *doubts
) {
  return winograd_output_i16_tiles(t, first, count, from, position, row, lanes, y, sample, doubts);
}

static BITLINE_TARGET void BITLINE_LEVEL(depthwise_i8)(
  const bitline_conv_shape *s, const uint8_t *x, uint8_t flip, int32_t zero, const int32_t *w, int64_t row, int32_t *sums
) {
  depthwise_i8_row(s, x, flip, zero, w, row, sums);
}

#ifdef BITLINE_TRANSPOSE_WORDS
static BITLINE_TARGET int BITLINE_LEVEL(depthwise_i8_words)(
  const uint8_t *x, int64_t x_row, int64_t stride, int64_t height, int64_t width, const int8_t *w, const int32_t *start, int64_t columns,
  const requantize_lanes *lanes, uint8_t *y, uint16_t *doubts
) {
  return depthwise_i8_words_body(x, x_row, stride, height, width, w, start, columns, lanes, y, doubts);
}
#else
#define depthwise_i8_words_avx2 0
#define depthwise_i8_words_portable 0
#define depthwise_i8_words_neon 0
#endif

static BITLINE_TARGET void BITLINE_LEVEL(dense_i8)(
  const uint8_t *x, int64_t x_row, int64_t words, int rows, const int8_t *w, const int32_t *start, int32_t *sums
) {
  switch (rows) {
  case 1: dense_i8_rows(x, x_row, words, 1, w, start, sums); break;
  case 2: dense_i8_rows(x, x_row, words, 2, w, start, sums); break;
  case 3: dense_i8_rows(x, x_row, words, 3, w, start, sums); break;
  default: dense_i8_rows(x, x_row, words, 4, w, start, sums);
  }
}

static BITLINE_TARGET void BITLINE_LEVEL(dense_few_f32)(const float *x, int64_t inputs, const float *w, int filters, float *sums) {
  switch (filters) {
  case 1: dense_few_f32_rows(x, inputs, w, 1, sums); break;
  case 2: dense_few_f32_rows(x, inputs, w, 2, sums); break;
  case 3: dense_few_f32_rows(x, inputs, w, 3, sums); break;
  default: dense_few_f32_rows(x, inputs, w, 4, sums);
  }
}

static BITLINE_TARGET void BITLINE_LEVEL(add_codes)(
  const bitline_add_codes_plan *p, int64_t count, const uint8_t *a, const uint8_t *b, uint8_t *y
) {
  add_codes_body(p, count, a, b, y);
}

static BITLINE_TARGET void BITLINE_LEVEL(mean_codes)(
  const bitline_mean_codes_plan *p, int64_t blocks, int64_t positions, const uint8_t *x, uint8_t *y
) {
  mean_codes_body(p, blocks, positions, x, y);
}

static BITLINE_TARGET void BITLINE_LEVEL(finish_sums)(
  const bitline_sums_finish *finish, int64_t filter, int lanes, const int32_t *sums, int64_t stride, int64_t rows, void *y, int64_t y_row,
  int fills
) {
  finish_sums_body(finish, filter, lanes, sums, stride, rows, y, y_row, fills);
}

static BITLINE_TARGET float BITLINE_LEVEL(extreme_f32)(int least, int64_t count, const float *x) {
  return least ? extreme_f32_body(1, count, x) : extreme_f32_body(0, count, x);
}

static BITLINE_TARGET void BITLINE_LEVEL(finish_rows)(
  const bitline_finish *f, const int32_t *sums, int64_t stride, int64_t rows, const float *m, const float *c, void *y
) {
  finish_rows_body(f, sums, stride, rows, m, c, y);
}

static BITLINE_TARGET void BITLINE_LEVEL(winograd_input_u8)(
  const winograd_tiles *t, int64_t first, int64_t count, const uint8_t *x, int64_t sample, uint8_t *to, int64_t position,
  const uint8_t *offsets
) {
  winograd_input_u8_tiles(t, first, count, x, sample, to, position, offsets);
}

static BITLINE_TARGET void BITLINE_LEVEL(winograd_output_i32)(
  const winograd_tiles *t, int64_t first, int64_t count, const int32_t *from, int64_t position, int64_t row, const bitline_finish *finish,
  const float *m, const float *c, void *y, int64_t sample
) {
  winograd_output_i32_tiles(t, first, count, from, position, row, finish, m, c, y, sample);
}

static BITLINE_TARGET void BITLINE_LEVEL(pool_max_blocked_u8)(
  const bitline_conv_shape *s, int64_t planes, const uint8_t *x, uint8_t *y, int flip
) {
  pool_max_blocked_u8_body(s, planes, x, y, flip);
}

static BITLINE_TARGET int BITLINE_LEVEL(pack_bits)(
  const float *from, const float *to, uint16_t flips, int64_t positions, const float *x, uint8_t *y, int64_t row
) {
  return pack_bits_body(from, to, flips, positions, x, y, row);
}

static BITLINE_TARGET void BITLINE_LEVEL(winograd_input_f32)(
  const winograd_grid *g, int64_t samples, int64_t first, int64_t count, int row_phase, int column_phase, const float *x, int64_t sample,
  float *to, int64_t position
) {
  winograd_input_tiles(g, samples, first, count, row_phase, column_phase, x, sample, to, position);
}

static BITLINE_TARGET void BITLINE_LEVEL(winograd_output_f32)(
  const winograd_grid *g, int64_t samples, int64_t first, int64_t count, const float *from, int64_t position, int64_t row,
  const float *bias, const float *add, bitline_activation activation, float *y, int64_t sample
) {
  winograd_output_tiles(g, samples, first, count, from, position, row, bias, add, activation, y, sample);
}

static BITLINE_TARGET void BITLINE_LEVEL(winograd_few_f32)(const winograd_few_args *args) { winograd_few_tiles(args); }

static BITLINE_TARGET void BITLINE_LEVEL(block_channels_f32)(int64_t channels, int64_t positions, const float *x, float *y) {
  block_channels_f32_body(channels, positions, x, y);
}

static BITLINE_TARGET void BITLINE_LEVEL(unblock_channels_f32)(int64_t channels, int64_t positions, const float *x, float *y) {
  unblock_channels_f32_body(channels, positions, x, y);
}

static BITLINE_TARGET void BITLINE_LEVEL(pool_max_blocked_f32)(const bitline_conv_shape *s, int64_t planes, const float *x, float *y) {
  pool_max_blocked_body(s, planes, x, y);
}

static BITLINE_TARGET void BITLINE_LEVEL(pool_average_blocked_f32)(
  const bitline_conv_shape *s, int count_padding, int32_t pad_bottom, int32_t pad_right, int64_t planes, const float *x, float *y
) {
  pool_average_blocked_body(s, count_padding, pad_bottom, pad_right, planes, x, y);
}

static BITLINE_TARGET void BITLINE_LEVEL(depthwise_blocked_f32)(
  const bitline_conv_shape *s, const float *x, const float *w, const float *bias, bitline_activation activation, float *y
) {
  depthwise_blocked_body(s, x, w, bias, activation, y);
}

static BITLINE_TARGET void BITLINE_LEVEL(elementary_f32)(bitline_elementary kind, int64_t count, const float *x, float *y) {
  switch (kind) {
  case BITLINE_ELEMENTARY_EXP: elementary_f32_body(BITLINE_ELEMENTARY_EXP, count, x, y); break;
  case BITLINE_ELEMENTARY_SIGMOID: elementary_f32_body(BITLINE_ELEMENTARY_SIGMOID, count, x, y); break;
  case BITLINE_ELEMENTARY_TANH: elementary_f32_body(BITLINE_ELEMENTARY_TANH, count, x, y); break;
  }
}

static BITLINE_TARGET void BITLINE_LEVEL(softmax_f32)(int64_t outer, int64_t length, int64_t inner, const float *x, float *y) {
  softmax_f32_body(outer, length, inner, x, y);
}

/// `rounds` times twelve multiply-adds of sixteen lanes, as many at once as wait for nothing.
static BITLINE_TARGET float BITLINE_LEVEL(multiply_adds_f32)(int64_t rounds, float by, float plus) {
  enum { CHAINS = BITLINE_PEAK_CHAINS };
  v16f sum[CHAINS];
  for (int i = 0; i < CHAINS; i++) sum[i] = SPLAT16((float)i);
  for (int64_t r = 0; r < rounds * 12 / CHAINS; r++) {
    for (int i = 0; i < CHAINS; i++) sum[i] = BITLINE_PEAK_STEP(sum[i], SPLAT16(by), SPLAT16(plus));
  }
  for (int i = 1; i < CHAINS; i++) sum[0] += sum[i];
  return sum[0][0] + sum[0][15];
}

/// The fields of a table that every level fills alike.
#define BITLINE_BLOCKED                                                                                                          \
  .block_bf16 = block_bf16, .round_bf16 = BITLINE_LEVEL(round_bf16),                                              \
  .block_f32 = BITLINE_LEVEL(block_f32), .winograd_input_f32 = BITLINE_LEVEL(winograd_input_f32),                               \
  .winograd_output_f32 = BITLINE_LEVEL(winograd_output_f32), .winograd_few_f32 = BITLINE_LEVEL(winograd_few_f32),               \
  .block_channels_f32 = BITLINE_LEVEL(block_channels_f32),                                                                      \
  .unblock_channels_f32 = BITLINE_LEVEL(unblock_channels_f32), .pool_max_blocked_f32 = BITLINE_LEVEL(pool_max_blocked_f32),     \
  .pool_average_blocked_f32 = BITLINE_LEVEL(pool_average_blocked_f32), .multiply_adds_f32 = BITLINE_LEVEL(multiply_adds_f32),    \
  .depthwise_blocked_f32 = BITLINE_LEVEL(depthwise_blocked_f32), .elementary_f32 = BITLINE_LEVEL(elementary_f32),               \
  .softmax_f32 = BITLINE_LEVEL(softmax_f32), .block_small = BITLINE_LEVEL(block_small), .block_i8 = BITLINE_LEVEL(block_i8),              \
  .block_i8_word = BITLINE_LEVEL(block_i8_word), .block_i16 = BITLINE_LEVEL(block_i16),                                               \
  .block_i8_few = BITLINE_LEVEL(block_i8_few), .requantize_rows = BITLINE_LEVEL(requantize_rows), .dequantized_dot = BITLINE_LEVEL(dequantized_dot),                         \
  .winograd_input_i16 = BITLINE_LEVEL(winograd_input_i16), .winograd_output_i16 = BITLINE_LEVEL(winograd_output_i16),           \
  .depthwise_i8 = BITLINE_LEVEL(depthwise_i8), .depthwise_i8_words = BITLINE_LEVEL(depthwise_i8_words),                         \
  .dense_i8 = BITLINE_LEVEL(dense_i8), .add_codes = BITLINE_LEVEL(add_codes),                                                   \
  .mean_codes = BITLINE_LEVEL(mean_codes), .block_i8_sums = BITLINE_LEVEL(block_i8_sums),                                       \
  .finish_sums = BITLINE_LEVEL(finish_sums), .extreme_f32 = BITLINE_LEVEL(extreme_f32), .finish_rows = BITLINE_LEVEL(finish_rows),                                           \
  .winograd_input_u8 = BITLINE_LEVEL(winograd_input_u8), .winograd_output_i32 = BITLINE_LEVEL(winograd_output_i32),              \
  .pool_max_blocked_u8 = BITLINE_LEVEL(pool_max_blocked_u8), .pack_bits = BITLINE_LEVEL(pack_bits),              \
  .dense_few_f32 = BITLINE_LEVEL(dense_few_f32)
