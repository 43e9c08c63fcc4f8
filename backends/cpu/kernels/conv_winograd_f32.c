/// Winograd's way of a blocked f32 convolution: transform tiles of the input, multiply point by point as matrices [tiles][channels] x
/// [channels][filters], transform the products.
#include "blocked.h"
#include "conv_blocked.h"
#include "team.h"
#include "winograd_grid.h"

/// Bytes of transformed inputs and products that should stay in the second cache.
enum { NEAR_BYTES = 512 << 10 };
/// A line between the numbers of tiles, so that they do not fall into one set of a cache.
enum { GAP = BITLINE_LANES };
/// How far ahead of their use weights are fetched, and for how many tiles at least: with fewer, memory is the limit and reads ahead itself.
/// 6 to 9 percent faster with layers of 2 to 9 MB, and 2 slower without the limit with those of 25.
enum { AHEAD_BYTES = 16 << 10, LEAST_AHEAD = 9 };
/// Tiles for each thread from which on threads need not share transformed inputs.
enum { LEAST_APART = 20 };
/// Results of a tile along an axis: at a fifth the points' powers err by 0.7 to 0.9 of what the op allows.
enum { MOST_RESULTS = 4 };
/// Inputs of a plain tensor are laid out in blocks first, phases and channels side by side in one.
enum { PLAIN_LANES = BITLINE_LANES };

/// Phases of a window in the order of a product's channels. Of an odd window the phases beside its middle have a tap less, and so no share in
/// infinity: those that have one are neighbours.
static const int8_t phase_rows[4] = {0, 0, 1, 1}, phase_columns[4] = {1, 0, 0, 1};

static int phases_of(const bitline_conv_shape *s) { return s->stride_width * s->stride_width; }

/// The channels of a phase in a product.
static int64_t phase_depth(const bitline_conv_shape *s, int plain) {
  return plain ? s->channels : bitline_round_up(s->channels, TAP_CHANNELS);
}

winograd_taps winograd_taps_of(const bitline_conv_shape *s, const winograd_grid *g, int plain, int row, int column) {
  const int last_row = row == g->rows.points - 1 && s->kernel_height % s->stride_height != 0;
  const int last_column = column == g->columns.points - 1 && s->kernel_width % s->stride_width != 0;
  int64_t first = 0, end = phases_of(s);
  if (end == 4 && last_column) first = 1, end = 3;
  if (end >= 3 && last_row) end = 2;
  const int64_t depth = phase_depth(s, plain);
  winograd_taps t = {.first = first * depth / TAP_CHANNELS};
  t.count = (end * depth + TAP_CHANNELS - 1) / TAP_CHANNELS - t.first;
  return t;
}

static winograd_grid grid_of(const bitline_conv_shape *s, int plain, int row_points, int column_points) {
  const int stride = s->stride_width;
  winograd_grid g = {
    .rows = winograd_axis_of(row_points, (s->kernel_height + stride - 1) / stride, s->out_height),
    .columns = winograd_axis_of(column_points, (s->kernel_width + stride - 1) / stride, s->out_width), .step = plain ? 1 : stride,
    .height = s->height, .width = s->width, .pad_top = s->pad_top, .pad_left = s->pad_left, .out_height = s->out_height,
    .out_width = s->out_width};
  if (plain) {
    g.height = g.out_height + g.rows.taps - 1;
    g.width = g.out_width + g.columns.taps - 1;
    g.pad_top = g.pad_left = 0;
  }
  return g;
}

/// The column whose weights a plan does not have, since they follow from others: of three taps and four points, those of -1 are those of
/// infinity less those of 1 and those of 0. -1 where there is none.
///
/// Such tiles are taken where weights come from memory: a quarter less of them, for two additions beside the multiplications of a few tiles.
/// Six points would do it too, with other divisors, but take many tiles, to each few of which it is done again: 3 to 5 percent slower.
static int column_that_follows(const bitline_conv_shape *s, const winograd_grid *g) {
  return g->columns.points == 4 && g->columns.taps == 3 && s->stride_width == 1 ? 2 : -1;
}

/// How many cycles a way takes, about.
static double cycles_of(const bitline_conv_shape *s, const winograd_grid *g, int plain, int64_t samples) {
  // Multiply-adds of sixteen lanes, and the sums' way to memory; transforms of a tile's numbers, of sixteen channels; weights, which come
  // from memory at a rate, and which products wait for a little. Fitted to twelve layers of 0.1 to 38 MB of weights, EPYC of family 25.
  enum { BYTES_A_CYCLE = 7, BYTES_WAITED_FOR = 25, CYCLES_OF_A_NUMBER = 5, CYCLES_OF_A_SUM = 3 };
  const double vecs = (double)blocks_of(s->filters), blocks = plain ? 1 : (double)(phases_of(s) * blocks_of(s->channels));
  const double tiles = (double)(samples * winograd_tile_count(g)), points = g->rows.points * g->columns.points;
  double products = 0, bytes = 0;
  for (int row = 0; row < g->rows.points; row++) {
    for (int column = 0; column < g->columns.points; column++) {
      const double depth = (double)winograd_taps_of(s, g, plain, row, column).count * TAP_CHANNELS;
      const int64_t count = winograd_end_with(g, samples, row, column) - winograd_first_with(g, samples, row);
      products += (double)count * (depth * 1.05 + CYCLES_OF_A_SUM) * vecs;
      if (column != column_that_follows(s, g)) bytes += depth * vecs * 64;
    }
  }
  products += bytes / BYTES_WAITED_FOR;
  const double moving = bytes / BYTES_A_CYCLE;
  return (products > moving ? products : moving) + tiles * points * CYCLES_OF_A_NUMBER * (blocks + vecs);
}

double winograd_choose(const bitline_conv_shape *s, int plain, int64_t samples, winograd_grid *best) {
  const int stride = s->stride_width, taps = (s->kernel_width + stride - 1) / stride;
  samples = bitline_max(samples, 1);
  double least = (double)samples * s->out_height * s->out_width * s->kernel_height * s->kernel_width
    * (double)(plain ? s->channels : blocks_of(s->channels) * BITLINE_LANES) * (double)blocks_of(s->filters);
  *best = (winograd_grid){0};
  if (
    s->kernel_height != s->kernel_width || s->stride_height != stride || stride > 2 || s->dilation_height != 1 || s->dilation_width != 1
    || s->groups != 1 || s->filters < 16 || (plain ? s->channels * phases_of(s) > PLAIN_LANES : s->channels < 16)) {
    return least;
  }
  for (int rows = 4; rows <= BITLINE_WINOGRAD_POINTS; rows += 2) {
    for (int columns = 4; columns <= rows; columns += 2) {
      if (taps < 2 || taps > columns - 1 || rows + 1 - taps > MOST_RESULTS) continue;
      const winograd_grid g = grid_of(s, plain, rows, columns);
      const double cycles = cycles_of(s, &g, plain, samples);
      if (cycles >= least) continue;
      least = cycles;
      *best = g;
    }
  }
  return least;
}

void winograd_describe(conv_blocked_plan *p) {
  const bitline_conv_shape *s = &p->shape;
  p->products = p->grid.rows.points * p->grid.columns.points;
  p->blocks = p->plain ? 1 : phases_of(s) * blocks_of(s->channels);
  p->tap_count = (phases_of(s) * phase_depth(s, p->plain) + TAP_CHANNELS - 1) / TAP_CHANNELS;
  p->depth = 0;
  for (int product = 0; product < p->products; product++) {
    const int row = product / p->grid.columns.points, column = product % p->grid.columns.points;
    if (column == column_that_follows(s, &p->grid)) continue;
    p->depth += winograd_taps_of(s, &p->grid, p->plain, row, column).count * TAP_CHANNELS;
  }
}

void winograd_pack(const conv_blocked_plan *p, const float *weights, float *packed) {
  const bitline_conv_shape *s = &p->shape;
  const winograd_grid *g = &p->grid;
  const int stride = s->stride_width, rows = g->rows.points, columns = g->columns.points;
  const int64_t area = (int64_t)s->kernel_height * s->kernel_width, depth = phase_depth(s, p->plain);
  double by_row[BITLINE_WINOGRAD_POINTS][BITLINE_WINOGRAD_POINTS], by_column[BITLINE_WINOGRAD_POINTS][BITLINE_WINOGRAD_POINTS];
  for (int i = 0; i < BITLINE_WINOGRAD_POINTS; i++) {
    for (int tap = 0; tap < BITLINE_WINOGRAD_POINTS; tap++) {
      by_row[i][tap] = i < rows && tap < g->rows.taps ? winograd_weight(&g->rows, i, tap) : 0;
      by_column[i][tap] = i < columns && tap < g->columns.taps ? winograd_weight(&g->columns, i, tap) : 0;
    }
  }
  // Of each product, where its weights begin, in channels, and which channels it has.
  enum { MOST = BITLINE_WINOGRAD_POINTS * BITLINE_WINOGRAD_POINTS };
  int64_t starts[MOST] = {0}, ends[MOST] = {0}, firsts[MOST] = {0}, start = 0;
  for (int product = 0; product < p->products; product++) {
    const winograd_taps taps = winograd_taps_of(s, g, p->plain, product / columns, product % columns);
    if (product % columns == column_that_follows(s, g)) continue;
    firsts[product] = taps.first * TAP_CHANNELS;
    ends[product] = (taps.first + taps.count) * TAP_CHANNELS;
    starts[product] = start;
    start += taps.count * TAP_CHANNELS;
  }
  for (int64_t f = 0; f < s->filters; f++) {
    const conv_blocked_panel panel = panel_with(p->vecs, p->wide, f / BITLINE_LANES);
    const int64_t lanes = panel.vecs * BITLINE_LANES;
    float *to = packed + panel.first * BITLINE_LANES * p->depth + (f - panel.first * BITLINE_LANES);
    for (int64_t c = 0; c < s->channels; c++, weights += area) {
      for (int phase = 0; phase < phases_of(s); phase++) {
        const int top = phase_rows[phase] * (stride - 1), left = phase_columns[phase] * (stride - 1);
        const int64_t channel = phase * depth + c;
        double half[BITLINE_WINOGRAD_POINTS][BITLINE_WINOGRAD_POINTS] = {{0}};
        for (int y = top, tap = 0; y < s->kernel_height; y += stride, tap++) {
          for (int row = 0; row < rows; row++) {
            for (int x = left, i = 0; x < s->kernel_width; x += stride, i++) {
              half[row][i] += by_row[row][tap] * weights[y * s->kernel_width + x];
            }
          }
        }
        for (int product = 0; product < p->products; product++) {
          if (channel < firsts[product] || channel >= ends[product]) continue;
          const double *by = by_column[product % columns], *from = half[product / columns];
          double sum = 0;
          for (int i = 0; i < g->columns.taps; i++) sum += by[i] * from[i];
          to[(starts[product] + channel - firsts[product]) * lanes] = (float)sum;
        }
      }
    }
  }
}

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
  int64_t first, count;
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
static void multiply_panel(
  const winograd_work *w, int64_t index, const float *input, int64_t first, int64_t first_of_all, int64_t count, int worker
) {
  const conv_blocked_plan *p = w->p;
  const winograd_grid *g = &p->grid;
  const bitline_table *table = bitline_table_of((bitline_isa)p->isa);
  const conv_blocked_panel panel = panel_of(p->vecs, p->wide, index);
  const int64_t lanes = panel.vecs * BITLINE_LANES, most = table->block_f32_rows[panel.vecs == 4 ? 2 : panel.vecs - 1];
  float *products = w->products + worker * w->e.products;
  const float *next = (const float *)((const char *)p + p->weights) + panel.first * BITLINE_LANES * p->depth;
  block_f32_args args = {.y_row = lanes, .y_vec = BITLINE_LANES, .vecs = panel.vecs, .inner = TAP_CHANNELS, .step = BITLINE_LANES};
  const int points = g->columns.points, late = column_that_follows(&p->shape, g);
  for (int turn = 0; turn < p->products; turn++) {
    // Where one follows: 0, 1, infinity, and what follows from them.
    const int row = turn / points, place = turn % points, column = late >= 0 && place >= late ? 5 - place : place;
    const int product = row * points + column, follows = column == late;
    const winograd_taps taps = winograd_taps_of(&p->shape, g, p->plain, row, column);
    const int64_t weights = taps.count * TAP_CHANNELS * lanes;
    args.taps = w->taps + taps.first;
    args.tap_count = taps.count;
    const int64_t start = bitline_max(0, winograd_first_with(g, w->batch, row) - first_of_all);
    const int64_t rows = bitline_min(count, winograd_end_with(g, w->batch, row, column) - first_of_all) - start;
    const int64_t pieces = (rows + most - 1) / most;
    // What follows is counted from the weights just passed, those of infinity.
    args.w = follows ? next - weights : next;
    args.less[0] = follows ? -weights : 0;
    args.less[1] = 2 * args.less[0];
    if (!follows) next += weights;
    args.ahead = args.w + AHEAD_BYTES / 4;
    args.ahead_lines = rows >= LEAST_AHEAD && !follows ? TAP_CHANNELS * panel.vecs : 0;
    for (int64_t piece = 0; piece < pieces; piece++) {
      const int64_t from = start + piece * rows / pieces;
      args.x = input + product * w->e.input_position + (first + from) * BITLINE_LANES;
      args.y = products + product * w->e.product_position + from * lanes;
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

/// One panel, or a part of the tiles times one.
static void product_task(void *context, int64_t index, int worker) {
  const winograd_work *w = context;
  const int64_t parts = (w->count + w->e.part - 1) / w->e.part, first = index % parts * w->e.part;
  multiply_panel(w, index / parts, w->input, first, w->first + first, bitline_min(w->e.part, w->count - first), worker);
}

/// A part of the tiles from beginning to end, in memory of the worker's own.
static void part_task(void *context, int64_t index, int worker) {
  const winograd_work *w = context;
  const conv_blocked_plan *p = w->p;
  const int64_t first = index * w->e.part, count = bitline_min(w->e.part, w->e.all - first);
  float *input = w->input + worker * w->e.input;
  for (int64_t block = 0; block < p->blocks; block++) input_of(w, block, first, count, input);
  for (int64_t panel = 0; panel < p->panels; panel++) multiply_panel(w, panel, input, 0, first, count, worker);
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
  winograd_work w = {
    .p = p, .e = extents_of(p, batch, apart ? 1 : threads, (all + parts - 1) / parts), .batch = batch, .x = x, .add = add, .y = y,
    .plane = (int64_t)p->grid.height * p->grid.width * BITLINE_LANES, .laid = workspace};
  w.sample = (p->plain ? 1 : blocks_of(p->shape.channels)) * w.plane;
  w.lines = w.laid + laid_out(p);
  w.input = w.lines + threads * laid_row(p);
  w.products = w.input + w.e.input * (apart ? threads : 1);
  w.taps = (int32_t *)(w.products + w.e.products * threads);
  const int64_t depth = phase_depth(&p->shape, p->plain), blocks = blocks_of(p->shape.channels);
  for (int64_t tap = 0; tap < p->tap_count; tap++) {
    const int64_t phase = p->plain ? 0 : tap * TAP_CHANNELS / depth, channel = tap * TAP_CHANNELS - phase * depth;
    w.taps[tap] =
      (int32_t)((phase * blocks + channel / BITLINE_LANES) * w.e.together * BITLINE_LANES + channel % BITLINE_LANES);
  }
  if (p->plain) bitline_team_run(team, p->grid.height, lay_out_task, &w);
  if (apart) {
    bitline_team_run(team, (all + w.e.part - 1) / w.e.part, part_task, &w);
    return;
  }
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
