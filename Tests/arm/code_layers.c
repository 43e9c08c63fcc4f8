/// Layers of codes and weights of i8, to codes and to sums: every level gives the same bytes.
#include "checking.h"
#include "table.h"

#define LEVELS for (int level = 0; level < level_count; level++)

static bitline_coding random_coding(float scale) {
  const int is_signed = random_flag();
  const int32_t zero = (int32_t)(random_flag() ? 0 : random_int(is_signed ? -128 : 0, is_signed ? 127 : 255));
  return (bitline_coding){.scale = scale, .zero = zero, .is_signed = is_signed};
}

static uint8_t *codes_of(const bitline_coding *c, int64_t count) {
  return c->is_signed ? random_codes(count, -128, 127) : random_codes(count, 0, 255);
}

/// Weights that are often the extremes.
static int8_t *random_weights(int64_t count) { return (int8_t *)random_codes(count, random_flag() ? -127 : -128, 127); }

/// Every third has scales that are powers of two, so that many a sum lies in the middle between two codes.
static bitline_int8_layer random_layer(int seed, int64_t filters, int64_t inputs) {
  const int ties = seed % 3 == 0;
  float *scales = random_floats(filters, 0.0001f, 0.01f), *factors = random_floats(filters, 0.7f, 1.4f);
  double *bias = guarded((size_t)filters * 8);
  bitline_int8_layer layer = {.from = random_coding(ties ? 0.25f : random_float(0.001f, 0.1f))};
  for (int64_t f = 0; f < filters; f++) {
    if (ties) scales[f] = factors[f] = 0.5f;
  }
  float wanted = layer.from.scale * scales[0] * __builtin_sqrtf((float)inputs) * 60 * 70 / 100;
  if (ties) wanted = __builtin_ldexpf(1, __builtin_ilogbf(wanted));
  layer.to = random_coding(wanted);
  for (int64_t f = 0; f < filters; f++) bias[f] = (double)random_float(-wanted * 60, wanted * 60);
  const int32_t least = layer.to.is_signed ? -128 : 0;
  layer.lo = least;
  layer.hi = least + (random_flag() ? 255 : (int32_t)random_int(1, 255));
  layer.weights = random_weights(filters * inputs);
  layer.scales = scales;
  layer.bias = random_flag() ? 0 : bias;
  layer.factors = random_flag() ? 0 : factors;
  return layer;
}

static void conv(int seed) {
  window_case w = seed % 2 ? random_window(seed, 0) : random_three_by_three(1, 50, 90);
  const bitline_conv_shape *s = &w.shape;
  const int plain = s->channels < 16 && seed % 4 != 0;
  const bitline_int8_layer layer = random_layer(seed, s->filters, w.inputs);
  const uint8_t *x = codes_of(&layer.from, w.batch * s->channels * w.positions_in);
  const uint8_t *from = plain ? x : blocks_u8(x, w.batch, s->channels, w.positions_in);
  const size_t bytes = (size_t)(w.batch * lanes_of(s->filters) * w.positions);
  LEVELS {
    uint8_t *results[2];
    for (int direct = 0; direct < 2; direct++) {
      void *plan = guarded(bitline_conv_i8_plan_bytes(levels[level], s, &layer, plain, w.batch, direct));
      bitline_conv_i8_prepare(levels[level], s, &layer, plain, w.batch, direct, plan);
      results[direct] = guarded(bytes);
      bitline_conv_i8_run(
        plan, w.batch, from, results[direct], guarded(bitline_conv_i8_workspace_bytes(plan, w.batch, direct ? 3 : 1)), direct ? team : 0);
    }
    exact_blocks(level, results[0], 1, w.batch, s->filters, w.positions);
    if (memcmp(results[0], results[1], bytes) != 0) wrong("ways or threads change results");
  }
}

static void depthwise(int seed) {
  window_case w = seed % 2 ? random_window(seed, 0) : random_three_by_three(1, 50, 50);
  w.shape.groups = w.shape.filters = w.shape.channels;
  window_settle(&w);
  const bitline_conv_shape *s = &w.shape;
  const bitline_int8_layer layer = random_layer(seed, s->filters, w.inputs);
  const uint8_t *from = blocks_u8(codes_of(&layer.from, w.batch * s->channels * w.positions_in), w.batch, s->channels, w.positions_in);
  LEVELS {
    void *plan = guarded(bitline_depthwise_i8_plan_bytes(levels[level], s));
    bitline_depthwise_i8_prepare(levels[level], s, &layer, plan);
    uint8_t *y = guarded((size_t)(w.batch * lanes_of(s->filters) * w.positions));
    bitline_depthwise_i8_run(plan, w.batch, from, y, guarded(bitline_depthwise_i8_workspace_bytes(plan, 1)), 0);
    exact_blocks(level, y, 1, w.batch, s->filters, w.positions);
  }
}

static void dense(int seed) {
  const int64_t batch = random_int(1, 9), inputs = random_int(1, 300), filters = random_int(1, 150);
  const bitline_int8_layer layer = random_layer(seed, filters, inputs);
  const uint8_t *x = codes_of(&layer.from, batch * inputs);
  LEVELS {
    void *plan = guarded(bitline_dense_i8_plan_bytes(levels[level], inputs, filters));
    bitline_dense_i8_prepare(levels[level], inputs, filters, &layer, plan);
    uint8_t *y = guarded((size_t)(batch * filters));
    bitline_dense_i8_run(plan, batch, x, y, guarded(bitline_dense_i8_workspace_bytes(plan, batch)));
    exact_result(level, y, (size_t)(batch * filters));
  }
}

static bitline_sums_finish random_finish(int64_t filters) {
  const int64_t kind = random_int(0, 3);
  return (bitline_sums_finish){
    .factors = kind == 0 ? 0 : random_floats(filters, -1, 1), .by_filter = kind > 1, .bias = kind == 3 ? random_floats(filters, -1, 1) : 0};
}

static void conv_sums(int seed) {
  window_case w = seed % 2 ? random_window(seed, 0) : random_three_by_three(1, 50, 90);
  const bitline_conv_shape *s = &w.shape;
  const bitline_coding coding = random_coding(1);
  const int8_t *weights = random_weights(s->filters * w.inputs);
  const uint8_t *from = blocks_u8(codes_of(&coding, w.batch * s->channels * w.positions_in), w.batch, s->channels, w.positions_in);
  const bitline_sums_finish finish = random_finish(s->filters);
  LEVELS {
    void *plan = guarded(bitline_conv_sums_i8_plan_bytes(levels[level], s, coding.is_signed));
    bitline_conv_sums_i8_prepare(levels[level], s, coding.is_signed, weights, plan);
    void *y = guarded((size_t)(w.batch * lanes_of(s->filters) * w.positions) * 4);
    bitline_conv_sums_i8_run(
      plan, w.batch, from, coding.zero, &finish, y, guarded(bitline_sums_i8_workspace_bytes(plan, 3)), seed % 2 ? team : 0);
    exact_blocks(level, y, 4, w.batch, s->filters, w.positions);
  }
}

static void matmul_sums(int seed) {
  const int64_t rows = seed % 20 == 0 ? 2400 : random_int(1, 70), inputs = random_int(1, seed % 20 == 0 ? 40 : 200);
  const int64_t filters = random_int(1, seed % 20 == 0 ? 20 : 150);
  const bitline_coding coding = random_coding(1);
  const int transposed = random_flag();
  const int8_t *weights = random_weights(filters * inputs);
  const uint8_t *x = codes_of(&coding, rows * inputs);
  const bitline_sums_finish finish = random_finish(filters);
  LEVELS {
    void *plan = guarded(bitline_matmul_sums_i8_plan_bytes(levels[level], inputs, filters, rows));
    bitline_matmul_sums_i8_prepare(
      levels[level], inputs, filters, rows, coding.is_signed, weights, transposed ? 1 : inputs, transposed ? filters : 1, plan);
    void *y = guarded((size_t)(rows * filters) * 4);
    bitline_matmul_sums_i8_run(
      plan, rows, x, coding.zero, &finish, y, guarded(bitline_sums_i8_workspace_bytes(plan, 3)), seed % 2 ? team : 0);
    exact_result(level, y, (size_t)(rows * filters) * 4);
  }
}

static void sums_and_means(int seed) {
  const int ties = seed % 2 == 0;
  const bitline_coding a = random_coding(ties ? 0.5f : 0.013f), b = random_coding(ties ? 0.5f : 0.029f);
  const bitline_coding to = random_coding(ties ? 0.5f : 0.037f);
  const int32_t least = to.is_signed ? -128 : 0, lo = least + (int32_t)random_int(0, 9), hi = least + 255 - (int32_t)random_int(0, 9);
  const int64_t count = 65536 - random_int(0, 40), blocks = 3, positions = random_int(1, 50);
  uint8_t *x = guarded((size_t)count), *y = guarded((size_t)count);
  for (int64_t i = 0; i < count; i++) {
    x[i] = (uint8_t)i;
    y[i] = (uint8_t)(i >> 8);
  }
  const uint8_t *planes = random_codes(blocks * positions * 16, 0, 255);
  const bitline_add_codes_plan add = {.a = a, .b = b, .to = to, .lo = lo, .hi = hi};
  const bitline_mean_codes_plan mean = {.from = a, .to = to, .lo = lo, .hi = hi};
  LEVELS {
    uint8_t *sums = guarded((size_t)count), *means = guarded((size_t)blocks * 16);
    bitline_add_codes(levels[level], &add, count, x, y, sums, 0);
    exact_result(level, sums, (size_t)count);
    bitline_mean_codes_blocked(levels[level], &mean, blocks, positions, planes, means);
    exact_result(level, means, (size_t)blocks * 16);
  }
}

static void pooling(int seed) {
  window_case w = seed % 2 ? random_window(seed, 0) : random_three_by_three(1, 40, 40);
  w.shape.filters = w.shape.channels;
  const bitline_conv_shape *s = &w.shape;
  const int is_signed = random_flag();
  const int64_t planes = w.batch * lanes_of(s->channels) / 16;
  const uint8_t *from = blocks_u8(random_codes(w.batch * s->channels * w.positions_in, 0, 255), w.batch, s->channels, w.positions_in);
  LEVELS {
    uint8_t *y = guarded((size_t)(planes * 16 * w.positions));
    bitline_pool_max_blocked_u8(levels[level], s, is_signed, planes, from, y);
    exact_blocks(level, y, 1, w.batch, s->channels, w.positions);
  }
}

/// Products of i16, which a level may never choose: every number of rows and taps of its own blocks.
static void words_of_i16(int seed) {
  const int rows = 1 + seed % 5;
  const int64_t taps = random_int(1, 5);
  int16_t *x = guarded((size_t)(taps * rows * 16) * 2), *w = guarded((size_t)(taps * 8 * 16 * 2) * 2);
  for (int64_t i = 0; i < taps * rows * 16; i++) x[i] = (int16_t)random_int(-32768, 32767);
  for (int64_t i = 0; i < taps * 8 * 32; i++) w[i] = (int16_t)random_int(-32767, 32767);
  int32_t *offsets = guarded((size_t)taps * 4), *start = (int32_t *)random_floats(16, -1, 1);
  for (int64_t t = 0; t < taps; t++) offsets[t] = (int32_t)(t * rows * 32);
  LEVELS {
    const bitline_table *table = bitline_table_of(levels[level]);
    int32_t *y = guarded((size_t)rows * 64);
    for (int row = 0; row < rows;) {
      const int some = (int)bitline_min(rows - row, table->block_words_rows[0]);
      const block_words_args args = {
        .x = (const uint8_t *)x + row * 32, .taps = offsets, .tap_count = taps, .w = (const int8_t *)w, .start = start, .y = y + row * 16,
        .y_row = 16, .rows = some, .vecs = 1};
      table->block_i16(&args);
      row += some;
    }
    exact_result(level, y, (size_t)rows * 64);
  }
}

void check_code_layers(void) {
  check("conv_i8", 160, conv);
  check("depthwise_i8", 80, depthwise);
  check("dense_i8", 80, dense);
  check("conv_sums_i8", 80, conv_sums);
  check("matmul_sums_i8", 80, matmul_sums);
  check("add_and_mean_codes", 10, sums_and_means);
  check("pool_blocked_u8", 60, pooling);
  check("block_i16", 20, words_of_i16);
}
