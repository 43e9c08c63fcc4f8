/// Layers of weights of +-1: on codes, tile by tile or exact, and on bits.
#include "checking.h"

#define LEVELS for (int level = 0; level < level_count; level++)

static bitline_readout random_readout(int seed, int64_t inputs) {
  bitline_readout r = {.lsb = 1, .signed_codes = random_flag()};
  if (random_flag() || seed % 4 == 0) r.tile = (int32_t)random_int(1, inputs < 64 ? inputs : seed % 4 == 0 ? 64 : 20);
  if (random_int(0, 2) > 0) {
    // Whole and half steps make ties; the others are seldom exact as reciprocals.
    const float steps[] = {1, 2, 50, 2.5f, 0.37f, random_float(0.5f, 30)};
    r.bits = seed % 9 == 0 ? 22 : (int32_t)random_int(1, 9);
    r.lsb = steps[random_int(0, 5)];
    r.top = r.bits == 1 ? 1 : (1 << (r.bits - 1)) - 1;
    if (seed % 5 == 0) r.top = (int32_t)random_int(1, r.top);
  }
  return r;
}

static uint8_t *codes_of(const bitline_readout *r, int64_t count) {
  return r->signed_codes ? random_codes(count, -128, 127) : random_codes(count, 0, 255);
}

static void conv(int seed) {
  window_case w = random_window(seed, 0);
  const bitline_conv_shape *s = &w.shape;
  const bitline_readout readout = random_readout(seed, w.inputs);
  const uint8_t *codes = codes_of(&readout, w.batch * s->channels * w.positions_in);
  const int8_t *weights = random_signs(s->filters * w.inputs);
  const int32_t *order = random_order(w.inputs);
  const size_t bytes = (size_t)(w.batch * s->filters * w.positions) * 4;
  LEVELS {
    void *plan = guarded(bitline_conv_binary_plan_bytes(levels[level], s, &readout));
    bitline_conv_binary_prepare(levels[level], s, &readout, weights, order, plan);
    int32_t *y = guarded(bytes);
    bitline_conv_binary_run(plan, w.batch, codes, y, guarded(bitline_conv_binary_workspace_bytes(plan, w.batch)));
    exact_result(level, y, bytes);
  }
}

static void dense(int seed) {
  const int64_t batch = random_int(1, 20), inputs = random_int(1, seed % 6 == 0 ? 1500 : 90), filters = random_int(1, 70);
  const bitline_readout readout = random_readout(seed, inputs);
  const uint8_t *codes = codes_of(&readout, batch * inputs);
  const int8_t *weights = random_signs(filters * inputs);
  const int32_t *order = random_order(inputs);
  LEVELS {
    void *plan = guarded(bitline_dense_binary_plan_bytes(levels[level], inputs, filters, &readout));
    bitline_dense_binary_prepare(levels[level], inputs, filters, &readout, weights, order, plan);
    int32_t *y = guarded((size_t)(batch * filters) * 4);
    bitline_dense_binary_run(plan, batch, codes, y, guarded(bitline_dense_binary_workspace_bytes(plan, batch)));
    exact_result(level, y, (size_t)(batch * filters) * 4);
  }
}

static bitline_finish random_finish(void) {
  return (bitline_finish){.activation = random_activation(), .quantizes = random_flag(), .scale = 0.063f, .lo = -20, .hi = 63};
}

static void conv_codes(int seed) {
  window_case w = seed % 2 ? random_window(seed, 0) : random_three_by_three(1, 50, 90);
  const bitline_conv_shape *s = &w.shape;
  static const int ranges[6][2] = {{0, 63}, {-31, 32}, {0, 255}, {-128, 127}, {-63, 0}, {0, 1}};
  const int *range = ranges[random_int(0, 5)];
  const uint8_t *codes = random_codes(w.batch * s->channels * w.positions_in, range[0], range[1]);
  const int8_t *weights = random_signs(s->filters * w.inputs);
  const float part = 1 / (8 * (float)w.inputs);
  const float *m = random_floats(s->filters, 0.5f * part, 2 * part), *c = random_floats(s->filters, -1, 1);
  const bitline_finish finish = random_finish();
  const size_t element = finish.quantizes ? 1 : 4, bytes = (size_t)(w.batch * lanes_of(s->filters) * w.positions) * element;
  const uint8_t *from = blocks_u8(codes, w.batch, s->channels, w.positions_in);
  LEVELS {
    void *plan = guarded(bitline_conv_codes_plan_bytes(levels[level], s, range[0], range[1], w.batch));
    bitline_conv_codes_prepare(levels[level], s, range[0], range[1], w.batch, weights, m, c, &finish, plan);
    void *y = guarded(bytes), *shared = guarded(bytes);
    bitline_conv_codes_run(plan, w.batch, from, y, guarded(bitline_conv_codes_workspace_bytes(plan, w.batch, 1)), 0);
    bitline_conv_codes_run(plan, w.batch, from, shared, guarded(bitline_conv_codes_workspace_bytes(plan, w.batch, 3)), team);
    if (memcmp(y, shared, bytes) != 0) wrong("the team changes results");
    exact_blocks(level, y, element, w.batch, s->filters, w.positions);
  }
}

static void conv_bits(int seed) {
  window_case w = random_window(seed, 0);
  const int32_t channels[] = {(int32_t)random_int(1, 40), 64, (int32_t)random_int(65, 260), 128};
  const int32_t filters[] = {(int32_t)random_int(1, 40), 64, (int32_t)random_int(65, 90), 48};
  w.shape.channels = channels[seed % 4];
  w.shape.filters = filters[seed / 4 % 4];
  const int extreme = seed % 3 == 1;
  if (extreme) w.shape.channels = 512;
  window_settle(&w);
  const bitline_conv_shape *s = &w.shape;
  const int64_t words = (s->channels + 63) / 64, count = w.batch * w.positions_in * words;
  uint64_t *x = guarded((size_t)count * 8);
  for (int64_t i = 0; i < count; i++) {
    const int64_t left = s->channels - i % words * 64;
    x[i] = random_bits() & (left < 64 ? (UINT64_C(1) << left) - 1 : ~UINT64_C(0));
  }
  int8_t *weights = random_signs(s->filters * w.inputs);
  const int8_t *turns = random_signs(s->filters);
  if (extreme) {
    // All inputs differ from a filter's weights, or none does: the most that is counted, and the least.
    for (int64_t i = 0; i < count; i++) x[i] = 0;
    for (int64_t i = 0; i < s->filters * w.inputs; i++) weights[i] = i / w.inputs % 2 ? 1 : -1;
  }
  int32_t *least = guarded((size_t)s->filters * 4);
  for (int32_t f = 0; f < s->filters; f++) {
    const int64_t most = w.inputs, ends[] = {-most, most, most + 1, 1 - most};
    least[f] = (int32_t)(random_flag() ? random_int(-most / 8, most / 8) : ends[random_int(0, 3)]);
  }
  const float *m = random_floats(s->filters, -1, 1), *c = random_floats(s->filters, -1, 1);
  const bitline_finish finish = random_finish();
  const size_t element = finish.quantizes ? 1 : 4, bytes = (size_t)(w.batch * w.positions * ((s->filters + 63) / 64)) * 8;
  LEVELS {
    void *plan = guarded(bitline_conv_bits_plan_bytes(levels[level], s, 1));
    bitline_conv_bits_prepare(levels[level], s, weights, least, turns, plan);
    void *bits = guarded(bytes);
    bitline_conv_bits_run(plan, w.batch, x, bits, guarded(bitline_conv_bits_workspace_bytes(plan, 3)), team);
    exact_result(level, bits, bytes);
    void *finishing = guarded(bitline_conv_bits_plan_bytes(levels[level], s, 0));
    bitline_conv_bits_prepare_finish(levels[level], s, weights, m, c, &finish, finishing);
    void *y = guarded((size_t)(w.batch * lanes_of(s->filters) * w.positions) * element);
    bitline_conv_bits_run(finishing, w.batch, x, y, guarded(bitline_conv_bits_workspace_bytes(finishing, 1)), 0);
    exact_blocks(level, y, element, w.batch, s->filters, w.positions);
  }
}

static void pack_bits(int seed) {
  const int64_t channels = random_int(1, 140), lanes = lanes_of(channels), positions = random_int(1, 20), blocks = lanes / 16;
  float *to = random_floats(lanes, -1, 1), *from = guarded((size_t)lanes * 4);
  uint16_t *flips = guarded((size_t)blocks * 2);
  for (int64_t i = 0; i < blocks; i++) {
    const int64_t left = channels - i * 16;
    flips[i] = (uint16_t)(random_bits() & (left < 16 ? (1u << left) - 1 : 0xffff));
  }
  for (int64_t i = 0; i < lanes; i++) {
    if (i >= channels) to[i] = __builtin_inff();
    from[i] = seed % 2 && i < channels ? to[i] - 0.125f : to[i];
  }
  float *x = random_floats(channels * positions, -1.5f, 1.5f);
  for (int64_t i = 0; i < channels * positions; i++) {
    const int64_t c = i / positions;
    if (i % 4 == 0 || (x[i] >= from[c] && x[i] < to[c])) x[i] = to[c];
  }
  const size_t bytes = (size_t)((channels + 63) / 64 * positions) * 8;
  // Once as it is, and then with what is no bit.
  for (int fault = 0; fault < 4; fault++) {
    const float strange[] = {x[0], __builtin_nanf(""), __builtin_inff(), -__builtin_inff()};
    x[random_int(0, channels * positions - 1)] = strange[fault];
    LEVELS {
      uint64_t *y = guarded(bytes);
      memset(y, 0, bytes);
      const int found =
        bitline_pack_bits_f32(levels[level], channels, positions, from, to, flips, blocks_f32(levels[level], x, 1, channels, positions), y);
      exact_result(level, &found, sizeof found);
      if (!found) exact_result(level, y, bytes);
    }
  }
}

void check_bit_layers(void) {
  check("conv_binary", 160, conv);
  check("dense_binary", 120, dense);
  check("conv_codes", 120, conv_codes);
  check("conv_bits", 96, conv_bits);
  check("pack_bits", 40, pack_bits);
}
