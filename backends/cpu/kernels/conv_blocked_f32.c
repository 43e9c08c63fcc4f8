/// f32 convolution on tensors in blocks of sixteen channels: directly, or by Winograd's transforms.
#include "blocked.h"
#include "conv_blocked.h"
#include "team.h"
#include "winograd_grid.h"

static conv_blocked_plan describe(bitline_isa isa, const bitline_conv_shape *s, int plain, int64_t samples, int exact) {
  const bitline_table *table = bitline_table_of(isa);
  conv_blocked_plan p = {.isa = isa, .shape = *s, .plain = plain};
  if (!exact) winograd_choose(s, plain, samples, &p.grid);
  if (p.grid.rows.points > 0) {
    p.run = winograd_tile_count(&p.grid) * bitline_max(1, samples);
    winograd_describe(&p);
  } else {
    p.read = blocked_read(s, plain);
    p.step = !plain ? BITLINE_LANES : s->stride_width == 2 ? 2 : 1;
    // Where each column is read by itself, a row of as many columns as the input has is still no row of results.
    p.layout = window_layout_of(&p.read, p.step != 2);
    p.layout.run = p.layout.direct ? p.layout.run : s->out_width;
    p.run = p.layout.run;
    p.tap_count =
      (plain ? s->channels : (s->channels + TAP_CHANNELS - 1) / TAP_CHANNELS) * (int64_t)s->kernel_height * s->kernel_width;
    p.depth = plain ? p.tap_count : p.tap_count * TAP_CHANNELS;
  }
  p.inner = plain ? 1 : BITLINE_LANES;
  p.vecs = blocks_of(s->filters);
  p.wide = table->block_f32_rows[1] > 0 ? 2 : 1;
  if (p.run <= table->block_f32_rows[2] && p.vecs % 4 == 0) p.wide = 4;
  p.panels = panel_count(p.vecs, p.wide);
  p.taps = (int64_t)bitline_lines(sizeof(conv_blocked_plan));
  p.biases = p.taps + (int64_t)bitline_lines(p.tap_count * 4);
  p.weights = p.biases + (int64_t)bitline_lines(p.vecs * BITLINE_LANES * 4);
  p.bytes = p.weights + p.depth * p.vecs * BITLINE_LANES * 4;
  return p;
}

size_t bitline_conv_blocked_f32_plan_bytes(bitline_isa isa, const bitline_conv_shape *shape, int plain, int64_t samples, int exact) {
  return (size_t)describe(isa, shape, plain, samples, exact).bytes;
}

void bitline_conv_blocked_f32_prepare(
  bitline_isa isa, const bitline_conv_shape *s, int plain, int64_t samples, int exact, const float *weights, const float *bias,
  bitline_activation activation, void *plan
) {
  conv_blocked_plan p = describe(isa, s, plain, samples, exact);
  p.activation = activation;
  char *bytes = plan;
  memset(bytes, 0, (size_t)p.bytes);
  memcpy(bytes, &p, sizeof p);
  float *biases = (float *)(bytes + p.biases), *packed = (float *)(bytes + p.weights);
  for (int64_t f = 0; f < s->filters; f++) biases[f] = bias ? bias[f] : 0;
  if (p.grid.rows.points > 0) return winograd_pack(&p, weights, packed);
  int32_t *taps = (int32_t *)(bytes + p.taps);
  const int64_t area = (int64_t)s->kernel_height * s->kernel_width;
  for (int64_t tap = 0; tap < p.tap_count; tap++) {
    const blocked_tap t = plain ? (blocked_tap){.channel = tap / area, .place = tap % area} : blocked_tap_of(s, tap);
    taps[tap] = (int32_t)(window_tap(&p.read, &p.layout, t.channel / p.inner * area + t.place) * p.inner + t.channel % p.inner);
  }
  const int64_t channels = plain ? 1 : TAP_CHANNELS;
  for (int64_t index = 0; index < p.panels; index++) {
    const conv_blocked_panel panel = panel_of(p.vecs, p.wide, index);
    for (int64_t tap = 0; tap < p.tap_count; tap++) {
      const blocked_tap t = plain ? (blocked_tap){.channel = tap / area, .place = tap % area} : blocked_tap_of(s, tap);
      for (int64_t channel = t.channel; channel < t.channel + channels; channel++) {
        for (int64_t lane = 0; lane < panel.vecs * BITLINE_LANES; lane++, packed++) {
          const int64_t f = panel.first * BITLINE_LANES + lane;
          if (f < s->filters && channel < s->channels) *packed = weights[(f * s->channels + channel) * area + t.place];
        }
      }
    }
  }
}

int bitline_conv_blocked_f32_winograd_rows(const void *plan) { return ((const conv_blocked_plan *)plan)->grid.rows.results; }

int bitline_conv_blocked_f32_winograd_columns(const void *plan) { return ((const conv_blocked_plan *)plan)->grid.columns.results; }

static int64_t padded_bytes(const conv_blocked_plan *p) {
  const int64_t planes = p->plain ? p->shape.channels : blocks_of(p->shape.channels);
  return p->layout.direct ? 0 : (int64_t)bitline_lines(planes * p->layout.plane * p->inner * 4);
}

size_t bitline_conv_blocked_f32_workspace_bytes(const void *plan, int64_t batch, int threads) {
  const conv_blocked_plan *p = plan;
  return p->grid.rows.points > 0 ? winograd_workspace_bytes(p, batch, threads) : (size_t)padded_bytes(p);
}

/// One plane of elements of sixteen channels, as `BITLINE_LAY_OUT` lays out planes of one.
static void lay_out_blocked(const bitline_conv_shape *s, const window_layout *l, const float *x, float *padded) {
  for (int64_t y = 0; y < l->height; y++) {
    const int64_t at = y - s->pad_top;
    float *row = padded + y * l->row * BITLINE_LANES;
    if (at < 0 || at >= s->height) {
      memset(row, 0, (size_t)(l->row * BITLINE_LANES * 4));
      continue;
    }
    const float *from = x + at * s->width * BITLINE_LANES;
    for (int64_t phase = 0; phase < s->stride_width; phase++) {
      for (int64_t i = 0; i < l->phase_width; i++, row += BITLINE_LANES) {
        const int64_t column = i * s->stride_width + phase - s->pad_left;
        if (column >= 0 && column < s->width) memcpy(row, from + column * BITLINE_LANES, BITLINE_LANES * 4);
        else memset(row, 0, BITLINE_LANES * 4);
      }
    }
  }
}

#define SAME(x) (x)
BITLINE_LAY_OUT(lay_out_plain, float, SAME)

typedef struct direct_run {
  const conv_blocked_plan *p;
  const float *x, *add;
  float *y, *padded;
  /// Tasks for each panel.
  int64_t parts;
} direct_run;

static void lay_out_task(void *context, int64_t plane, int worker) {
  const direct_run *r = context;
  const conv_blocked_plan *p = r->p;
  (void)worker;
  const int64_t size = (int64_t)p->shape.height * p->shape.width * p->inner;
  float *to = r->padded + plane * p->layout.plane * p->inner;
  if (p->plain) lay_out_plain(&p->read, &p->layout, 1, r->x + plane * size, 0, to);
  else lay_out_blocked(&p->shape, &p->layout, r->x + plane * size, to);
}

/// How many filters' sums of a panel are halves: those of its last vec, if it has eight filters at most.
static int ends_in_half(const conv_blocked_plan *p, conv_blocked_panel panel) {
  const int64_t last = p->shape.filters - (panel.first + panel.vecs - 1) * BITLINE_LANES;
  return !p->plain && panel.vecs <= 2 && last <= BITLINE_LANES / 2;
}

static void direct_task(void *context, int64_t index, int worker) {
  const direct_run *r = context;
  const conv_blocked_plan *p = r->p;
  (void)worker;
  const bitline_table *table = bitline_table_of((bitline_isa)p->isa);
  const conv_blocked_panel panel = panel_of(p->vecs, p->wide, index / r->parts);
  const int most = table->block_f32_rows[panel.vecs == 4 ? 2 : panel.vecs - 1];
  const int64_t positions = p->layout.run * p->layout.runs;
  block_pieces pieces = block_pieces_of(&p->layout, most, index % r->parts, r->parts);
  block_f32_args args = {
    .taps = (const int32_t *)((const char *)p + p->taps), .tap_count = p->tap_count,
    .w = (const float *)((const char *)p + p->weights) + panel.first * BITLINE_LANES * p->depth,
    .bias = (const float *)((const char *)p + p->biases) + panel.first * BITLINE_LANES, .y_row = BITLINE_LANES,
    .y_vec = positions * BITLINE_LANES, .activation = p->activation, .vecs = panel.vecs,
    .inner = p->plain ? 1 : TAP_CHANNELS, .step = p->step,
    .half = ends_in_half(p, panel)};
  // Weights of the next panel come near while this one's are used, where that is not often.
  const int64_t lines = args.inner * panel.vecs, calls = bitline_max(1, pieces.left);
  args.ahead = args.w + p->depth * panel.vecs * BITLINE_LANES;
  args.ahead_lines = calls <= lines ? (lines + calls - 1) / calls : 0;
  for (; pieces.left > 0; block_pieces_next(&pieces), args.ahead += p->tap_count * args.ahead_lines * BITLINE_LANES) {
    const int64_t at = panel.first * args.y_vec + (pieces.run * p->layout.run + pieces.first) * BITLINE_LANES;
    args.x = r->x + pieces.run * p->layout.position_row * p->inner + pieces.first * p->step;
    args.y = r->y + at;
    args.add = r->add ? r->add + at : 0;
    args.rows = (int)block_pieces_rows(&pieces);
    table->block_f32(&args);
  }
}

void bitline_conv_blocked_f32_run(
  const void *plan, int64_t batch, const float *x, const float *add, float *y, void *workspace, bitline_team *team
) {
  const conv_blocked_plan *p = plan;
  if (p->grid.rows.points > 0) return winograd_run(p, batch, x, add, y, workspace, team);
  const bitline_conv_shape *s = &p->shape;
  const int64_t planes = p->plain ? s->channels : blocks_of(s->channels);
  const int64_t x_sample = planes * s->height * s->width * p->inner, y_sample = p->vecs * s->out_height * s->out_width * BITLINE_LANES;
  const int threads = bitline_team_threads(team);
  for (int64_t n = 0; n < batch; n++) {
    direct_run r = {
      .p = p, .x = x + n * x_sample, .add = add ? add + n * y_sample : 0, .y = y + n * y_sample, .padded = workspace,
      .parts = threads > 1 ? (4 * threads + p->panels - 1) / p->panels : 1};
    if (!p->layout.direct) {
      bitline_team_run(team, planes, lay_out_task, &r);
      r.x = workspace;
    }
    bitline_team_run(team, p->panels * r.parts, direct_task, &r);
  }
}
