/// Layers of f32 and bf16. Sums are near each other; those in f64, and those of products of bf16, are the same.
#include "checking.h"

#define LEVELS for (int level = 0; level < level_count; level++)

static void conv(int seed) {
  window_case w = random_window(seed, 1);
  const bitline_conv_shape *s = &w.shape;
  const float *x = random_floats(w.batch * s->channels * w.positions_in, -1, 1), *weights = random_floats(s->filters * w.inputs, -1, 1);
  const float *bias = random_flag() ? random_floats(s->filters, -1, 1) : 0;
  const bitline_activation activation = random_activation();
  const int64_t count = w.batch * s->filters * w.positions;
  LEVELS {
    void *plan = guarded(bitline_conv_f32_plan_bytes(levels[level], s));
    bitline_conv_f32_prepare(levels[level], s, weights, bias, activation, plan);
    float *y = guarded((size_t)count * 4);
    bitline_conv_f32_run(plan, w.batch, x, y, guarded(bitline_conv_f32_workspace_bytes(plan, w.batch)));
    near_result(level, y, count, w.inputs);
  }
}

static void conv_in_f64(int seed) {
  window_case w = random_window(seed, 1);
  const bitline_conv_shape *s = &w.shape;
  const float *x = random_floats(w.batch * s->channels * w.positions_in, -1, 1), *weights = random_floats(s->filters * w.inputs, -1, 1);
  const float *bias = random_flag() ? random_floats(s->filters, -1, 1) : 0;
  const bitline_activation activation = random_activation();
  const size_t bytes = (size_t)(w.batch * s->filters * w.positions) * 4;
  LEVELS {
    void *plan = guarded(bitline_conv_f32_f64_plan_bytes(levels[level], s));
    bitline_conv_f32_f64_prepare(levels[level], s, weights, bias, activation, plan);
    float *y = guarded(bytes), *shared = guarded(bytes);
    bitline_conv_f32_f64_run(plan, w.batch, x, y, guarded(bitline_conv_f32_f64_workspace_bytes(plan, w.batch, 1)), 0);
    bitline_conv_f32_f64_run(plan, w.batch, x, shared, guarded(bitline_conv_f32_f64_workspace_bytes(plan, w.batch, 3)), team);
    if (memcmp(y, shared, bytes) != 0) wrong("the team changes results");
    exact_result(level, y, bytes);
  }
}

typedef struct dense_case {
  int64_t batch, inputs, filters, filter_stride, input_stride;
  const float *x, *weights, *bias;
  bitline_activation activation;
} dense_case;

static dense_case random_dense(int seed) {
  // Every sixth has few filters of many inputs.
  const int few = seed % 6 == 0;
  dense_case d = {
    .batch = random_int(1, 20), .inputs = few ? random_int(1000, 1500) : random_int(1, 400), .filters = random_int(1, few ? 12 : 70),
    .activation = random_activation()};
  const int transposed = random_flag();
  d.filter_stride = transposed ? 1 : d.inputs;
  d.input_stride = transposed ? d.filters : 1;
  d.x = random_floats(d.batch * d.inputs, -1, 1);
  d.weights = random_floats(d.filters * d.inputs, -1, 1);
  d.bias = random_flag() ? random_floats(d.filters, -1, 1) : 0;
  return d;
}

static void dense(int seed) {
  const dense_case d = random_dense(seed);
  LEVELS {
    void *plan = guarded(bitline_dense_f32_plan_bytes(levels[level], d.inputs, d.filters));
    bitline_dense_f32_prepare(
      levels[level], d.inputs, d.filters, d.weights, d.filter_stride, d.input_stride, d.bias, d.activation, plan);
    float *y = guarded((size_t)(d.batch * d.filters) * 4);
    bitline_dense_f32_run(plan, d.batch, d.x, y, seed % 2 ? team : 0);
    near_result(level, y, d.batch * d.filters, d.inputs);
  }
}

static void dense_in_f64(int seed) {
  const dense_case d = random_dense(seed);
  LEVELS {
    void *plan = guarded(bitline_dense_f32_f64_plan_bytes(levels[level], d.inputs, d.filters));
    bitline_dense_f32_f64_prepare(
      levels[level], d.inputs, d.filters, d.weights, d.filter_stride, d.input_stride, d.bias, d.activation, plan);
    float *y = guarded((size_t)(d.batch * d.filters) * 4);
    bitline_dense_f32_f64_run(plan, d.batch, d.x, y, seed % 2 ? team : 0);
    exact_result(level, y, (size_t)(d.batch * d.filters) * 4);
  }
}

static void dense_bf16(int seed) {
  const dense_case d = random_dense(seed);
  LEVELS {
    void *plan = guarded(bitline_dense_bf16_plan_bytes(levels[level], d.inputs, d.filters));
    bitline_dense_bf16_prepare(
      levels[level], d.inputs, d.filters, d.weights, d.filter_stride, d.input_stride, d.bias, d.activation, plan);
    float *y = guarded((size_t)(d.batch * d.filters) * 4);
    bitline_dense_bf16_run(plan, d.batch, d.x, y, guarded(bitline_dense_bf16_workspace_bytes(plan, d.batch)), seed % 2 ? team : 0);
    exact_result(level, y, (size_t)(d.batch * d.filters) * 4);
  }
}

static void layout(int seed) {
  const int64_t channels = random_int(1, 50), positions = random_int(1, 70);
  const float *x = random_floats(channels * positions, -1, 1);
  (void)seed;
  LEVELS {
    const float *y = blocks_f32(levels[level], x, 1, channels, positions);
    exact_result(level, y, (size_t)(lanes_of(channels) * positions) * 4);
    float *back = guarded((size_t)(channels * positions) * 4);
    bitline_unblock_channels_f32(levels[level], channels, positions, y, back);
    if (memcmp(x, back, (size_t)(channels * positions) * 4) != 0) wrong("there and back is not the same");
  }
}

/// What Winograd's way in f32 takes.
static window_case random_transformed(int seed, int plain) {
  const int32_t kernels[] = {3, 3, 5, 7}, strides[] = {1, 2, 1, 2}, kernel = kernels[seed / 2 % 4], stride = strides[seed / 2 % 4];
  const int32_t pad = (int32_t)random_int(0, kernel / 2), height = (int32_t)random_int(kernel, 15 * stride);
  const int32_t width = (int32_t)random_int(kernel, 27 * stride);
  window_case w = {
    .shape = {
      .channels = (int32_t)(plain ? random_int(1, 16 / (stride * stride)) : random_int(16, 40)), .height = height, .width = width,
      .filters = (int32_t)random_int(16, 60), .groups = 1, .kernel_height = kernel, .kernel_width = kernel, .stride_height = stride,
      .stride_width = stride, .dilation_height = 1, .dilation_width = 1, .pad_top = pad, .pad_left = pad,
      .out_height = (height + 2 * pad - kernel) / stride + 1, .out_width = (width + 2 * pad - kernel) / stride + 1},
    .batch = random_int(1, 2)};
  window_settle(&w);
  return w;
}

static void conv_blocked(int seed) {
  const int plain = seed % 4 == 1 || seed % 12 == 0, exact = seed % 10 == 0;
  window_case w = seed % 2 ? random_window(seed, 0) : random_transformed(seed, plain);
  const bitline_conv_shape *s = &w.shape;
  if (seed % 8 == 1) w.shape.filters = (int32_t)random_int(1, 90);
  const float *x = random_floats(w.batch * s->channels * w.positions_in, -1, 1), *weights = random_floats(s->filters * w.inputs, -1, 1);
  const float *bias = random_floats(s->filters, -1, 1);
  const float *add = random_flag() ? random_floats(w.batch * lanes_of(s->filters) * w.positions, -1, 1) : 0;
  const bitline_activation activation = random_activation();
  const size_t bytes = (size_t)(w.batch * lanes_of(s->filters) * w.positions) * 4;
  LEVELS {
    const float *from = plain ? x : blocks_f32(levels[level], x, w.batch, s->channels, w.positions_in);
    void *plan = guarded(bitline_conv_blocked_f32_plan_bytes(levels[level], s, plain, w.batch, exact));
    bitline_conv_blocked_f32_prepare(levels[level], s, plain, w.batch, exact, weights, bias, activation, plan);
    float *y = guarded(bytes), *shared = guarded(bytes);
    bitline_conv_blocked_f32_run(
      plan, w.batch, from, add, y, guarded(bitline_conv_blocked_f32_workspace_bytes(plan, w.batch, 1)), 0);
    bitline_conv_blocked_f32_run(
      plan, w.batch, from, add, shared, guarded(bitline_conv_blocked_f32_workspace_bytes(plan, w.batch, 3)), team);
    if (memcmp(y, shared, bytes) != 0) wrong("the team changes results");
    near_blocks(level, y, w.batch, s->filters, w.positions, w.inputs);
  }
}

static void conv_blocked_bf16(int seed) {
  window_case w = random_window(seed, 0);
  const bitline_conv_shape *s = &w.shape;
  const int plain = seed % 4 == 1 && s->kernel_width > 1 && s->stride_width <= 2 && s->dilation_width == 1;
  const float *x = random_floats(w.batch * s->channels * w.positions_in, -1, 1), *weights = random_floats(s->filters * w.inputs, -1, 1);
  const float *bias = random_floats(s->filters, -1, 1);
  const float *add = random_flag() ? random_floats(w.batch * lanes_of(s->filters) * w.positions, -1, 1) : 0;
  const bitline_activation activation = random_activation();
  LEVELS {
    const float *from = plain ? x : blocks_f32(levels[level], x, w.batch, s->channels, w.positions_in);
    void *plan = guarded(bitline_conv_blocked_bf16_plan_bytes(levels[level], s, plain));
    bitline_conv_blocked_bf16_prepare(levels[level], s, plain, weights, bias, activation, plan);
    float *y = guarded((size_t)(w.batch * lanes_of(s->filters) * w.positions) * 4);
    bitline_conv_blocked_bf16_run(plan, w.batch, from, add, y, guarded(bitline_conv_blocked_bf16_workspace_bytes(plan)), 0);
    exact_blocks(level, y, 4, w.batch, s->filters, w.positions);
  }
}

static void depthwise(int seed) {
  window_case w = seed % 2 ? random_window(seed, 0) : random_three_by_three(1, 40, 40);
  w.shape.groups = w.shape.filters = w.shape.channels;
  window_settle(&w);
  const bitline_conv_shape *s = &w.shape;
  const float *x = random_floats(w.batch * s->channels * w.positions_in, -1, 1), *weights = random_floats(s->filters * w.inputs, -1, 1);
  const float *bias = random_flag() ? random_floats(s->filters, -1, 1) : 0;
  const bitline_activation activation = random_activation();
  LEVELS {
    const float *from = blocks_f32(levels[level], x, w.batch, s->channels, w.positions_in);
    void *plan = guarded(bitline_depthwise_blocked_f32_plan_bytes(levels[level], s));
    bitline_depthwise_blocked_f32_prepare(levels[level], s, weights, bias, activation, plan);
    float *y = guarded((size_t)(w.batch * lanes_of(s->filters) * w.positions) * 4);
    bitline_depthwise_blocked_f32_run(plan, w.batch, from, y, seed % 2 ? team : 0);
    near_blocks(level, y, w.batch, s->filters, w.positions, w.inputs);
  }
}

static void pooling(int seed) {
  window_case w = random_window(seed, 0);
  w.shape.filters = w.shape.channels;
  const bitline_conv_shape *s = &w.shape;
  const float *x = random_floats(w.batch * s->channels * w.positions_in, -1, 1);
  const int counts = random_flag();
  const int64_t planes = w.batch * lanes_of(s->channels) / 16;
  LEVELS {
    const float *from = blocks_f32(levels[level], x, w.batch, s->channels, w.positions_in);
    const size_t bytes = (size_t)(planes * 16 * w.positions) * 4;
    float *most = guarded(bytes), *mean = guarded(bytes);
    bitline_pool_max_blocked_f32(levels[level], s, planes, from, most, 0);
    exact_blocks(level, most, 4, w.batch, s->channels, w.positions);
    bitline_pool_average_blocked_f32(levels[level], s, counts, s->pad_top, s->pad_left, planes, from, mean);
    exact_blocks(level, mean, 4, w.batch, s->channels, w.positions);
  }
}

void check_float_layers(void) {
  check("conv_f32", 120, conv);
  check("conv_f32_f64", 60, conv_in_f64);
  check("dense_f32", 80, dense);
  check("dense_f32_f64", 40, dense_in_f64);
  check("dense_bf16", 40, dense_bf16);
  check("block_channels_f32", 40, layout);
  check("conv_blocked_f32", 120, conv_blocked);
  check("conv_blocked_bf16", 60, conv_blocked_bf16);
  check("depthwise_blocked_f32", 60, depthwise);
  check("pool_blocked_f32", 40, pooling);
}
