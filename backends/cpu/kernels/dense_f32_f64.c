/// f32 dense layer with sums in f64, in the reference's order: samples in rows, filters in columns, weights packed in blocks of columns.
#include "table.h"
#include "team.h"

/// Followed by weights and biases, at these offsets.
typedef struct dense_f32_f64_plan {
  int32_t isa;
  bitline_activation activation;
  int64_t inputs, filters;
  int64_t weights, biases, bytes;
} dense_f32_f64_plan;

static dense_f32_f64_plan describe(bitline_isa isa, int64_t inputs, int64_t filters) {
  dense_f32_f64_plan p = {.isa = isa, .inputs = inputs, .filters = filters};
  const int64_t padded = bitline_round_up(filters, bitline_table_of(isa)->f32_cols);
  p.weights = (int64_t)bitline_lines(sizeof p);
  p.biases = p.weights + (int64_t)bitline_lines(padded * inputs * 4);
  p.bytes = p.biases + (int64_t)bitline_lines(padded * 4);
  return p;
}

size_t bitline_dense_f32_f64_plan_bytes(bitline_isa isa, int64_t inputs, int64_t filters) {
  return (size_t)describe(isa, inputs, filters).bytes;
}

void bitline_dense_f32_f64_prepare(
  bitline_isa isa, int64_t inputs, int64_t filters, const float *weights, int64_t filter_stride, int64_t input_stride, const float *bias,
  bitline_activation activation, void *plan
) {
  dense_f32_f64_plan p = describe(isa, inputs, filters);
  p.activation = activation;
  char *bytes = plan;
  memset(bytes, 0, (size_t)p.bytes);
  memcpy(bytes, &p, sizeof p);
  float *packed = (float *)(bytes + p.weights);
  const int64_t cols = bitline_table_of(isa)->f32_cols;
  for (int64_t f = 0; f < filters; f++) {
    float *to = packed + f / cols * cols * inputs + f % cols;
    for (int64_t k = 0; k < inputs; k++) to[k * cols] = weights[f * filter_stride + k * input_stride];
  }
  if (bias) memcpy(bytes + p.biases, bias, (size_t)filters * 4);
}

typedef struct dense_run {
  const dense_f32_f64_plan *p;
  int64_t batch;
  const float *x;
  float *y;
} dense_run;

/// A block of columns.
static void columns_task(void *context, int64_t index, int worker) {
  const dense_run *r = context;
  const dense_f32_f64_plan *p = r->p;
  (void)worker;
  const bitline_table *table = bitline_table_of((bitline_isa)p->isa);
  const float *weights = (const float *)((const char *)p + p->weights), *biases = (const float *)((const char *)p + p->biases);
  const int64_t f = index * table->f32_cols;
  for (int64_t n = 0; n < r->batch; n += table->f64_rows) {
    const gemm_f32_f64_args args = {
      .a = r->x + n * p->inputs, .a_stride = p->inputs, .b = weights + f * p->inputs, .c = r->y + n * p->filters + f,
      .c_stride = p->filters, .k = p->inputs, .bias = biases + f, .activation = p->activation,
      .rows = (int)bitline_min(table->f64_rows, r->batch - n), .cols = (int)bitline_min(table->f32_cols, p->filters - f)};
    table->gemm_f32_f64(&args);
  }
}

void bitline_dense_f32_f64_run(const void *plan, int64_t batch, const float *x, float *y, bitline_team *team) {
  dense_run r = {.p = plan, .batch = batch, .x = x, .y = y};
  const int64_t cols = bitline_table_of((bitline_isa)r.p->isa)->f32_cols;
  if (r.p->filters * r.p->inputs * batch < TEAM_WORTH) team = 0;
  bitline_team_run(team, (r.p->filters + cols - 1) / cols, columns_task, &r);
}
