/// What a level provides, and the arguments of its kernels. Not public.
#ifndef BITLINE_TABLE_H
#define BITLINE_TABLE_H

#include <string.h>

#include "bitline_kernels.h"
#include "winograd_shapes.h"

#define BITLINE_INLINE static inline __attribute__((always_inline))
#if defined(__x86_64__)
#define BITLINE_X86 1
#define BITLINE_TARGET_AVX2 __attribute__((target("avx2,fma")))
#define BITLINE_TARGET_AVX512 \
  __attribute__((target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vnni,avx512vpopcntdq"), min_vector_width(512)))
#endif
#if defined(__aarch64__)
#define BITLINE_ARM 1
#define BITLINE_TARGET_NEON __attribute__((target("dotprod")))
#endif

/// The largest blocks of any level, for buffers on the stack.
enum { BITLINE_MAX_ROWS = 8, BITLINE_MAX_COLS = 32 };

/// c[rows][cols] = activation(start + a * b), in one pass over `k`, one multiply-add a step, in order.
/// `b` is `[k][table cols]`. `a` is `[k][table rows]` for packed rows, and `a[row * a_stride + k]` for strided rows.
typedef struct gemm_f32_args {
  const float *a;
  int64_t a_stride;
  const float *b;
  float *c;
  int64_t c_stride;
  int64_t k;
  /// What sums start from: one for each row (packed rows) or column (strided rows); null: from `c`.
  const float *start;
  bitline_activation activation;
  int rows, cols;
} gemm_f32_args;

/// c[rows][cols] = activation(a * b + bias), sums in f64 in order of `k`. `b` is `[k][table f32_cols]`, `a[row * a_stride + k]`.
typedef struct gemm_f32_f64_args {
  const float *a;
  int64_t a_stride;
  const float *b;
  /// The same as f64, for `gemm_f64`.
  const double *wide_a, *wide_b;
  float *c;
  int64_t c_stride;
  int64_t k;
  /// One for each row, or for each of as many columns as a block has.
  const float *bias;
  int bias_by_row;
  bitline_activation activation;
  int rows, cols;
} gemm_f32_f64_args;

/// Two runs of neighbouring results in one pass over all taps, read where they lie: for layers of few filters, which gathering would rule.
///
/// c[row][run] = activation(start[row] + sum over k of a[k][row] * source[run][taps[k] + column]), in order of k.
typedef struct taps_f32_args {
  /// `[k][table rows]`
  const float *a;
  const int32_t *taps;
  int64_t k;
  /// Where runs read; as many elements as a run may have are read, whatever its length.
  const float *source[2];
  float *c[2];
  int64_t c_stride;
  const float *start;
  bitline_activation activation;
  int rows;
  /// Columns in each run, at most half the table's; the second may be 0.
  int cols[2];
} taps_f32_args;

/// c[rows][cols] = sum over tiles of readout(start of the tile + codes * weights); `k` is counted in words of four.
///
/// For codes in columns, `b` is codes `[words][table cols][4]` and `a` weights `[words][table rows][4]`.
/// For weights in columns, `b` is weights `[words][table cols][4]` and `a` codes, row `r` at `a + r * a_stride`.
typedef struct gemm_u8b_args {
  const uint8_t *a;
  int64_t a_stride;
  const uint8_t *b;
  int32_t *c;
  int64_t c_stride;
  /// Tiles, words in each, and words in the last.
  int64_t tiles, tile_words, last_words;
  /// What a tile's sum starts from, `[tiles][table rows]` or `[tiles][table cols]`; null: 0.
  const int32_t *start;
  /// 0: exact. Otherwise quotients are clamped to +-limit.
  float limit;
  float lsb;
  /// 1 / lsb where multiplying gives the same readout for every sum that can occur, else 0.
  float inverse_lsb;
  /// Added to sums before they are divided; 0 but for comparators.
  float shift;
  int rows, cols;
} gemm_u8b_args;

/// Inputs of a window that are looked up together: at most sixty-four, of one tile.
typedef struct lookup_chunk {
  /// How they are gathered: which of the gathers, and how many.
  int32_t first, gathers;
  /// Sixteen inputs each.
  int32_t tables;
  /// Whether the tile ends here.
  int32_t ends;
} lookup_chunk;

/// Inputs of a chunk out of sixty-four bytes that lie `offset` behind where the window starts: those in the mask.
typedef struct lookup_gather {
  int64_t offset;
  uint64_t mask;
} lookup_gather;

/// sums[vec][position][16] = sum over tiles of readout(start of the tile + codes * weights), at four positions, each vec being sixteen filters.
///
/// Input `16 * l + 4 * t + i` of a chunk is one of four in lane `l` of table `t`. A table has the sums of all selections of four codes, which
/// must fit a byte; a weight byte names the lane, and by a bit for each input what is selected: the inputs with weights of 1.
typedef struct lookup_u8b_args {
  const uint8_t *x[4];
  const lookup_chunk *list;
  const lookup_gather *gathers;
  /// For each gather, the byte that each input is.
  const uint8_t *bytes;
  /// For each chunk `[vecs][tables][16][4]`.
  const uint8_t *w;
  /// What tiles start from, `[tiles][vecs][16]` if `lifted`, else `[vecs][16]` for each.
  const int32_t *start;
  int64_t chunks, tiles, vecs;
  int32_t lifted;
  /// The sums themselves, of one tile.
  int32_t exact;
  /// Quotients are rounded, and where they are `bounded` end at +-limit. They are `sum * inverse_lsb + offset`, rounded once, or if
  /// `inverse_lsb` is 0 `sum / lsb`; `offset` is 1.5 * 2^23, and for comparators 1 more.
  int32_t bounded;
  float limit, lsb, inverse_lsb, offset;
  /// `[vecs][4][16]` both.
  int32_t *partial, *sums;
} lookup_u8b_args;

/// A product of a tile from few channels: where its weights begin, in channels of them, and the channels of a transformed input.
typedef struct winograd_few_product {
  int32_t weights, channel, channels;
} winograd_few_product;

/// Whole tiles of 6 x 6 numbers to results, for one block of filters.
typedef struct winograd_few_args {
  const winograd_grid *grid;
  /// How many whole tiles are before the first, and how many these are.
  int64_t first, count;
  /// Transformed inputs: from a tile to the next sixteen channels, from a number to the next so many floats.
  const float *input;
  int64_t input_position;
  const winograd_few_product *products;
  /// Weights, and from a channel of them to the next.
  const float *w;
  int64_t w_row;
  const float *bias, *add;
  bitline_activation activation;
  float *y;
} winograd_few_args;

/// A block of positions x filters of a convolution on tensors in blocks of sixteen channels (`blocked.h`).
///
/// y[row][vec] = activation(bias[vec] + sum over taps of x[taps[tap] + row * step + i] * w[tap][i][vec] + add[row][vec]), each vec being
/// sixteen filters.
typedef struct block_f32_args {
  const float *x;
  const int32_t *taps;
  int64_t tap_count;
  /// `[tap_count][inner][vecs][16]`
  const float *w;
  /// `[vecs][16]`; null: 0.
  const float *bias;
  /// Null, or laid out as `y`.
  const float *add;
  float *y;
  /// From a row, and from a vec, to the next.
  int64_t y_row, y_vec;
  bitline_activation activation;
  /// `vecs` is 1, 2 or 4, as far as the table has rows for it; `inner` is 4 and `step` 16, or `inner` is 1 and `step` 1 or 2.
  int rows, vecs, inner, step;
  /// Whether the last vec, of one or two, has no more than eight filters.
  int half;
  /// Unless `times` is 0, for inputs in blocks: weights are w[i] - w[i + less] + times * w[i + more].
  int64_t less, more;
  float times;
  /// So many lines for each tap, which a later call will read, are fetched from here on.
  const float *ahead;
  int64_t ahead_lines;
} block_f32_args;

/// The same of numbers of bf16 in words of two: y[row][vec] = activation(bias[vec] + sum over taps and words of
/// x[taps[tap] + row * step + 2 * word + i] * w[tap][word][vec][filter][i] + add[row][vec]).
typedef struct block_bf16_args {
  const uint16_t *x;
  const int32_t *taps;
  int64_t tap_count;
  /// `[tap_count][words][vecs][16][2]`
  const uint16_t *w;
  /// `[vecs][16]`
  const float *bias;
  /// Null, or laid out as `y`.
  const float *add;
  float *y;
  int64_t y_row, y_vec;
  bitline_activation activation;
  /// `vecs` as in `block_f32_args`, and as many rows; `words` is 2 and `step` 16, or `words` is 1 and `step` 1 or 2.
  int rows, vecs, words, step;
  const uint16_t *ahead;
  int64_t ahead_lines;
} block_bf16_args;

/// How sixteen filters' sums become codes, unless they come too near the middle between two of them (`requantize.h`).
typedef struct requantize_lanes {
  /// `[16]`: a code as u8 is about `sum * m + c`, and sure unless farther than `near` from a whole number.
  const float *m, *c, *near;
  /// The bounds of codes as u8, and what is flipped in those to store.
  uint8_t least, most, flip;
} requantize_lanes;

/// The most words of weights that a block of few words keeps in registers, and the most rows of one.
enum { BITLINE_FEW_WORDS = 8, BITLINE_FEW_ROWS = 64 };

/// Blocks of sixteen filters that dense layers of codes take together.
enum { BITLINE_DENSE_VECS = 4 };

/// A block of positions x filters of a convolution of codes, positions of `words` words of four bytes side by side.
typedef struct block_words_args {
  const uint8_t *x;
  /// In bytes.
  const int32_t *taps;
  int64_t tap_count;
  /// `[tap_count][words][vecs][16][4 bytes]`
  const int8_t *w;
  /// `[vecs][16]`; null: 0.
  const int32_t *start;
  /// Sums `[rows][vecs][16]`, rows `y_row` apart; or where the kernel requantizes, codes `[vecs][rows][16]`, vecs `codes_vec` apart, with
  /// `[vecs]` parameters, `doubts` as in `requantize_rows`, and whether there is `any`.
  int32_t *y;
  int64_t y_row;
  const requantize_lanes *lanes;
  uint8_t *codes;
  int64_t codes_vec;
  uint16_t (*doubts)[BITLINE_FEW_ROWS + 4];
  int *any;
  /// `vecs` is 1, 2 or 4, as far as the table has rows for it.
  int rows, vecs;
  /// Words of all taps that have weights, where they are few.
  int few;
  /// So many lines for each tap, which a later call will read, are fetched from here on.
  const int8_t *ahead;
  int64_t ahead_lines;
} block_words_args;

/// Rows of bits x 16 filters of bits: how many differ (`gemm_bits.h`).
typedef struct gemm_bits_args {
  /// `[rows][words]`, and `[words][16]` aligned to 64 bytes; `words` is even.
  const uint64_t *x, *w;
  int64_t words, rows;
  /// Which limits or starts a row has: `[classes][16]`, aligned to 64 bytes.
  const int32_t *classes;
  /// Two bytes for each row, `bits_row` bytes apart, a bit for each filter, 1 where no more differ than the limit.
  /// Null: `sums[rows][16]`, each the start less twice what differs.
  uint8_t *bits;
  int64_t bits_row;
  const int64_t *limits;
  const int32_t *starts;
  int32_t *sums;
} gemm_bits_args;

/// One convolution's dot product in f64 over the numbers that codes stand for, in any order.
typedef struct dequantized_dot_args {
  /// A sample in blocks, and what is flipped in its bytes.
  const uint8_t *x;
  uint8_t flip;
  int32_t zero;
  float scale;
  /// `[blocks][kernel_height][kernel_width][16]`
  const int8_t *w;
  float w_scale;
  const bitline_conv_shape *shape;
  /// Where the window starts.
  int64_t top, left;
} dequantized_dot_args;

/// A run of neighbouring result positions: `length` columns from `column`, read from `source + tap` on.
typedef struct segment {
  int64_t source;
  int32_t column, length;
} segment;

typedef struct bitline_table {
  /// Block extents of `gemm_f32_*`, and how many steps of k a block of `b` may have to stay in the first cache.
  int f32_rows, f32_cols, f32_depth;
  void (*gemm_f32_packed_rows)(const gemm_f32_args *args);
  void (*gemm_f32_strided_rows)(const gemm_f32_args *args);
  void (*conv_f32_taps)(const taps_f32_args *args);
  /// Dot products of a row with up to four filters (`dense_few_f32.h`).
  void (*dense_few_f32)(const float *x, int64_t inputs, const float *w, int filters, float *sums);
  int u8b_rows, u8b_cols;
  void (*gemm_u8b_codes_in_columns)(const gemm_u8b_args *args);
  void (*gemm_u8b_weights_in_columns)(const gemm_u8b_args *args);
  /// Null where a level has none.
  void (*lookup_u8b)(const lookup_u8b_args *args);
  /// Fills `b[count][f32_cols]`, tap by tap; writes up to 64 bytes beyond, and reads as far unless `exact`.
  void (*pack_f32)(
    float *b, const float *source, const int32_t *taps, int64_t count, const segment *segments, int segment_count, int exact);
  /// Fills `b[words][u8b_cols][4]`, four taps a word; writes up to 64 bytes beyond, and reads as far unless `exact`.
  void (*pack_u8x4)(
    uint8_t *b, const uint8_t *source, const int32_t *taps, int64_t words, const segment *segments, int segment_count, int exact);

  /// The most rows of a block.
  int f64_rows;
  void (*gemm_f32_f64)(const gemm_f32_f64_args *args);
  void (*gemm_f64)(const gemm_f32_f64_args *args);
  void (*widen_f32_f64)(int64_t count, const float *x, double *y);
  void (*rescale)(
    int64_t outer, int64_t channels, int64_t inner, int32_t bases, const int32_t *const *sums, const float *const *scales,
    const float *offset, bitline_activation activation, float *y);
  void (*quantize_f32)(
    int64_t outer, int64_t channels, int64_t inner, const float *x, const float *scale, const int32_t *zero, int32_t lo, int32_t hi,
    uint8_t *codes);
  void (*dequantize_u8)(
    int64_t outer, int64_t channels, int64_t inner, const uint8_t *q, const float *scale, const int32_t *zero, float *y);
  void (*dequantize_i8)(int64_t outer, int64_t channels, int64_t inner, const int8_t *q, const float *scale, const int32_t *zero, float *y);
  void (*pool_max_f32)(const bitline_conv_shape *shape, int64_t planes, const float *x, float *y);
  void (*pool_max_u8)(const bitline_conv_shape *shape, int64_t planes, const uint8_t *x, uint8_t *y);
  void (*pool_max_i8)(const bitline_conv_shape *shape, int64_t planes, const int8_t *x, int8_t *y);
  void (*pool_average_f32)(
    const bitline_conv_shape *shape, int count_padding, int32_t pad_bottom, int32_t pad_right, int64_t planes, const float *x, float *y);
  void (*binary_f32)(
    bitline_binary_kind kind, int64_t outer, int64_t channels, int64_t inner, int per_channel, const float *a, const float *b, float *y);
  void (*activation_f32)(bitline_activation activation, int64_t count, const float *x, float *y);
  /// One plane of a depthwise convolution over a plane laid out as `window.h` says; reads up to 64 bytes beyond it.
  void (*depthwise_f32)(
    const float *plane, int64_t position_row, const int32_t *taps, const float *weights, int64_t tap_count, float bias,
    bitline_activation activation, int64_t out_height, int64_t out_width, float *y);
  /// The most rows of a block of 1, 2 and 4 vecs; 0 where a level has none.
  int block_f32_rows[3];
  void (*block_f32)(const block_f32_args *args);
  /// By multiplications of f32, and by the instruction for it, which the processor may lack; null where a level knows none.
  void (*block_bf16)(const block_bf16_args *args);
  void (*block_bf16_native)(const block_bf16_args *args);
  void (*round_bf16)(int64_t count, const float *x, uint16_t *y);
  /// Tiles `first..<first + count` of `samples` samples, of the channel block at `x`; `sample` is from one sample to the next. Windows begin
  /// `row_phase` and `column_phase` further than at their first tap. Writes number `p` of tile `t` as sixteen channels at
  /// `to + p * position + (t - first) * 16`.
  void (*winograd_input_f32)(
    const winograd_grid *grid, int64_t samples, int64_t first, int64_t count, int row_phase, int column_phase, const float *x,
    int64_t sample, float *to, int64_t position);
  /// The results of tiles from products at `from + p * position + (t - first) * row`, for the filter block at `y`.
  void (*winograd_output_f32)(
    const winograd_grid *grid, int64_t samples, int64_t first, int64_t count, const float *from, int64_t position, int64_t row,
    const float *bias, const float *add, bitline_activation activation, float *y, int64_t sample);
  /// Products and results of whole tiles of one sample; products stay in registers.
  void (*winograd_few_f32)(const winograd_few_args *args);
  /// `[blocks][positions][16]` from and to `[channels][positions]`; lanes without a channel become 0.
  void (*block_channels_f32)(int64_t channels, int64_t positions, const float *x, float *y);
  void (*unblock_channels_f32)(int64_t channels, int64_t positions, const float *x, float *y);
  /// Over blocks of channels; `planes` counts blocks.
  void (*pool_max_blocked_f32)(const bitline_conv_shape *shape, int64_t planes, const float *x, float *y);
  void (*pool_average_blocked_f32)(
    const bitline_conv_shape *shape, int count_padding, int32_t pad_bottom, int32_t pad_right, int64_t planes, const float *x, float *y);
  /// The most rows of a block of words of 1, 2 and 4 vecs; 0 where a level has none.
  int block_words_rows[3];
  /// How many times as long a word of i16 takes as one of i8.
  int i16_times;
  /// Codes of u8 x weights of at most 9 in magnitude, four words.
  void (*block_small)(const block_words_args *args);
  /// Codes of u8 x weights of i8, four words.
  void (*block_i8_sums)(const block_words_args *args);
  /// The same, four words, and one, to codes.
  void (*block_i8)(const block_words_args *args);
  void (*block_i8_word)(const block_words_args *args);
  /// Four words a tap, and few in all; of any extent.
  void (*block_i8_few)(const block_words_args *args);
  /// Numbers of i16 on both sides, eight words.
  void (*block_i16)(const block_words_args *args);
  /// Rows of sixteen sums, `stride` apart, to codes that neighbour each other; `doubts[row]` has a bit for each lane that is not sure.
  /// Returns whether any is not.
  int (*requantize_rows)(
    const requantize_lanes *lanes, const int32_t *sums, int64_t stride, int64_t rows, uint8_t *y, uint16_t *doubts);
  double (*dequantized_dot)(const dequantized_dot_args *args);
  /// Tiles of F(4x4, 3x3) of codes less `zero`, as i16, and from sums of products to codes; `doubts[tile][16]` as in `requantize_rows`.
  void (*winograd_input_i16)(
    const winograd_tiles *tiles, int64_t first, int64_t count, const uint8_t *x, int64_t sample, uint8_t flip, int32_t zero, int16_t *to,
    int64_t position);
  int (*winograd_output_i16)(
    const winograd_tiles *tiles, int64_t first, int64_t count, const int32_t *from, int64_t position, int64_t row,
    const requantize_lanes *lanes, uint8_t *y, int64_t sample, uint16_t *doubts);
  /// Sums of a row of results of one block of channels (`depthwise_i8.c`).
  void (*depthwise_i8)(
    const bitline_conv_shape *shape, const uint8_t *x, uint8_t flip, int32_t zero, const int32_t *w, int64_t row, int32_t *sums);
  /// The same from a plane with room around it, by words of four columns, and on to codes as `requantize_rows` does; null where a level has
  /// no way to make such words.
  int (*depthwise_i8_words)(
    const uint8_t *x, int64_t x_row, int64_t stride, int64_t height, int64_t width, const int8_t *w, const int32_t *start, int64_t columns,
    const requantize_lanes *lanes, uint8_t *y, uint16_t *doubts);
  /// Up to four rows of codes x `vecs` x 16 filters (`dense_i8.c`).
  void (*dense_i8)(const uint8_t *x, int64_t x_row, int64_t words, int rows, const int8_t *w, const int32_t *start, int32_t *sums);
  /// As `bitline_add_codes` and `bitline_mean_codes` do.
  void (*add_codes)(const bitline_add_codes_plan *plan, int64_t count, const uint8_t *a, const uint8_t *b, uint8_t *y);
  void (*mean_codes)(const bitline_mean_codes_plan *plan, int64_t blocks, int64_t positions, const uint8_t *x, uint8_t *y);
  /// As in `finish_sums.h`.
  void (*finish_sums)(
    const bitline_sums_finish *finish, int64_t filter, int lanes, const int32_t *sums, int64_t stride, int64_t rows, void *y, int64_t y_row,
    int fills);
  float (*extreme_f32)(int least, int64_t count, const float *x);
  /// Rows of sixteen sums, `stride` apart, to finished results that neighbour each other.
  void (*finish_rows)(
    const bitline_finish *finish, const int32_t *sums, int64_t stride, int64_t rows, const float *m, const float *c, void *y);
  /// As their f32 kin; `offsets` are added to each number of a tile to make it u8.
  void (*winograd_input_u8)(
    const winograd_tiles *tiles, int64_t first, int64_t count, const uint8_t *x, int64_t sample, uint8_t *to, int64_t position,
    const uint8_t *offsets);
  void (*winograd_output_i32)(
    const winograd_tiles *tiles, int64_t first, int64_t count, const int32_t *from, int64_t position, int64_t row,
    const bitline_finish *finish, const float *m, const float *c, void *y, int64_t sample);
  void (*pool_max_blocked_u8)(const bitline_conv_shape *shape, int64_t planes, const uint8_t *x, uint8_t *y, int flip);
  void (*gemm_bits)(const gemm_bits_args *args);
  /// Sixteen channels of a plane in blocks to two bytes of each position, `row` bytes apart; returns whether some number is no bit.
  int (*pack_bits)(const float *from, const float *to, uint16_t flips, int64_t positions, const float *x, uint8_t *y, int64_t row);
  /// One block of channels.
  void (*depthwise_blocked_f32)(
    const bitline_conv_shape *shape, const float *x, const float *w, const float *bias, bitline_activation activation, float *y);
  void (*elementary_f32)(bitline_elementary kind, int64_t count, const float *x, float *y);
  void (*softmax_f32)(int64_t outer, int64_t length, int64_t inner, const float *x, float *y);
  /// `rounds` x 12 x 16 multiply-adds in registers, to measure the peak.
  float (*multiply_adds_f32)(int64_t rounds, float by, float plus);
} bitline_table;

void bitline_gemm_f32_packed_rows_4x8_portable(const gemm_f32_args *args);
void bitline_gemm_f32_strided_rows_4x8_portable(const gemm_f32_args *args);
void bitline_conv_f32_taps_4x8_portable(const taps_f32_args *args);
void bitline_gemm_u8b_codes_in_columns_4x8_portable(const gemm_u8b_args *args);
void bitline_gemm_u8b_weights_in_columns_4x8_portable(const gemm_u8b_args *args);
void bitline_gemm_bits_1x16_portable(const gemm_bits_args *args);
extern const bitline_table bitline_table_portable;
#if BITLINE_X86
void bitline_gemm_f32_packed_rows_6x16_avx2(const gemm_f32_args *args);
void bitline_gemm_f32_strided_rows_6x16_avx2(const gemm_f32_args *args);
void bitline_conv_f32_taps_6x16_avx2(const taps_f32_args *args);
void bitline_gemm_u8b_codes_in_columns_4x16_avx2(const gemm_u8b_args *args);
void bitline_gemm_u8b_weights_in_columns_4x16_avx2(const gemm_u8b_args *args);
void bitline_gemm_bits_1x16_avx2(const gemm_bits_args *args);
extern const bitline_table bitline_table_avx2;
void bitline_gemm_f32_packed_rows_8x32_avx512(const gemm_f32_args *args);
void bitline_gemm_f32_strided_rows_8x32_avx512(const gemm_f32_args *args);
void bitline_conv_f32_taps_8x32_avx512(const taps_f32_args *args);
void bitline_gemm_u8b_codes_in_columns_8x32_avx512(const gemm_u8b_args *args);
void bitline_gemm_u8b_weights_in_columns_8x32_avx512(const gemm_u8b_args *args);
void bitline_lookup_u8b_4x16_avx512(const lookup_u8b_args *args);
void bitline_gemm_bits_4x16_avx512(const gemm_bits_args *args);
extern const bitline_table bitline_table_avx512;
#endif
#if BITLINE_ARM
void bitline_gemm_f32_packed_rows_6x16_neon(const gemm_f32_args *args);
void bitline_gemm_f32_strided_rows_6x16_neon(const gemm_f32_args *args);
void bitline_conv_f32_taps_6x16_neon(const taps_f32_args *args);
void bitline_gemm_u8b_codes_in_columns_4x16_neon(const gemm_u8b_args *args);
void bitline_gemm_u8b_weights_in_columns_4x16_neon(const gemm_u8b_args *args);
void bitline_gemm_bits_1x16_neon(const gemm_bits_args *args);
extern const bitline_table bitline_table_neon;
#endif

/// The kernels of a level.
const bitline_table *bitline_table_of(bitline_isa isa);

BITLINE_INLINE int64_t bitline_min(int64_t a, int64_t b) { return a < b ? a : b; }
BITLINE_INLINE int64_t bitline_max(int64_t a, int64_t b) { return a > b ? a : b; }
BITLINE_INLINE int64_t bitline_round_up(int64_t n, int64_t unit) { return (n + unit - 1) / unit * unit; }
/// Bytes, rounded up to whole cache lines.
BITLINE_INLINE size_t bitline_lines(int64_t bytes) { return ((size_t)bytes + 63) & ~(size_t)63; }

BITLINE_INLINE float bitline_activate(bitline_activation a, float x) {
  switch (a.kind) {
  case BITLINE_ACTIVATION_NONE: return x;
  case BITLINE_ACTIVATION_RELU: return x < 0 ? 0 : x;
  case BITLINE_ACTIVATION_CLIP: return x < a.lo ? a.lo : x > a.hi ? a.hi : x;
  }
  return x;
}

/// Round half to even for |x| < 2^22, where the step of f32 around 1.5 * 2^23 is 1.
BITLINE_INLINE float bitline_round(float x) {
  const float magic = 12582912.0f;
  return (x + magic) - magic;
}

#endif
