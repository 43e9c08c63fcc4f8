/// Convolutions and matrix products of codes with weights of i8, to sums of 32 bits or to what they stand for.
#include "blocked.h"
#include "conv_blocked.h"
#include "team.h"

/// Bytes of rows laid out together that should stay in the second cache, and the fewest rows for which weights are read again.
enum { NEAR_BYTES = 256 << 10, FEWEST_ROWS = 56 };

/// Followed by taps, sums of weights and weights, at these offsets.
typedef struct sums_i8_plan {
  int32_t isa;
  /// Of a matrix: a point over as many positions as there are rows.
  bitline_conv_shape shape;
  int32_t is_matrix;
  /// Codes of i8 are computed with as u8, 128 higher.
  uint8_t flip;
  window_layout layout;
  /// Blocks of filters, how many of them a panel has unless they end, and panels; taps.
  int64_t vecs, panels, tap_count;
  int32_t wide;
  /// Weights are `[panels][tap_count][4][vecs of the panel][16][4]`.
  int64_t taps, totals, weights, bytes;
} sums_i8_plan;

static sums_i8_plan describe(bitline_isa isa, const bitline_conv_shape *s, int is_matrix, int signed_codes) {
  const bitline_table *table = bitline_table_of(isa);
  sums_i8_plan p = {.isa = isa, .shape = *s, .is_matrix = is_matrix, .flip = signed_codes ? 0x80 : 0};
  p.layout = window_layout_of(s, is_matrix || !signed_codes);
  p.vecs = blocks_of(s->filters);
  p.wide = table->block_words_rows[1] > 0 ? 2 : 1;
  if (p.layout.run <= table->block_words_rows[2] && p.vecs % 4 == 0) p.wide = 4;
  p.panels = panel_count(p.vecs, p.wide);
  p.tap_count = blocks_of(s->channels) * s->kernel_height * s->kernel_width;
  p.taps = (int64_t)bitline_lines(sizeof(sums_i8_plan));
  p.totals = p.taps + (int64_t)bitline_lines(p.tap_count * 4);
  p.weights = p.totals + p.vecs * BITLINE_LANES * 4;
  p.bytes = p.weights + p.tap_count * p.vecs * BITLINE_LANES * BITLINE_LANES;
  return p;
}

/// Weight `w[filter * filter_stride + input * input_stride]`, inputs channel by channel, then along the kernel's axes.
static void prepare(const sums_i8_plan *p, const int8_t *w, int64_t filter_stride, int64_t input_stride, void *plan) {
  const bitline_conv_shape *s = &p->shape;
  char *bytes = plan;
  memset(bytes, 0, (size_t)p->bytes);
  memcpy(bytes, p, sizeof *p);
  const int64_t area = (int64_t)s->kernel_height * s->kernel_width;
  int32_t *taps = (int32_t *)(bytes + p->taps), *totals = (int32_t *)(bytes + p->totals);
  for (int64_t tap = 0; tap < p->tap_count; tap++) taps[tap] = window_tap(s, &p->layout, tap) * BITLINE_LANES;
  for (int64_t f = 0; f < s->filters; f++) {
    const conv_blocked_panel panel = panel_with(p->vecs, p->wide, f / BITLINE_LANES);
    int8_t *packed = (int8_t *)(bytes + p->weights) + panel.first * p->tap_count * BITLINE_LANES * BITLINE_LANES;
    packed += ((f / BITLINE_LANES - panel.first) * BITLINE_LANES + f % BITLINE_LANES) * 4;
    for (int64_t k = 0; k < s->channels * area; k++) {
      const int64_t tap = k / area / BITLINE_LANES * area + k % area, lane = k / area % BITLINE_LANES;
      const int8_t weight = w[f * filter_stride + k * input_stride];
      packed[(tap * 4 + lane / 4) * panel.vecs * BITLINE_LANES * 4 + lane % 4] = weight;
      totals[f] += weight;
    }
  }
}

size_t bitline_conv_sums_i8_plan_bytes(bitline_isa isa, const bitline_conv_shape *shape, int signed_codes) {
  return (size_t)describe(isa, shape, 0, signed_codes).bytes;
}

void bitline_conv_sums_i8_prepare(bitline_isa isa, const bitline_conv_shape *s, int signed_codes, const int8_t *weights, void *plan) {
  const sums_i8_plan p = describe(isa, s, 0, signed_codes);
  prepare(&p, weights, (int64_t)s->channels * s->kernel_height * s->kernel_width, 1, plan);
}

/// How many rows there are only tells few from many.
static bitline_conv_shape matrix_shape(int64_t inputs, int64_t filters, int64_t many) {
  const int64_t rows = bitline_max(1, bitline_min(many, FEWEST_ROWS));
  return (bitline_conv_shape){
    .channels = (int32_t)inputs, .height = 1, .width = (int32_t)rows, .filters = (int32_t)filters, .groups = 1, .kernel_height = 1,
    .kernel_width = 1, .stride_height = 1, .stride_width = 1, .dilation_height = 1, .dilation_width = 1, .out_height = 1,
    .out_width = (int32_t)rows};
}

size_t bitline_matmul_sums_i8_plan_bytes(bitline_isa isa, int64_t inputs, int64_t filters, int64_t rows) {
  const bitline_conv_shape shape = matrix_shape(inputs, filters, rows);
  return (size_t)describe(isa, &shape, 1, 0).bytes;
}

void bitline_matmul_sums_i8_prepare(
  bitline_isa isa, int64_t inputs, int64_t filters, int64_t rows, int signed_codes, const int8_t *weights, int64_t filter_stride,
  int64_t input_stride, void *plan
) {
  const bitline_conv_shape shape = matrix_shape(inputs, filters, rows);
  const sums_i8_plan p = describe(isa, &shape, 1, signed_codes);
  prepare(&p, weights, filter_stride, input_stride, plan);
}

/// Of rows of a matrix that are laid out together.
static int64_t row_limit(const sums_i8_plan *p) { return bitline_max(FEWEST_ROWS, NEAR_BYTES / (p->tap_count * BITLINE_LANES)); }

static int64_t laid_out_bytes(const sums_i8_plan *p) {
  const int64_t blocks = blocks_of(p->shape.channels);
  if (p->is_matrix) return blocks * row_limit(p) * BITLINE_LANES;
  return p->layout.direct ? 0 : (int64_t)bitline_lines(blocks * p->layout.plane * BITLINE_LANES);
}

static int64_t sums_bytes(const sums_i8_plan *p) { return 16 * p->wide * BITLINE_LANES * 4; }

size_t bitline_sums_i8_workspace_bytes(const void *plan, int threads) {
  const sums_i8_plan *p = plan;
  return (size_t)(p->vecs * BITLINE_LANES * 4 + (int64_t)bitline_lines(p->tap_count * 4) + laid_out_bytes(p) + sums_bytes(p) * threads);
}

typedef struct sums_work {
  const sums_i8_plan *p;
  const bitline_sums_finish *finish;
  const uint8_t *x, *read;
  uint8_t *laid_out, zero;
  char *y, *sums;
  const int32_t *starts, *taps;
  /// Runs of neighbouring positions, how long they are, the pieces of each, and of all the pieces how many a task takes.
  int64_t runs, run, pieces, part, parts;
} sums_work;

/// One plane, as u8 with the zero point around it.
static void lay_out_task(void *context, int64_t plane, int worker) {
  const sums_work *w = context;
  const sums_i8_plan *p = w->p;
  (void)worker;
  window_lay_out_codes(
    &p->shape, &p->layout, w->x + plane * p->shape.height * p->shape.width * BITLINE_LANES, p->flip, w->zero,
    w->laid_out + plane * p->layout.plane * BITLINE_LANES);
}

/// Sixteen inputs of all rows of a matrix; those that fill up the last have weights of 0.
static void lay_out_rows_task(void *context, int64_t block, int worker) {
  const sums_work *w = context;
  const sums_i8_plan *p = w->p;
  (void)worker;
  const int64_t inputs = p->shape.channels, lanes = bitline_min(BITLINE_LANES, inputs - block * BITLINE_LANES);
  const uint8_t *from = w->x + block * BITLINE_LANES;
  uint8_t *to = w->laid_out + block * w->run * BITLINE_LANES;
  for (int64_t row = 0; row < w->run; row++, from += inputs, to += BITLINE_LANES) {
    if (lanes == BITLINE_LANES) for (int lane = 0; lane < BITLINE_LANES; lane++) to[lane] = from[lane] ^ p->flip;
    else for (int lane = 0; lane < BITLINE_LANES; lane++) to[lane] = lane < lanes ? from[lane] ^ p->flip : 0;
  }
}

static void product_task(void *context, int64_t index, int worker) {
  const sums_work *w = context;
  const sums_i8_plan *p = w->p;
  const bitline_table *table = bitline_table_of((bitline_isa)p->isa);
  const conv_blocked_panel panel = panel_of(p->vecs, p->wide, index / w->parts);
  const int64_t lanes = panel.vecs * BITLINE_LANES, filters = p->shape.filters, positions = w->run * w->runs;
  const int64_t end = bitline_min((index % w->parts + 1) * w->part, w->runs * w->pieces);
  block_words_args args = {
    .taps = w->taps, .tap_count = p->tap_count, .vecs = panel.vecs, .y_row = lanes,
    .w = (const int8_t *)p + p->weights + panel.first * BITLINE_LANES * p->tap_count * BITLINE_LANES,
    .start = w->starts + panel.first * BITLINE_LANES, .y = (int32_t *)(w->sums + worker * sums_bytes(p))};
  for (int64_t piece = index % w->parts * w->part; piece < end; piece++) {
    const int64_t run = piece / w->pieces, within = piece % w->pieces;
    const int64_t first = within * w->run / w->pieces, position = run * w->run + first;
    args.x = w->read + (run * p->layout.position_row + first) * BITLINE_LANES;
    args.rows = (int)((within + 1) * w->run / w->pieces - first);
    table->block_i8_sums(&args);
    for (int64_t v = 0; v < panel.vecs; v++) {
      const int64_t f = (panel.first + v) * BITLINE_LANES;
      const int64_t at = p->is_matrix ? position * filters + f : (panel.first + v) * positions * BITLINE_LANES + position * BITLINE_LANES;
      table->finish_sums(
        w->finish, f, (int)bitline_min(BITLINE_LANES, filters - f), args.y + v * BITLINE_LANES, lanes, args.rows, w->y + 4 * at,
        p->is_matrix ? filters : BITLINE_LANES, !p->is_matrix);
    }
  }
}

/// All panels over what is laid out.
static void multiply(sums_work *w, bitline_team *team) {
  const sums_i8_plan *p = w->p;
  const int64_t most = bitline_table_of((bitline_isa)p->isa)->block_words_rows[p->wide == 4 ? 2 : p->wide - 1];
  const int64_t threads = bitline_team_threads(team);
  w->pieces = (w->run + most - 1) / most;
  w->part = w->runs * w->pieces;
  if (threads > 1) w->part = bitline_max(1, w->part / ((4 * threads + p->panels - 1) / p->panels));
  w->parts = (w->runs * w->pieces + w->part - 1) / w->part;
  bitline_team_run(team, p->panels * w->parts, product_task, w);
}

/// What both ways begin with; returns where codes are laid out.
static sums_work begin(const sums_i8_plan *p, int32_t zero, const bitline_sums_finish *finish, void *workspace) {
  int32_t *starts = workspace, *taps = starts + p->vecs * BITLINE_LANES;
  const int32_t *totals = (const int32_t *)((const char *)p + p->totals);
  sums_work w = {
    .p = p, .finish = finish, .zero = (uint8_t)zero ^ p->flip, .starts = starts, .taps = taps,
    .laid_out = (uint8_t *)taps + bitline_lines(p->tap_count * 4)};
  for (int64_t f = 0; f < p->vecs * BITLINE_LANES; f++) starts[f] = -(int32_t)w.zero * totals[f];
  w.sums = (char *)w.laid_out + laid_out_bytes(p);
  return w;
}

void bitline_conv_sums_i8_run(
  const void *plan, int64_t batch, const void *codes, int32_t zero, const bitline_sums_finish *finish, void *y, void *workspace,
  bitline_team *team
) {
  const sums_i8_plan *p = plan;
  const bitline_conv_shape *s = &p->shape;
  const int64_t planes = blocks_of(s->channels);
  sums_work w = begin(p, zero, finish, workspace);
  w.taps = (const int32_t *)((const char *)p + p->taps);
  w.runs = p->layout.runs;
  w.run = p->layout.run;
  for (int64_t n = 0; n < batch; n++) {
    w.x = (const uint8_t *)codes + n * planes * s->height * s->width * BITLINE_LANES;
    w.y = (char *)y + n * p->vecs * s->out_height * s->out_width * BITLINE_LANES * 4;
    w.read = p->layout.direct ? w.x : w.laid_out;
    if (!p->layout.direct) bitline_team_run(team, planes, lay_out_task, &w);
    multiply(&w, team);
  }
}

void bitline_matmul_sums_i8_run(
  const void *plan, int64_t rows, const void *codes, int32_t zero, const bitline_sums_finish *finish, void *y, void *workspace,
  bitline_team *team
) {
  const sums_i8_plan *p = plan;
  sums_work w = begin(p, zero, finish, workspace);
  int32_t *taps = (int32_t *)workspace + p->vecs * BITLINE_LANES;
  const int64_t parts = (rows + row_limit(p) - 1) / row_limit(p);
  w.runs = 1;
  w.read = w.laid_out;
  for (int64_t part = 0; part < parts; part++) {
    const int64_t first = part * rows / parts;
    w.run = (part + 1) * rows / parts - first;
    w.x = (const uint8_t *)codes + first * p->shape.channels;
    w.y = (char *)y + first * p->shape.filters * 4;
    for (int64_t tap = 0; tap < p->tap_count; tap++) taps[tap] = (int32_t)(tap * w.run * BITLINE_LANES);
    bitline_team_run(team, p->tap_count, lay_out_rows_task, &w);
    multiply(&w, team);
  }
}
