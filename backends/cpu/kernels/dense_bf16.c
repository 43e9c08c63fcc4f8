/// Dense layer of numbers of bf16 with sums in f32: samples in rows, rounded before they are used; filters in columns, rounded when packed.
#include "blocked.h"
#include "conv_blocked.h"
#include "team.h"

/// Followed by biases and weights, at these offsets.
typedef struct dense_bf16_plan {
  int32_t isa;
  bitline_activation activation;
  int64_t inputs, filters;
  int32_t wide;
  int64_t vecs, panels;
  /// Weights are `[panels][tap_count][2][vecs of the panel][16][2]`, four inputs a tap.
  int64_t tap_count, biases, weights, bytes;
} dense_bf16_plan;

static dense_bf16_plan describe(bitline_isa isa, int64_t inputs, int64_t filters) {
  dense_bf16_plan p = {.isa = isa, .inputs = inputs, .filters = filters, .vecs = blocks_of(filters)};
  p.wide = bitline_table_of(isa)->block_f32_rows[1] > 0 ? 2 : 1;
  p.panels = panel_count(p.vecs, p.wide);
  p.tap_count = (inputs + TAP_CHANNELS - 1) / TAP_CHANNELS;
  p.biases = (int64_t)bitline_lines(sizeof p);
  p.weights = p.biases + (int64_t)bitline_lines(p.vecs * BITLINE_LANES * 4);
  p.bytes = p.weights + p.tap_count * TAP_CHANNELS * p.vecs * BITLINE_LANES * 2;
  return p;
}

size_t bitline_dense_bf16_plan_bytes(bitline_isa isa, int64_t inputs, int64_t filters) { return (size_t)describe(isa, inputs, filters).bytes; }

void bitline_dense_bf16_prepare(
  bitline_isa isa, int64_t inputs, int64_t filters, const float *weights, int64_t filter_stride, int64_t input_stride, const float *bias,
  bitline_activation activation, void *plan
) {
  dense_bf16_plan p = describe(isa, inputs, filters);
  p.activation = activation;
  char *bytes = plan;
  memset(bytes, 0, (size_t)p.bytes);
  memcpy(bytes, &p, sizeof p);
  if (bias) memcpy(bytes + p.biases, bias, (size_t)filters * 4);
  uint16_t *packed = (uint16_t *)(bytes + p.weights);
  for (int64_t f = 0; f < filters; f++) {
    const conv_blocked_panel panel = panel_with(p.vecs, p.wide, f / BITLINE_LANES);
    uint16_t *to = packed + panel.first * BITLINE_LANES * p.tap_count * TAP_CHANNELS + (f - panel.first * BITLINE_LANES) * 2;
    for (int64_t k = 0; k < inputs; k++) {
      to[k / 2 * panel.vecs * BITLINE_LANES * 2 + k % 2] = bf16_of(weights[f * filter_stride + k * input_stride]);
    }
  }
}

/// Rows are laid out as positions of blocks of sixteen channels are.
static int64_t row_blocks(const dense_bf16_plan *p) { return blocks_of(p->inputs); }

size_t bitline_dense_bf16_workspace_bytes(const void *plan, int64_t batch) {
  const dense_bf16_plan *p = plan;
  return bitline_lines(row_blocks(p) * batch * BITLINE_LANES * 2) + bitline_lines(p->tap_count * 4);
}

/// Of a block at any level.
enum { MOST_ROWS = 14 };

typedef struct dense_run {
  const dense_bf16_plan *p;
  void (*block)(const block_bf16_args *args);
  int64_t batch;
  float *y;
  /// `[blocks of inputs][batch][16]`
  const uint16_t *numbers;
  const int32_t *taps;
} dense_run;

static void panel_task(void *context, int64_t index, int worker) {
  const dense_run *r = context;
  const dense_bf16_plan *p = r->p;
  (void)worker;
  const conv_blocked_panel panel = panel_of(p->vecs, p->wide, index);
  const int64_t most = bitline_table_of((bitline_isa)p->isa)->block_f32_rows[panel.vecs - 1], first = panel.first * BITLINE_LANES;
  const int64_t filters = bitline_min(p->filters - first, panel.vecs * BITLINE_LANES);
  // Blocks write whole vecs: those that a row has no room for go by a copy.
  float sums[MOST_ROWS * 2 * BITLINE_LANES];
  const int fits = filters == panel.vecs * BITLINE_LANES;
  for (int64_t n = 0; n < r->batch; n += most) {
    const int64_t rows = bitline_min(most, r->batch - n);
    float *y = r->y + n * p->filters + first;
    const block_bf16_args args = {
      .x = r->numbers + n * BITLINE_LANES, .taps = r->taps, .tap_count = p->tap_count,
      .w = (const uint16_t *)((const char *)p + p->weights) + first * p->tap_count * TAP_CHANNELS,
      .bias = (const float *)((const char *)p + p->biases) + first, .y = fits ? y : sums,
      .y_row = fits ? p->filters : panel.vecs * BITLINE_LANES, .y_vec = BITLINE_LANES, .activation = p->activation, .rows = (int)rows,
      .vecs = panel.vecs, .words = TAP_CHANNELS / 2, .step = BITLINE_LANES};
    r->block(&args);
    if (fits) continue;
    for (int64_t i = 0; i < rows; i++) memcpy(y + i * p->filters, sums + i * args.y_row, (size_t)filters * 4);
  }
}

void bitline_dense_bf16_run(const void *plan, int64_t batch, const float *x, float *y, void *workspace, bitline_team *team) {
  const dense_bf16_plan *p = plan;
  const bitline_table *table = bitline_table_of((bitline_isa)p->isa);
  uint16_t *numbers = workspace;
  int32_t *taps = (int32_t *)((char *)workspace + bitline_lines(row_blocks(p) * batch * BITLINE_LANES * 2));
  for (int64_t n = 0; n < batch; n++) {
    for (int64_t block = 0; block < row_blocks(p); block++) {
      uint16_t *to = numbers + (block * batch + n) * BITLINE_LANES;
      const int64_t count = bitline_min(BITLINE_LANES, p->inputs - block * BITLINE_LANES);
      table->round_bf16(count, x + n * p->inputs + block * BITLINE_LANES, to);
      memset(to + count, 0, (size_t)(BITLINE_LANES - count) * 2);
    }
  }
  for (int64_t tap = 0; tap < p->tap_count; tap++) {
    const int64_t k = tap * TAP_CHANNELS;
    taps[tap] = (int32_t)(k / BITLINE_LANES * batch * BITLINE_LANES + k % BITLINE_LANES);
  }
  dense_run r = {
    .p = p, .block = bitline_bf16_is_native((bitline_isa)p->isa) ? table->block_bf16_native : table->block_bf16, .batch = batch, .y = y,
    .numbers = numbers, .taps = taps};
  if (p->filters * p->inputs * batch < TEAM_WORTH) team = 0;
  bitline_team_run(team, p->panels, panel_task, &r);
}
