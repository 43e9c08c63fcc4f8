/// Convolution of codes with weights of +-1 on tensors in blocks of sixteen channels, finished to numbers or the next layer's codes.
#pragma STDC FP_CONTRACT OFF
#include "conv_codes.h"

#include "blocked.h"
#include "team.h"

/// Cycles, about: 64 multiply-adds each.
static double direct_cycles(const bitline_conv_shape *s, int64_t samples) {
  const double many = (double)bitline_max(samples, 1), from = (double)blocks_of(s->channels), to = (double)blocks_of(s->filters);
  return many * s->out_height * s->out_width * s->kernel_height * s->kernel_width * from * to * 4;
}

/// Products, and transforms of a tile of sixteen channels; infinite where transformed codes do not fit a byte.
static double transformed_cycles(const bitline_conv_shape *s, int32_t lo, int32_t hi, int64_t samples) {
  if (
    s->kernel_height != 3 || s->kernel_width != 3 || s->stride_height != 1 || s->stride_width != 1 || s->dilation_height != 1
    || s->dilation_width != 1 || 4 * (hi - lo) > 255) {
    return __builtin_inf();
  }
  const double many = (double)bitline_max(samples, 1), from = (double)blocks_of(s->channels), to = (double)blocks_of(s->filters);
  const double tiles = many * ((s->out_height + 1) / 2) * ((s->out_width + 1) / 2);
  const double moved = 16 * from * to * 256 / 12, products = tiles * 16 * from * to * 4;
  return (products > moved ? products : moved) + tiles * 40 * (from + 2 * to);
}

static int transforms(const bitline_conv_shape *s, int32_t lo, int32_t hi, int64_t samples) {
  return transformed_cycles(s, lo, hi, samples) < direct_cycles(s, samples);
}

double conv_codes_cycles(const bitline_conv_shape *s, int32_t lo, int32_t hi, int64_t samples) {
  const double direct = direct_cycles(s, samples), transformed = transformed_cycles(s, lo, hi, samples);
  return direct < transformed ? direct : transformed;
}

static conv_codes_plan describe(bitline_isa isa, const bitline_conv_shape *s, int32_t lo, int32_t hi, int64_t samples) {
  const bitline_table *table = bitline_table_of(isa);
  conv_codes_plan p = {.isa = isa, .shape = *s, .lo = lo, .hi = hi, .products = 1};
  p.tiles = (winograd_tiles){
    .height = s->height, .width = s->width, .pad_top = s->pad_top, .pad_left = s->pad_left, .out_height = s->out_height,
    .out_width = s->out_width, .rows = (s->out_height + 1) / 2, .columns = (s->out_width + 1) / 2};
  int64_t run;
  if (transforms(s, lo, hi, samples)) {
    p.tiles.size = 2;
    p.products = 16;
    run = (int64_t)p.tiles.rows * p.tiles.columns * bitline_max(1, samples);
    // The number of sums alone has no negative parts.
    for (int i = 0; i < 16; i++) p.lift[i] = (uint8_t)(i == 5 ? -4 * lo : 2 * (hi - lo));
  } else {
    p.layout = window_layout_of(s, lo >= 0);
    run = p.layout.run;
    p.lift[0] = lo < 0 ? 0x80 : 0;
  }
  p.vecs = blocks_of(s->filters);
  p.wide = table->block_words_rows[1] > 0 ? 2 : 1;
  if (run <= table->block_words_rows[2] && p.vecs % 4 == 0) p.wide = 4;
  p.panels = panel_count(p.vecs, p.wide);
  p.tap_count = blocks_of(s->channels) * (p.tiles.size > 0 ? 1 : (int64_t)s->kernel_height * s->kernel_width);
  p.taps = (int64_t)bitline_lines(sizeof(conv_codes_plan));
  p.m = p.taps + (int64_t)bitline_lines(p.tap_count * 4);
  p.c = p.m + p.vecs * BITLINE_LANES * 4;
  p.starts = p.c + p.vecs * BITLINE_LANES * 4;
  p.weights = p.starts + p.products * p.vecs * BITLINE_LANES * 4;
  p.bytes = p.weights + p.products * p.tap_count * p.vecs * BITLINE_LANES * BITLINE_LANES;
  return p;
}

size_t bitline_conv_codes_plan_bytes(bitline_isa isa, const bitline_conv_shape *shape, int32_t lo, int32_t hi, int64_t samples) {
  return (size_t)describe(isa, shape, lo, hi, samples).bytes;
}

/// A transformed or plain weight to its place, and what lifting its codes adds off the start.
static void place(const conv_codes_plan *p, int64_t f, int64_t product, int64_t tap, int64_t lane, int weight, char *bytes) {
  const conv_blocked_panel panel = panel_with(p->vecs, p->wide, f / BITLINE_LANES);
  const int64_t block = panel.first * BITLINE_LANES * p->products, vec = f / BITLINE_LANES - panel.first;
  const int64_t word = ((product * p->tap_count + tap) * 4 + lane / 4) * panel.vecs + vec;
  int8_t *weights = (int8_t *)(bytes + p->weights) + block * p->tap_count * BITLINE_LANES;
  weights[(word * BITLINE_LANES + f % BITLINE_LANES) * 4 + lane % 4] = (int8_t)weight;
  int32_t *starts = (int32_t *)(bytes + p->starts) + block;
  starts[(product * panel.vecs + vec) * BITLINE_LANES + f % BITLINE_LANES] -= p->lift[product] * weight;
}

void bitline_conv_codes_prepare(
  bitline_isa isa, const bitline_conv_shape *s, int32_t lo, int32_t hi, int64_t samples, const int8_t *weights, const float *m,
  const float *c, const bitline_finish *finish, void *plan
) {
  conv_codes_plan p = describe(isa, s, lo, hi, samples);
  p.finish = *finish;
  char *bytes = plan;
  memset(bytes, 0, (size_t)p.bytes);
  memcpy(bytes, &p, sizeof p);
  memcpy(bytes + p.m, m, sizeof(float) * (size_t)s->filters);
  memcpy(bytes + p.c, c, sizeof(float) * (size_t)s->filters);
  const int64_t area = (int64_t)s->kernel_height * s->kernel_width;
  int32_t *taps = (int32_t *)(bytes + p.taps);
  if (p.tiles.size == 0) for (int64_t tap = 0; tap < p.tap_count; tap++) taps[tap] = window_tap(s, &p.layout, tap) * BITLINE_LANES;
  // Twice the matrix of F(2x2, 3x3).
  static const int g[4][3] = {{2, 0, 0}, {1, 1, 1}, {1, -1, 1}, {0, 0, 2}};
  for (int64_t f = 0; f < s->filters; f++) {
    for (int64_t channel = 0; channel < s->channels; channel++, weights += area) {
      const int64_t block = channel / BITLINE_LANES, lane = channel % BITLINE_LANES;
      if (p.tiles.size == 0) {
        for (int64_t i = 0; i < area; i++) place(&p, f, 0, block * area + i, lane, weights[i], bytes);
        continue;
      }
      for (int i = 0; i < 16; i++) {
        int sum = 0;
        for (int k = 0; k < 9; k++) sum += g[i / 4][k / 3] * g[i % 4][k % 3] * weights[k];
        place(&p, f, i, block, lane, sum, bytes);
      }
    }
  }
}

int bitline_conv_codes_winograd_tile(const void *plan) { return ((const conv_codes_plan *)plan)->tiles.size; }

static int64_t padded_bytes(const conv_codes_plan *p) {
  return p->layout.direct ? 0 : (int64_t)bitline_lines(blocks_of(p->shape.channels) * p->layout.plane * BITLINE_LANES);
}

static int64_t sums_bytes(const conv_codes_plan *p) { return 16 * p->wide * BITLINE_LANES * 4; }

size_t bitline_conv_codes_workspace_bytes(const void *plan, int64_t batch, int threads) {
  const conv_codes_plan *p = plan;
  if (p->tiles.size > 0) return winograd_codes_workspace_bytes(p, batch, threads);
  return (size_t)(padded_bytes(p) + sums_bytes(p) * threads);
}

typedef struct codes_run {
  const conv_codes_plan *p;
  const uint8_t *x;
  uint8_t *y, *padded;
  char *sums;
  /// Runs of a task, and tasks for each panel.
  int64_t runs, parts;
} codes_run;

/// One plane, lifted to u8.
static void lay_out_task(void *context, int64_t plane, int worker) {
  const codes_run *r = context;
  const conv_codes_plan *p = r->p;
  (void)worker;
  const uint8_t lift = p->lift[0];
  window_lay_out_codes(
    &p->shape, &p->layout, r->x + plane * p->shape.height * p->shape.width * BITLINE_LANES, lift, lift,
    r->padded + plane * p->layout.plane * BITLINE_LANES);
}

static void direct_task(void *context, int64_t index, int worker) {
  const codes_run *r = context;
  const conv_codes_plan *p = r->p;
  const bitline_table *table = bitline_table_of((bitline_isa)p->isa);
  const conv_blocked_panel panel = panel_of(p->vecs, p->wide, index / r->parts);
  const int most = table->block_words_rows[panel.vecs == 4 ? 2 : panel.vecs - 1];
  const int64_t lanes = panel.vecs * BITLINE_LANES, first_run = index % r->parts * r->runs;
  const int64_t positions = p->layout.run * p->layout.runs, end_run = bitline_min(first_run + r->runs, p->layout.runs);
  const int64_t pieces = (p->layout.run + most - 1) / most, size = p->finish.quantizes ? 1 : 4;
  const float *m = (const float *)((const char *)p + p->m), *c = (const float *)((const char *)p + p->c);
  block_words_args args = {
    .taps = (const int32_t *)((const char *)p + p->taps), .tap_count = p->tap_count, .vecs = panel.vecs, .y_row = lanes,
    .w = (const int8_t *)p + p->weights + panel.first * BITLINE_LANES * p->tap_count * BITLINE_LANES,
    .start = (const int32_t *)((const char *)p + p->starts) + panel.first * BITLINE_LANES,
    .y = (int32_t *)(r->sums + worker * sums_bytes(p))};
  for (int64_t run = first_run; run < end_run; run++) {
    for (int64_t piece = 0; piece < pieces; piece++) {
      const int64_t first = piece * p->layout.run / pieces, end = (piece + 1) * p->layout.run / pieces;
      args.x = r->x + (run * p->layout.position_row + first) * BITLINE_LANES;
      args.rows = (int)(end - first);
      table->block_small(&args);
      for (int64_t v = 0; v < panel.vecs; v++) {
        const int64_t block = panel.first + v, at = (block * positions + run * p->layout.run + first) * BITLINE_LANES;
        table->finish_rows(
          &p->finish, args.y + v * BITLINE_LANES, lanes, args.rows, m + block * BITLINE_LANES, c + block * BITLINE_LANES, r->y + at * size);
      }
    }
  }
}

void bitline_conv_codes_run(const void *plan, int64_t batch, const void *codes, void *y, void *workspace, bitline_team *team) {
  const conv_codes_plan *p = plan;
  if (p->tiles.size > 0) return winograd_codes_run(p, batch, codes, y, workspace, team);
  const bitline_conv_shape *s = &p->shape;
  const int64_t planes = blocks_of(s->channels), size = p->finish.quantizes ? 1 : 4;
  for (int64_t n = 0; n < batch; n++) {
    codes_run r = {
      .p = p, .x = (const uint8_t *)codes + n * planes * s->height * s->width * BITLINE_LANES,
      .y = (uint8_t *)y + n * p->vecs * s->out_height * s->out_width * BITLINE_LANES * size, .padded = workspace,
      .sums = (char *)workspace + padded_bytes(p), .runs = p->layout.runs, .parts = 1};
    const int threads = bitline_team_threads(team);
    if (threads > 1) {
      r.runs = bitline_max(1, p->layout.runs / bitline_max(1, (4 * threads + p->panels - 1) / p->panels));
      r.parts = (p->layout.runs + r.runs - 1) / r.runs;
    }
    if (!p->layout.direct) {
      bitline_team_run(team, planes, lay_out_task, &r);
      r.x = workspace;
    }
    bitline_team_run(team, p->panels * r.parts, direct_task, &r);
  }
}
