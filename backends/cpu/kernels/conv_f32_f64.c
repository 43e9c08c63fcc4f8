/// f32 convolution with sums in f64, in the reference's order: an implicit matrix product, blocks of whose columns are gathered just before
/// they are used. Weights are kept as f64, and columns become f64 when they are gathered, since each is multiplied by many of the other.
#include "team.h"
#include "window.h"

/// Followed by taps, weights and biases, at these offsets.
typedef struct conv_f32_f64_plan {
  int32_t isa;
  bitline_conv_shape shape;
  bitline_activation activation;
  window_layout layout;
  /// Of one group.
  int64_t inputs, filters;
  int64_t taps, weights, biases, bytes;
} conv_f32_f64_plan;

static conv_f32_f64_plan describe(bitline_isa isa, const bitline_conv_shape *s) {
  conv_f32_f64_plan p = {.isa = isa, .shape = *s, .layout = window_layout_of(s, 1)};
  p.inputs = (int64_t)s->channels / s->groups * s->kernel_height * s->kernel_width;
  p.filters = s->filters / s->groups;
  p.taps = (int64_t)bitline_lines(sizeof p);
  p.weights = p.taps + (int64_t)bitline_lines(p.inputs * 4);
  p.biases = p.weights + (int64_t)bitline_lines(s->filters * p.inputs * 8);
  p.bytes = p.biases + (int64_t)bitline_lines(s->filters * 4);
  return p;
}

size_t bitline_conv_f32_f64_plan_bytes(bitline_isa isa, const bitline_conv_shape *shape) { return (size_t)describe(isa, shape).bytes; }

void bitline_conv_f32_f64_prepare(
  bitline_isa isa, const bitline_conv_shape *shape, const float *weights, const float *bias, bitline_activation activation, void *plan
) {
  conv_f32_f64_plan p = describe(isa, shape);
  p.activation = activation;
  char *bytes = plan;
  memset(bytes, 0, (size_t)p.bytes);
  memcpy(bytes, &p, sizeof p);
  int32_t *taps = (int32_t *)(bytes + p.taps);
  for (int64_t k = 0; k < p.inputs; k++) taps[k] = window_tap(shape, &p.layout, k);
  double *wide = (double *)(bytes + p.weights);
  for (int64_t i = 0; i < shape->filters * p.inputs; i++) wide[i] = weights[i];
  if (bias) memcpy(bytes + p.biases, bias, (size_t)shape->filters * 4);
}

/// A padded sample; vectors read up to a line beyond.
static size_t padded_bytes(const conv_f32_f64_plan *p) { return p->layout.direct ? 0 : bitline_lines(p->layout.sample * 4 + 64); }

/// A block of columns as f32, which is filled up to a line beyond, and as f64; each worker has one.
static int64_t block_floats(const conv_f32_f64_plan *p) { return p->inputs * bitline_table_of((bitline_isa)p->isa)->f32_cols; }

static size_t block_bytes(const conv_f32_f64_plan *p) { return bitline_lines(block_floats(p) * 4 + 64) + bitline_lines(block_floats(p) * 8); }

size_t bitline_conv_f32_f64_workspace_bytes(const void *plan, int64_t batch, int threads) {
  // Samples run one after another.
  (void)batch;
  return padded_bytes(plan) + block_bytes(plan) * (size_t)bitline_max(threads, 1);
}

#define SAME(x) (x)
BITLINE_LAY_OUT(lay_out_f32, float, SAME)

typedef struct f64_run {
  const conv_f32_f64_plan *p;
  /// A sample as it is laid out, and its results.
  const float *source;
  float *y;
  char *blocks;
} f64_run;

/// A block of columns of a group.
static void columns_task(void *context, int64_t index, int worker) {
  const f64_run *r = context;
  const conv_f32_f64_plan *p = r->p;
  const bitline_table *table = bitline_table_of((bitline_isa)p->isa);
  const double *weights = (const double *)((const char *)p + p->weights);
  const float *biases = (const float *)((const char *)p + p->biases);
  const int64_t positions = p->layout.run * p->layout.runs, pieces = (positions + table->f32_cols - 1) / table->f32_cols;
  const int64_t group = index / pieces, column = index % pieces * table->f32_cols;
  const float *source = r->source + group * (p->shape.channels / p->shape.groups) * p->layout.plane;
  float *block = (float *)(r->blocks + block_bytes(p) * (size_t)worker);
  double *wide = (double *)((char *)block + bitline_lines(block_floats(p) * 4 + 64));
  segment segments[BITLINE_MAX_COLS + 1];
  const int cols = (int)bitline_min(table->f32_cols, positions - column);
  const int count = window_segments(&p->layout, column, cols, segments);
  table->pack_f32(
    block, source, (const int32_t *)((const char *)p + p->taps), p->inputs, segments, count,
    p->layout.direct && column + cols == positions);
  table->widen_f32_f64(block_floats(p), block, wide);
  for (int64_t f = group * p->filters; f < (group + 1) * p->filters; f += table->f64_rows) {
    const gemm_f32_f64_args args = {
      .wide_a = weights + f * p->inputs, .a_stride = p->inputs, .wide_b = wide, .c = r->y + f * positions + column, .c_stride = positions,
      .k = p->inputs, .bias = biases + f, .bias_by_row = 1, .activation = p->activation,
      .rows = (int)bitline_min(table->f64_rows, (group + 1) * p->filters - f), .cols = cols};
    table->gemm_f64(&args);
  }
}

void bitline_conv_f32_f64_run(const void *plan, int64_t batch, const float *x, float *y, void *workspace, bitline_team *team) {
  const conv_f32_f64_plan *p = plan;
  const bitline_conv_shape *s = &p->shape;
  const int64_t positions = p->layout.run * p->layout.runs, cols = bitline_table_of((bitline_isa)p->isa)->f32_cols;
  if (positions * p->inputs * s->filters < TEAM_WORTH) team = 0;
  for (int64_t n = 0; n < batch; n++) {
    f64_run r = {
      .p = p, .source = x + n * s->channels * s->height * s->width, .y = y + n * s->filters * positions,
      .blocks = (char *)workspace + padded_bytes(p)};
    if (!p->layout.direct) {
      lay_out_f32(s, &p->layout, s->channels, r.source, 0, workspace);
      r.source = workspace;
    }
    bitline_team_run(team, s->groups * ((positions + cols - 1) / cols), columns_task, &r);
  }
}
