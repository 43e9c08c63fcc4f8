/// f32 convolution with sums in f64, in the reference's order: an implicit matrix product, blocks of whose columns are gathered just before
/// they are used.
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
  p.biases = p.weights + (int64_t)bitline_lines(s->filters * p.inputs * 4);
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
  memcpy(bytes + p.weights, weights, (size_t)(shape->filters * p.inputs * 4));
  if (bias) memcpy(bytes + p.biases, bias, (size_t)shape->filters * 4);
}

/// A padded sample; vectors read up to a line beyond.
static size_t padded_bytes(const conv_f32_f64_plan *p) { return p->layout.direct ? 0 : bitline_lines(p->layout.sample * 4 + 64); }

size_t bitline_conv_f32_f64_workspace_bytes(const void *plan, int64_t batch) {
  // Samples run one after another.
  (void)batch;
  const conv_f32_f64_plan *p = plan;
  return padded_bytes(p) + bitline_lines(p->inputs * bitline_table_of((bitline_isa)p->isa)->f32_cols * 4 + 64);
}

#define SAME(x) (x)
BITLINE_LAY_OUT(lay_out_f32, float, SAME)

void bitline_conv_f32_f64_run(const void *plan, int64_t batch, const float *x, float *y, void *workspace) {
  const conv_f32_f64_plan *p = plan;
  const bitline_table *table = bitline_table_of((bitline_isa)p->isa);
  const bitline_conv_shape *s = &p->shape;
  const int32_t *taps = (const int32_t *)((const char *)p + p->taps);
  const float *weights = (const float *)((const char *)p + p->weights), *biases = (const float *)((const char *)p + p->biases);
  const int64_t positions = p->layout.run * p->layout.runs;
  float *block = (float *)((char *)workspace + padded_bytes(p));
  for (int64_t n = 0; n < batch; n++, y += s->filters * positions) {
    const float *source = x + n * s->channels * s->height * s->width;
    if (!p->layout.direct) {
      lay_out_f32(s, &p->layout, s->channels, source, 0, workspace);
      source = workspace;
    }
    for (int64_t g = 0; g < s->groups; g++, source += s->channels / s->groups * p->layout.plane) {
      for (int64_t column = 0; column < positions; column += table->f32_cols) {
        segment segments[BITLINE_MAX_COLS + 1];
        const int cols = (int)bitline_min(table->f32_cols, positions - column);
        const int count = window_segments(&p->layout, column, cols, segments);
        table->pack_f32(block, source, taps, p->inputs, segments, count, p->layout.direct && column + cols == positions);
        for (int64_t f = g * p->filters; f < (g + 1) * p->filters; f += table->f64_rows) {
          const gemm_f32_f64_args args = {
            .a = weights + f * p->inputs, .a_stride = p->inputs, .b = block, .c = y + f * positions + column, .c_stride = positions,
            .k = p->inputs, .bias = biases + f, .bias_by_row = 1, .activation = p->activation,
            .rows = (int)bitline_min(table->f64_rows, (g + 1) * p->filters - f), .cols = cols};
          table->gemm_f32_f64(&args);
        }
      }
    }
  }
}
