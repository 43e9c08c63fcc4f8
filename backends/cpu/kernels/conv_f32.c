/// f32 convolution, in one of three ways: an implicit matrix product, blocks of whose columns are gathered just before they are used;
/// with few weights, run by run, read where they lie; depthwise, plane by plane.
#include "window.h"

typedef enum conv_f32_way { GATHER, IN_PLACE, DEPTHWISE } conv_f32_way;

/// Followed by taps, weights and biases, at these offsets.
typedef struct conv_f32_plan {
  int32_t isa;
  conv_f32_way way;
  bitline_conv_shape shape;
  bitline_activation activation;
  window_layout layout;
  /// Of one group.
  int64_t inputs, filters, padded_filters;
  int64_t taps, weights, biases, bytes;
} conv_f32_plan;

/// Gathering costs as much for each column as some rows of products; reading in place leaves lanes unused at the end of each line, and goes
/// through all weights for every two runs.
static int is_better_in_place(const bitline_conv_shape *s, const bitline_table *table, int64_t filters, int64_t inputs) {
  enum { WEIGHTS_AT_HAND = 16 * 1024 };
  const int64_t run = table->f32_cols / 2, lanes = bitline_round_up(s->out_width, run);
  if (s->kernel_height * s->kernel_width == 1 || filters * inputs > WEIGHTS_AT_HAND) return 0;
  return (lanes - s->out_width) * filters < 10 * s->out_width;
}

static conv_f32_plan describe(bitline_isa isa, const bitline_conv_shape *s) {
  const bitline_table *table = bitline_table_of(isa);
  conv_f32_plan p = {.isa = isa, .shape = *s};
  const int64_t channels = s->channels / s->groups;
  p.inputs = channels * s->kernel_height * s->kernel_width;
  p.filters = s->filters / s->groups;
  p.way = s->groups > 1 && channels == 1 ? DEPTHWISE : is_better_in_place(s, table, p.filters, p.inputs) ? IN_PLACE : GATHER;
  p.layout = window_layout_of(s, p.way == GATHER);
  p.padded_filters = p.way == DEPTHWISE ? p.filters : bitline_round_up(p.filters, table->f32_rows);
  p.taps = (int64_t)bitline_lines(sizeof(conv_f32_plan));
  p.weights = p.taps + (int64_t)bitline_lines(p.inputs * 4);
  p.biases = p.weights + (int64_t)bitline_lines(s->groups * p.padded_filters * p.inputs * 4);
  p.bytes = p.biases + (int64_t)bitline_lines(s->groups * p.padded_filters * 4);
  return p;
}

size_t bitline_conv_f32_plan_bytes(bitline_isa isa, const bitline_conv_shape *shape) { return (size_t)describe(isa, shape).bytes; }

void bitline_conv_f32_prepare(
  bitline_isa isa, const bitline_conv_shape *shape, const float *weights, const float *bias, bitline_activation activation, void *plan
) {
  conv_f32_plan p = describe(isa, shape);
  p.activation = activation;
  char *bytes = plan;
  memset(bytes, 0, (size_t)p.bytes);
  memcpy(bytes, &p, sizeof p);
  int32_t *taps = (int32_t *)(bytes + p.taps);
  for (int64_t k = 0; k < p.inputs; k++) taps[k] = window_tap(shape, &p.layout, k);
  float *packed = (float *)(bytes + p.weights), *biases = (float *)(bytes + p.biases);
  const int64_t rows = p.way == DEPTHWISE ? 1 : bitline_table_of(isa)->f32_rows;
  for (int64_t g = 0; g < shape->groups; g++) {
    for (int64_t f = 0; f < p.filters; f++) {
      const float *from = weights + (g * p.filters + f) * p.inputs;
      float *to = packed + g * p.padded_filters * p.inputs + f / rows * rows * p.inputs + f % rows;
      for (int64_t k = 0; k < p.inputs; k++) to[k * rows] = from[k];
      biases[g * p.padded_filters + f] = bias ? bias[g * p.filters + f] : 0;
    }
  }
}

static int64_t padded_bytes(const conv_f32_plan *p, int64_t planes) {
  // Vectors read up to a line beyond.
  return p->layout.direct ? 0 : (int64_t)bitline_lines(planes * p->layout.plane * 4 + 64);
}

static int64_t block_bytes(const conv_f32_plan *p, const bitline_table *table) {
  return (int64_t)bitline_lines(bitline_min(p->inputs, table->f32_depth) * table->f32_cols * 4 + 64);
}

size_t bitline_conv_f32_workspace_bytes(const void *plan, int64_t batch) {
  const conv_f32_plan *p = plan;
  const bitline_table *table = bitline_table_of((bitline_isa)p->isa);
  if (p->way != GATHER) return (size_t)padded_bytes(p, p->way == DEPTHWISE ? 1 : p->shape.channels);
  const int64_t group = window_group(&p->layout, table->f32_cols, batch), positions = p->layout.run * p->layout.runs;
  const int64_t sums = group > 1 ? (int64_t)bitline_lines(p->shape.filters * group * positions * 4) : 0;
  return (size_t)(padded_bytes(p, group * p->shape.channels) + block_bytes(p, table) + sums);
}

#define SAME(x) (x)
BITLINE_LAY_OUT(lay_out_f32, float, SAME)

static void run_depthwise(const conv_f32_plan *p, const bitline_table *table, int64_t batch, const float *x, float *y, float *padded) {
  const bitline_conv_shape *s = &p->shape;
  const int32_t *taps = (const int32_t *)((const char *)p + p->taps);
  const float *weights = (const float *)((const char *)p + p->weights), *biases = (const float *)((const char *)p + p->biases);
  const int64_t positions = (int64_t)s->out_height * s->out_width;
  for (int64_t n = 0; n < batch; n++) {
    for (int64_t f = 0; f < s->filters; f++) {
      if (f % p->filters == 0) lay_out_f32(s, &p->layout, 1, x + (n * s->channels + f / p->filters) * s->height * s->width, 0, padded);
      table->depthwise_f32(
        padded, p->layout.position_row, taps, weights + f * p->inputs, p->inputs, biases[f], p->activation, s->out_height, s->out_width,
        y + (n * s->filters + f) * positions);
    }
  }
}

static void run_in_place(const conv_f32_plan *p, const bitline_table *table, int64_t batch, const float *x, float *y, float *padded) {
  const bitline_conv_shape *s = &p->shape;
  const float *weights = (const float *)((const char *)p + p->weights), *biases = (const float *)((const char *)p + p->biases);
  const int64_t positions = (int64_t)s->out_height * s->out_width, run = table->f32_cols / 2;
  const int64_t pieces_in_row = (s->out_width + run - 1) / run, pieces = s->out_height * pieces_in_row;
  const int64_t plane = s->channels / s->groups * p->layout.plane;
  for (int64_t n = 0; n < batch; n++) {
    lay_out_f32(s, &p->layout, s->channels, x + n * s->channels * s->height * s->width, 0, padded);
    for (int64_t g = 0; g < s->groups; g++) {
      for (int64_t piece = 0; piece < pieces; piece += 2) {
        float *to = y + (n * s->filters + g * p->filters) * positions;
        taps_f32_args args = {
          .taps = (const int32_t *)((const char *)p + p->taps), .k = p->inputs, .c_stride = positions, .activation = p->activation};
        float *base[2] = {to, to};
        for (int64_t v = 0; v < 2 && piece + v < pieces; v++) {
          const int64_t row = (piece + v) / pieces_in_row, column = (piece + v) % pieces_in_row * run;
          args.source[v] = padded + g * plane + row * p->layout.position_row + column;
          args.cols[v] = (int)bitline_min(run, s->out_width - column);
          base[v] = to + row * s->out_width + column;
        }
        for (int64_t f = 0; f < p->filters; f += table->f32_rows) {
          args.a = weights + (g * p->padded_filters + f) * p->inputs;
          args.start = biases + g * p->padded_filters + f;
          args.rows = (int)bitline_min(table->f32_rows, p->filters - f);
          for (int v = 0; v < 2; v++) args.c[v] = base[v] + f * positions;
          table->conv_f32_taps(&args);
        }
      }
    }
  }
}

/// The sums of one group of filters over `columns` positions: `sums[filters][stride]`.
static void run_group(
  const conv_f32_plan *p, const bitline_table *table, int64_t group, int64_t columns, const float *source, int ends_here, float *block,
  float *sums, int64_t stride
) {
  const int32_t *taps = (const int32_t *)((const char *)p + p->taps);
  const float *weights = (const float *)((const char *)p + p->weights) + group * p->padded_filters * p->inputs;
  const float *biases = (const float *)((const char *)p + p->biases) + group * p->padded_filters;
  source += group * (p->shape.channels / p->shape.groups) * p->layout.plane;
  const int64_t passes = (p->inputs + table->f32_depth - 1) / table->f32_depth;
  const int64_t depth = (p->inputs + passes - 1) / passes;
  const bitline_activation none = {BITLINE_ACTIVATION_NONE, 0, 0};
  for (int64_t k = 0; k < p->inputs; k += depth) {
    const int64_t count = bitline_min(depth, p->inputs - k);
    const int last = k + count == p->inputs;
    for (int64_t column = 0; column < columns; column += table->f32_cols) {
      segment segments[BITLINE_MAX_COLS + 1];
      const int cols = (int)bitline_min(table->f32_cols, columns - column);
      const int segment_count = window_segments(&p->layout, column, cols, segments);
      table->pack_f32(block, source, taps + k, count, segments, segment_count, ends_here && column + cols == columns);
      for (int64_t f = 0; f < p->filters; f += table->f32_rows) {
        const gemm_f32_args args = {
          .a = weights + f * p->inputs + k * table->f32_rows, .b = block, .c = sums + f * stride + column, .c_stride = stride, .k = count,
          .start = k == 0 ? biases + f : 0, .activation = last ? p->activation : none,
          .rows = (int)bitline_min(table->f32_rows, p->filters - f), .cols = cols};
        table->gemm_f32_packed_rows(&args);
      }
    }
  }
}

void bitline_conv_f32_run(const void *plan, int64_t batch, const float *x, float *y, void *workspace) {
  const conv_f32_plan *p = plan;
  const bitline_table *table = bitline_table_of((bitline_isa)p->isa);
  if (p->way == DEPTHWISE) return run_depthwise(p, table, batch, x, y, workspace);
  if (p->way == IN_PLACE) return run_in_place(p, table, batch, x, y, workspace);
  const bitline_conv_shape *s = &p->shape;
  const int64_t positions = p->layout.run * p->layout.runs, sample = (int64_t)s->channels * s->height * s->width;
  const int64_t together = window_group(&p->layout, table->f32_cols, batch);
  float *padded = workspace;
  float *block = (float *)((char *)workspace + padded_bytes(p, together * s->channels));
  float *sums = (float *)((char *)block + block_bytes(p, table));
  for (int64_t n = 0; n < batch; n += together) {
    const int64_t samples = bitline_min(together, batch - n);
    const float *source = x + n * sample;
    if (!p->layout.direct) {
      lay_out_f32(s, &p->layout, samples * s->channels, source, 0, padded);
      source = padded;
    }
    float *to = y + n * s->filters * positions;
    const int64_t stride = samples * positions;
    for (int64_t g = 0; g < s->groups; g++) {
      run_group(p, table, g, stride, source, p->layout.direct, block, (samples > 1 ? sums : to) + g * p->filters * stride, stride);
    }
    if (samples > 1) window_scatter(sums, stride, s->filters, samples, positions, to);
  }
}
