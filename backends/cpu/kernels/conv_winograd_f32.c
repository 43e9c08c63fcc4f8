/// Winograd's way of a blocked f32 convolution: transform tiles of the input, multiply point by point as matrices [tiles][channels] x
/// [channels][filters], transform the products.
#include "blocked.h"
#include "team.h"
#include "winograd_products.h"

/// Bytes of transformed inputs and products that should stay in the second cache.
enum { NEAR_BYTES = 512 << 10 };
/// A line between the numbers of tiles, so that they do not fall into one set of a cache.
enum { GAP = BITLINE_LANES };
/// How far ahead of their use weights are fetched, and for how many tiles at least: with fewer, memory is the limit and reads ahead itself.
/// 6 to 9 percent faster with layers of 2 to 9 MB, and 2 slower without the limit with those of 25.
enum { AHEAD_BYTES = 16 << 10, LEAST_AHEAD = 9 };
/// Tiles for each thread from which on threads need not share transformed inputs. With fewer, of up to so many threads each transforms all
/// for itself: what another has transformed lies in its cache, and to fetch it from there takes longer (14x14 maps 375 to 361 us).
enum { LEAST_APART = 20, MOST_TWICE = 2 };

typedef struct winograd_extents {
  /// Tiles of the whole batch, tiles of a part, and of all parts that are transformed together.
  int64_t all, part, together;
  /// Floats from one number of the tiles to the next, in transformed inputs and in products.
  int64_t input_position, product_position;
  /// Floats of the transformed input, and of the products of one worker.
  int64_t input, products;
} winograd_extents;

/// The most tiles of a part.
static int64_t part_limit(const conv_blocked_plan *p) {
  const int64_t tile_bytes = p->products * (p->blocks + p->wide) * BITLINE_LANES * 4;
  const int64_t least = bitline_table_of((bitline_isa)p->isa)->block_f32_rows[0] >= 14 ? 28 : 24;
  return bitline_max(least, NEAR_BYTES / tile_bytes);
}

static winograd_extents extents_of(const conv_blocked_plan *p, int64_t batch, int threads, int64_t part) {
  winograd_extents e = {.all = batch * winograd_tile_count(&p->grid), .part = bitline_max(part, 1)};
  e.together = bitline_min(e.part * ((threads + p->panels - 1) / p->panels), bitline_max(e.all, 1));
  e.input_position = p->blocks * e.together * BITLINE_LANES + GAP;
  e.product_position = e.part * p->wide * BITLINE_LANES + GAP;
  e.input = p->products * e.input_position;
  e.products = p->products * e.product_position;
  return e;
}

/// Floats of a sample of a plain tensor in blocks, and of a row of its phases and channels for a worker.
static int64_t laid_out(const conv_blocked_plan *p) { return p->plain ? (int64_t)p->grid.height * p->grid.width * PLAIN_LANES : 0; }
static int64_t laid_row(const conv_blocked_plan *p) { return p->plain ? bitline_round_up(p->grid.width, BITLINE_LANES) * PLAIN_LANES : 0; }

size_t winograd_workspace_bytes(const conv_blocked_plan *p, int64_t batch, int threads) {
  // Enough for fewer samples too, whose parts may be greater, and for either way of sharing.
  if (p->plain) batch = 1;
  const int64_t all = batch * winograd_tile_count(&p->grid), part = bitline_min(part_limit(p), all);
  const winograd_extents together = extents_of(p, batch, threads, part), apart = extents_of(p, batch, 1, part);
  const int64_t input = bitline_max(together.input, threads > 1 ? apart.input * threads : 0);
  const int64_t laid = laid_out(p) + threads * laid_row(p);
  return bitline_lines((input + together.products * threads + laid + p->tap_count) * 4 + 64);
}

typedef struct winograd_work {
  const conv_blocked_plan *p;
  winograd_extents e;
  int64_t batch;
  const float *x, *add;
  /// Of the input as it is transformed: from a sample to the next, and from a block to the next.
  int64_t sample, plane;
  float *y, *laid, *lines, *input, *products;
  int32_t *taps;
  winograd_products all;
  /// By number, where whole tiles have few channels.
  winograd_few_product few[BITLINE_WINOGRAD_POINTS * BITLINE_WINOGRAD_POINTS];
  int64_t first, count;
  /// Which workers have transformed all tiles for themselves.
  char has_input[MOST_TWICE];
} winograd_work;

/// A row of a plain tensor's blocks: first every phase and channel by itself.
static void lay_out_task(void *context, int64_t row, int worker) {
  const winograd_work *w = context;
  const conv_blocked_plan *p = w->p;
  const bitline_conv_shape *s = &p->shape;
  const int64_t width = p->grid.width, stride = s->stride_width;
  float *lines = w->lines + worker * laid_row(p);
  for (int64_t lane = 0; lane < PLAIN_LANES; lane++) {
    float *to = lines + lane * width;
    const int64_t phase = lane / s->channels, channel = lane % s->channels;
    const int64_t y = phase < phases_of(s) ? row * stride + phase_rows[phase] * (stride - 1) - s->pad_top : -1;
    if (y < 0 || y >= s->height) {
      memset(to, 0, (size_t)width * 4);
      continue;
    }
    const int64_t left = phase_columns[phase] * (stride - 1) - s->pad_left;
    const float *from = w->x + (channel * s->height + y) * s->width + left;
    const int64_t first = bitline_min(width, left < 0 ? (stride - 1 - left) / stride : 0);
    const int64_t end = bitline_max(first, bitline_min(width, (s->width - left + stride - 1) / stride));
    for (int64_t i = 0; i < first; i++) to[i] = 0;
    if (stride == 1) memcpy(to + first, from + first, (size_t)(end - first) * 4);
    else for (int64_t i = first; i < end; i++) to[i] = from[2 * i];
    for (int64_t i = end; i < width; i++) to[i] = 0;
  }
  bitline_table_of((bitline_isa)p->isa)->block_channels_f32(
    PLAIN_LANES, width, lines, w->laid + row * width * PLAIN_LANES);
}

/// A block of channels of some tiles.
static void input_of(const winograd_work *w, int64_t block, int64_t first, int64_t count, float *input) {
  const conv_blocked_plan *p = w->p;
  const int64_t blocks = p->plain ? 1 : blocks_of(p->shape.channels), phase = block / blocks, step = p->grid.step - 1;
  bitline_table_of((bitline_isa)p->isa)->winograd_input_f32(
    &p->grid, w->batch, first, count, (int)(phase_rows[phase] * step), (int)(phase_columns[phase] * step),
    (p->plain ? w->laid : w->x) + block % blocks * w->plane, w->sample, input + block * w->e.together * BITLINE_LANES,
    w->e.input_position);
}

static void input_task(void *context, int64_t block, int worker) {
  const winograd_work *w = context;
  (void)worker;
  input_of(w, block, w->first, w->count, w->input);
}

/// Tiles `first..<first + count` of those transformed at `input`, times one panel.
static void multiply_tiles(
  const winograd_work *w, int64_t index, const float *input, int64_t first, int64_t first_of_all, int64_t count, int worker
) {
  const conv_blocked_plan *p = w->p;
  const winograd_grid *g = &p->grid;
  const bitline_table *table = bitline_table_of((bitline_isa)p->isa);
  const conv_blocked_panel panel = panel_of(p->vecs, p->wide, index);
  const int64_t lanes = panel.vecs * BITLINE_LANES, most = table->block_f32_rows[panel.vecs == 4 ? 2 : panel.vecs - 1];
  float *products = w->products + worker * w->e.products;
  const float *weights = (const float *)((const char *)p + p->weights) + panel.first * BITLINE_LANES * p->depth;
  block_f32_args args = {.y_row = lanes, .y_vec = BITLINE_LANES, .vecs = panel.vecs, .inner = TAP_CHANNELS, .step = BITLINE_LANES};
  for (int i = 0; i < w->all.count; i++) {
    const winograd_product *product = &w->all.all[i];
    const int number = product->row * g->columns.points + product->column;
    args.taps = w->taps + product->taps.first;
    args.tap_count = product->taps.count;
    const int64_t start = bitline_max(0, winograd_first_with(g, w->batch, product->row) - first_of_all);
    const int64_t rows = bitline_min(count, winograd_end_with(g, w->batch, product->row, product->column) - first_of_all) - start;
    const int64_t pieces = (rows + most - 1) / most;
    args.w = weights + product->weights * lanes;
    args.less = product->less * lanes;
    args.more = product->more * lanes;
    args.times = product->times;
    args.ahead = args.w + AHEAD_BYTES / 4;
    args.ahead_lines = rows >= LEAST_AHEAD && product->times == 0 ? TAP_CHANNELS * panel.vecs : 0;
    for (int64_t piece = 0; piece < pieces; piece++) {
      const int64_t from = start + piece * rows / pieces;
      args.x = input + number * w->e.input_position + (first + from) * BITLINE_LANES;
      args.y = products + number * w->e.product_position + from * lanes;
      args.rows = (int)(start + (piece + 1) * rows / pieces - from);
      table->block_f32(&args);
      args.ahead_lines = 0;
    }
  }
  const int64_t plane = (int64_t)p->shape.out_height * p->shape.out_width * BITLINE_LANES;
  const float *biases = (const float *)((const char *)p + p->biases);
  for (int64_t v = 0; v < panel.vecs; v++) {
    const int64_t block = panel.first + v;
    table->winograd_output_f32(
      g, w->batch, first_of_all, count, products + v * BITLINE_LANES, w->e.product_position, lanes, biases + block * BITLINE_LANES,
      w->add ? w->add + block * plane : 0, p->activation, w->y + block * plane, p->vecs * plane);
  }
}

/// The same of whole tiles from few channels, with `first` before them.
static void multiply_few(const winograd_work *w, int64_t index, const float *input, int64_t first, int64_t count) {
  const conv_blocked_plan *p = w->p;
  const conv_blocked_panel panel = panel_of(p->vecs, p->wide, index);
  const int64_t plane = (int64_t)p->shape.out_height * p->shape.out_width * BITLINE_LANES;
  winograd_few_args args = {
    .grid = &p->grid, .first = first, .count = count, .input = input, .input_position = w->e.input_position, .products = w->few,
    .w_row = panel.vecs * BITLINE_LANES, .activation = p->activation};
  for (int64_t block = panel.first; block < panel.first + panel.vecs; block++) {
    const float *weights = (const float *)((const char *)p + p->weights) + panel.first * BITLINE_LANES * p->depth;
    args.w = weights + (block - panel.first) * BITLINE_LANES;
    args.bias = (const float *)((const char *)p + p->biases) + block * BITLINE_LANES;
    args.add = w->add ? w->add + block * plane : 0;
    args.y = w->y + block * plane;
    bitline_table_of((bitline_isa)p->isa)->winograd_few_f32(&args);
  }
}

static void multiply_panel(
  const winograd_work *w, int64_t index, const float *input, int64_t first, int64_t first_of_all, int64_t count, int worker
) {
  if (!has_few(&w->p->grid, w->p->plain)) return multiply_tiles(w, index, input, first, first_of_all, count, worker);
  const winograd_kinds kinds = winograd_kinds_of(&w->p->grid);
  const int64_t end = first_of_all + count, whole = bitline_min(bitline_max(first_of_all, kinds.ends[0]), end);
  const int64_t whole_end = bitline_max(whole, bitline_min(end, kinds.ends[1])), skipped = whole - first_of_all;
  if (skipped > 0) multiply_tiles(w, index, input, first, first_of_all, skipped, worker);
  if (whole < whole_end) {
    multiply_few(w, index, input + (first + skipped) * BITLINE_LANES, whole - kinds.ends[0], whole_end - whole);
  }
  if (whole_end < end) multiply_tiles(w, index, input, first + whole_end - first_of_all, whole_end, end - whole_end, worker);
}

/// One panel, or a part of the tiles times one.
static void product_task(void *context, int64_t index, int worker) {
  const winograd_work *w = context;
  const int64_t parts = (w->count + w->e.part - 1) / w->e.part, first = index % parts * w->e.part;
  multiply_panel(w, index / parts, w->input, first, w->first + first, bitline_min(w->e.part, w->count - first), worker);
}

static float *own_input(const winograd_work *w, int worker) { return w->input + worker * w->e.input; }

/// Some tiles, to memory of the worker's own.
static void transform_own(const winograd_work *w, int64_t first, int64_t count, int worker) {
  for (int64_t block = 0; block < w->p->blocks; block++) input_of(w, block, first, count, own_input(w, worker));
}

/// A part of the tiles from beginning to end.
static void part_task(void *context, int64_t index, int worker) {
  const winograd_work *w = context;
  const int64_t first = index * w->e.part, count = bitline_min(w->e.part, w->e.all - first);
  transform_own(w, first, count, worker);
  for (int64_t panel = 0; panel < w->p->panels; panel++) multiply_panel(w, panel, own_input(w, worker), 0, first, count, worker);
}

/// One panel of all tiles, which the worker transforms first of all.
static void panel_task(void *context, int64_t index, int worker) {
  winograd_work *w = context;
  if (!w->has_input[worker]) transform_own(w, 0, w->e.all, worker);
  w->has_input[worker] = 1;
  multiply_panel(w, index, own_input(w, worker), 0, 0, w->e.all, worker);
}

static void run(
  const conv_blocked_plan *p, int64_t batch, const float *x, const float *add, float *y, void *workspace, bitline_team *team
) {
  const int threads = bitline_team_threads(team);
  const int64_t all = batch * winograd_tile_count(&p->grid), limit = part_limit(p);
  // Parts of even size; apart where each thread has rows of blocks enough for the weights that it reads alone.
  const int apart = threads > 1 && all >= LEAST_APART * threads;
  int64_t parts = bitline_max(1, (all + limit - 1) / limit);
  if (apart) parts = bitline_round_up(parts, threads);
  const int twice = !apart && parts == 1 && threads > 1 && threads <= bitline_min(MOST_TWICE, p->panels);
  const int inputs = apart || twice ? threads : 1;
  winograd_work w = {
    .p = p, .e = extents_of(p, batch, threads / inputs, (all + parts - 1) / parts), .batch = batch, .x = x, .add = add, .y = y,
    .plane = (int64_t)p->grid.height * p->grid.width * BITLINE_LANES, .laid = workspace,
    .all = winograd_products_of(&p->shape, &p->grid, p->plain, p->derived)};
  for (int i = 0; i < w.all.count && has_few(&p->grid, p->plain); i++) {
    const winograd_product *product = &w.all.all[i];
    w.few[product->row * p->grid.columns.points + product->column] = (winograd_few_product){
      .weights = (int32_t)product->weights, .channel = (int32_t)product->taps.first * TAP_CHANNELS,
      .channels = (int32_t)channels_of(&p->shape, &product->taps)};
  }
  w.sample = (p->plain ? 1 : blocks_of(p->shape.channels)) * w.plane;
  w.lines = w.laid + laid_out(p);
  w.input = w.lines + threads * laid_row(p);
  w.products = w.input + w.e.input * inputs;
  w.taps = (int32_t *)(w.products + w.e.products * threads);
  const int64_t depth = phase_depth(&p->shape, p->plain), blocks = blocks_of(p->shape.channels);
  for (int64_t tap = 0; tap < p->tap_count; tap++) {
    const int64_t phase = p->plain ? 0 : tap * TAP_CHANNELS / depth, channel = tap * TAP_CHANNELS - phase * depth;
    w.taps[tap] =
      (int32_t)((phase * blocks + channel / BITLINE_LANES) * w.e.together * BITLINE_LANES + channel % BITLINE_LANES);
  }
  if (p->plain) bitline_team_run(team, p->grid.height, lay_out_task, &w);
  if (apart) return bitline_team_run(team, (all + w.e.part - 1) / w.e.part, part_task, &w);
  if (twice) return bitline_team_run(team, p->panels, panel_task, &w);
  for (w.first = 0; w.first < w.e.all; w.first += w.e.together) {
    w.count = bitline_min(w.e.together, w.e.all - w.first);
    bitline_team_run(team, p->blocks, input_task, &w);
    bitline_team_run(team, p->panels * ((w.count + w.e.part - 1) / w.e.part), product_task, &w);
  }
}

void winograd_run(
  const conv_blocked_plan *p, int64_t batch, const float *x, const float *add, float *y, void *workspace, bitline_team *team
) {
  if (!p->plain) return run(p, batch, x, add, y, workspace, team);
  // One sample at a time is laid out.
  const bitline_conv_shape *s = &p->shape;
  const int64_t x_sample = (int64_t)s->channels * s->height * s->width;
  const int64_t y_sample = p->vecs * s->out_height * s->out_width * BITLINE_LANES;
  for (int64_t n = 0; n < batch; n++) run(p, 1, x + n * x_sample, add ? add + n * y_sample : 0, y + n * y_sample, workspace, team);
}
