/// f32 dense layer: samples in rows, filters in columns, weights packed in blocks of columns; or few filters of many inputs, each by itself.
#include "table.h"
#include "team.h"

/// With so many inputs, adding up the parts of a sum is little beside making them.
enum { MANY_INPUTS = 1024 };

/// Followed by weights and biases, at these offsets.
typedef struct dense_f32_plan {
  int32_t isa;
  bitline_activation activation;
  /// Whether filters are so few that blocks of columns would be half empty: then weights are `[filters][inputs rounded up to 16]`.
  int32_t few;
  int64_t inputs, filters, padded_filters;
  int64_t weights, biases, bytes;
} dense_f32_plan;

static dense_f32_plan describe(bitline_isa isa, int64_t inputs, int64_t filters) {
  dense_f32_plan p = {.isa = isa, .inputs = inputs, .filters = filters};
  p.padded_filters = bitline_round_up(filters, bitline_table_of(isa)->f32_cols);
  p.few = inputs >= MANY_INPUTS && 2 * filters <= bitline_table_of(isa)->f32_cols;
  p.weights = (int64_t)bitline_lines(sizeof(dense_f32_plan));
  const int64_t count = p.few ? filters * bitline_round_up(inputs, 16) : p.padded_filters * inputs;
  p.biases = p.weights + (int64_t)bitline_lines(count * 4);
  p.bytes = p.biases + (int64_t)bitline_lines(p.padded_filters * 4);
  return p;
}

size_t bitline_dense_f32_plan_bytes(bitline_isa isa, int64_t inputs, int64_t filters) {
  return (size_t)describe(isa, inputs, filters).bytes;
}

void bitline_dense_f32_prepare(
  bitline_isa isa, int64_t inputs, int64_t filters, const float *weights, int64_t filter_stride, int64_t input_stride, const float *bias,
  bitline_activation activation, void *plan
) {
  dense_f32_plan p = describe(isa, inputs, filters);
  p.activation = activation;
  char *bytes = plan;
  memset(bytes, 0, (size_t)p.bytes);
  memcpy(bytes, &p, sizeof p);
  float *packed = (float *)(bytes + p.weights), *biases = (float *)(bytes + p.biases);
  const int64_t cols = bitline_table_of(isa)->f32_cols;
  for (int64_t f = 0; f < filters; f++) {
    float *to = p.few ? packed + f * bitline_round_up(inputs, 16) : packed + f / cols * cols * inputs + f % cols;
    const int64_t step = p.few ? 1 : cols;
    for (int64_t k = 0; k < inputs; k++) to[k * step] = weights[f * filter_stride + k * input_stride];
    biases[f] = bias ? bias[f] : 0;
  }
}

typedef struct dense_run {
  const dense_f32_plan *p;
  int64_t batch;
  const float *x;
  float *y;
} dense_run;

/// Four filters.
static void few_task(void *context, int64_t index, int worker) {
  const dense_run *r = context;
  const dense_f32_plan *p = r->p;
  (void)worker;
  const float *weights = (const float *)((const char *)p + p->weights), *biases = (const float *)((const char *)p + p->biases);
  const int64_t f = index * 4;
  const int filters = (int)bitline_min(4, p->filters - f);
  for (int64_t n = 0; n < r->batch; n++) {
    float sums[4];
    bitline_table_of((bitline_isa)p->isa)->dense_few_f32(
      r->x + n * p->inputs, p->inputs, weights + f * bitline_round_up(p->inputs, 16), filters, sums);
    for (int i = 0; i < filters; i++) r->y[n * p->filters + f + i] = bitline_activate(p->activation, sums[i] + biases[f + i]);
  }
}

/// A block of columns.
static void columns_task(void *context, int64_t index, int worker) {
  const dense_run *r = context;
  const dense_f32_plan *p = r->p;
  (void)worker;
  const bitline_table *table = bitline_table_of((bitline_isa)p->isa);
  const float *weights = (const float *)((const char *)p + p->weights), *biases = (const float *)((const char *)p + p->biases);
  const int64_t cols = table->f32_cols, rows = table->f32_rows, f = index * cols;
  const int64_t passes = (p->inputs + table->f32_depth - 1) / table->f32_depth;
  const int64_t depth = passes > 0 ? (p->inputs + passes - 1) / passes : 1;
  const bitline_activation none = {BITLINE_ACTIVATION_NONE, 0, 0};
  // Without inputs there is one pass, of no steps.
  for (int64_t k = 0; k == 0 || k < p->inputs; k += depth) {
    const int64_t count = bitline_min(depth, p->inputs - k);
    for (int64_t n = 0; n < r->batch; n += rows) {
      const gemm_f32_args args = {
        .a = r->x + n * p->inputs + k, .a_stride = p->inputs, .b = weights + f * p->inputs + k * cols, .c = r->y + n * p->filters + f,
        .c_stride = p->filters, .k = count, .start = k == 0 ? biases + f : 0,
        .activation = k + count == p->inputs ? p->activation : none, .rows = (int)bitline_min(rows, r->batch - n),
        .cols = (int)bitline_min(cols, p->filters - f)};
      table->gemm_f32_strided_rows(&args);
    }
  }
}

void bitline_dense_f32_run(const void *plan, int64_t batch, const float *x, float *y, bitline_team *team) {
  dense_run r = {.p = plan, .batch = batch, .x = x, .y = y};
  const int64_t filters = r.p->filters, cols = bitline_table_of((bitline_isa)r.p->isa)->f32_cols;
  if (filters * r.p->inputs * batch < TEAM_WORTH) team = 0;
  if (r.p->few) bitline_team_run(team, (filters + 3) / 4, few_task, &r);
  else bitline_team_run(team, (filters + cols - 1) / cols, columns_task, &r);
}
