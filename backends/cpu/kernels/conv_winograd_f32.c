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
/// Tiles for each thread from which on threads need not share transformed inputs. With fewer, of up to so many threads each transforms all
/// for itself: what another has transformed lies in its cache, and to fetch it from there takes longer (14x14 maps 375 to 361 us).
enum { LEAST_APART = 20, MOST_TWICE = 2 };
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

/// The taps of a product: those that have a share in it are neighbours.
typedef struct winograd_taps {
  int64_t first, count;
} winograd_taps;

static winograd_taps taps_of(const bitline_conv_shape *s, const winograd_grid *g, int plain, int row, int column) {
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

/// The product of a point of each axis.
typedef struct winograd_product {
  int row, column;
  winograd_taps taps;
  /// Where its weights begin, in channels of a panel. If `times` is not 0 a plan does not have them: they are those that begin here, less
  /// those `less` further on, and more by `times` those `more` further on.
  int64_t weights, less, more;
  float times;
} winograd_product;

/// The products of a tile in running order: along each axis 0, infinity, A, -A, B, -B.
typedef struct winograd_products {
  int64_t count;
  winograd_product all[BITLINE_WINOGRAD_POINTS * BITLINE_WINOGRAD_POINTS];
  /// The channels of all weights that a plan has.
  int64_t depth;
} winograd_products;

static int point_at(int points, int turn) { return turn == 0 ? 0 : turn == 1 ? points - 1 : turn - 1; }
static int is_derived(int turn, int derived) { return (turn == 3 && derived > 0) || (turn == 5 && derived > 1); }

/// The weights of -A, with two `derived` those of -B too, are derived along one axis (`winograd_divisor`) unless those of the other axis'
/// point are: with one, a plan has the weights of 26 of 36 products and of 16 of 24; with two, 20 and 14.
static winograd_products products_of(const bitline_conv_shape *s, const winograd_grid *g, int plain, int derived) {
  const int columns = g->columns.points;
  winograd_products w = {.count = g->rows.points * columns};
  for (int turn = 0; turn < w.count; turn++) {
    const int by_row = turn / columns, by_column = turn % columns;
    const int row_is_derived = is_derived(by_row, derived), column_is_derived = is_derived(by_column, derived);
    winograd_product *product = w.all + turn;
    *product = (winograd_product){
      .row = point_at(g->rows.points, by_row), .column = point_at(columns, by_column), .weights = w.depth};
    product->taps = taps_of(s, g, plain, product->row, product->column);
    if (row_is_derived == column_is_derived) {
      w.depth += product->taps.count * TAP_CHANNELS;
      continue;
    }
    const int place = row_is_derived ? by_row : by_column, next = row_is_derived ? columns : 1;
    const int points = row_is_derived ? g->rows.points : columns;
    const winograd_product *zero = product - place * next, *infinity = zero + next, *opposite = product - next;
    product->weights = infinity->weights;
    product->less = opposite->weights - infinity->weights;
    product->more = zero->weights - infinity->weights;
    product->times = (float)winograd_times(points, point_at(points, place));
  }
  return w;
}

/// How many points' weights are derived, for so many tiles, of which `rows` are multiplied together: it is done again for each `rows`. Those
/// of -A take additions, which hide behind multiplications, those of -B a multiplication too.
static int derived_of(const bitline_conv_shape *s, const winograd_grid *g, int plain, int64_t tiles, int rows) {
  if (plain || s->stride_width > 1 || g->columns.taps != 3) return 0;
  return tiles <= rows ? 2 : tiles <= 2 * rows ? 1 : 0;
}

/// Whether products of whole tiles stay in registers: from few channels, of which the transform of results is a great part.
static int has_few(const winograd_grid *g, int plain) {
  return plain && g->rows.points == BITLINE_WINOGRAD_POINTS && g->columns.points == BITLINE_WINOGRAD_POINTS;
}

/// The channels of a product's taps, of a plain tensor.
static int64_t channels_of(const bitline_conv_shape *s, const winograd_taps *t) {
  return bitline_min((t->first + t->count) * TAP_CHANNELS, phases_of(s) * s->channels) - t->first * TAP_CHANNELS;
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

/// How many cycles a way takes, about.
static double cycles_of(const bitline_conv_shape *s, const winograd_grid *g, int plain, int64_t samples) {
  // Multiply-adds of sixteen lanes, and the sums' way to memory; transforms of a tile's numbers, of sixteen channels; weights, which come
  // from memory at a rate, and which products wait for a little; what derived ones take from the second cache for each few tiles, as many as
  // AVX-512 multiplies together: a layer has the same tiles at every level. Fitted to twelve layers of 0.1 to 38 MB of weights, EPYC of
  // family 25. Sums from few channels, with their transform: fitted to windows of 3x3 and 7x7 of three channels.
  enum {
    BYTES_A_CYCLE = 7, BYTES_WAITED_FOR = 25, CYCLES_OF_A_NUMBER = 5, CYCLES_OF_A_SUM = 3, CYCLES_OF_DERIVED = 7, CYCLES_OF_FEW = 6, ROWS = 14
  };
  const double vecs = (double)blocks_of(s->filters), blocks = plain ? 1 : (double)(phases_of(s) * blocks_of(s->channels));
  const int64_t tiles = samples * winograd_tile_count(g);
  const winograd_products w = products_of(s, g, plain, derived_of(s, g, plain, tiles, ROWS));
  if (has_few(g, plain)) {
    double sums = 0;
    for (int i = 0; i < w.count; i++) sums += (double)channels_of(s, &w.all[i].taps) + CYCLES_OF_FEW;
    return (double)tiles * (sums * vecs + w.count * CYCLES_OF_A_NUMBER);
  }
  double products = 0;
  for (int i = 0; i < w.count; i++) {
    const winograd_product *product = &w.all[i];
    const int64_t count = winograd_end_with(g, samples, product->row, product->column) - winograd_first_with(g, samples, product->row);
    const int64_t least = product->times == 0 ? 0 : (count + ROWS - 1) / ROWS * CYCLES_OF_DERIVED;
    const double depth = (double)product->taps.count * TAP_CHANNELS;
    products += ((double)bitline_max(count, least) * depth * 1.05 + (double)count * CYCLES_OF_A_SUM) * vecs;
  }
  const double bytes = (double)w.depth * vecs * 64;
  products += bytes / BYTES_WAITED_FOR;
  const double moving = bytes / BYTES_A_CYCLE, numbers = (double)(tiles * w.count);
  return (products > moving ? products : moving) + numbers * CYCLES_OF_A_NUMBER * (blocks + vecs);
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
  p->blocks = p->plain ? 1 : phases_of(s) * blocks_of(s->channels);
  p->tap_count = (phases_of(s) * phase_depth(s, p->plain) + TAP_CHANNELS - 1) / TAP_CHANNELS;
  p->derived = derived_of(s, &p->grid, p->plain, p->run, bitline_table_of((bitline_isa)p->isa)->block_f32_rows[0]);
  const winograd_products w = products_of(s, &p->grid, p->plain, p->derived);
  p->products = w.count;
  p->depth = w.depth;
}

/// A number of each filter of a block.
typedef double lanes_f64 __attribute__((vector_size(BITLINE_LANES * 8)));

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
  const winograd_products w = products_of(s, g, p->plain, p->derived);
  for (int64_t block = 0; block < p->vecs; block++) {
    const conv_blocked_panel panel = panel_with(p->vecs, p->wide, block);
    const int64_t first = block * BITLINE_LANES, filters = bitline_min(BITLINE_LANES, s->filters - first);
    const int64_t lanes = panel.vecs * BITLINE_LANES;
    float *to = packed + panel.first * BITLINE_LANES * p->depth + (block - panel.first) * BITLINE_LANES;
    for (int64_t c = 0; c < s->channels; c++) {
      lanes_f64 window[4 * BITLINE_WINOGRAD_POINTS * BITLINE_WINOGRAD_POINTS] = {{0}};
      for (int64_t f = 0; f < filters; f++) {
        const float *from = weights + ((first + f) * s->channels + c) * area;
        for (int64_t place = 0; place < area; place++) ((double *)&window[place])[f] = from[place];
      }
      for (int phase = 0; phase < phases_of(s); phase++) {
        const int top = phase_rows[phase] * (stride - 1), left = phase_columns[phase] * (stride - 1);
        const int64_t channel = phase * depth + c;
        lanes_f64 half[BITLINE_WINOGRAD_POINTS][BITLINE_WINOGRAD_POINTS] = {{{0}}};
        for (int y = top, tap = 0; y < s->kernel_height; y += stride, tap++) {
          for (int x = left, i = 0; x < s->kernel_width; x += stride, i++) {
            for (int row = 0; row < rows; row++) half[row][i] += by_row[row][tap] * window[y * s->kernel_width + x];
          }
        }
        for (int i = 0; i < w.count; i++) {
          const winograd_product *product = &w.all[i];
          const int64_t at = channel - product->taps.first * TAP_CHANNELS;
          if (product->times != 0 || at < 0 || at >= product->taps.count * TAP_CHANNELS) continue;
          const double *by = by_column[product->column];
          const lanes_f64 *from = half[product->row];
          lanes_f64 sum = {0};
          for (int tap = 0; tap < g->columns.taps; tap++) sum += by[tap] * from[tap];
          const v16f rounded = __builtin_convertvector(sum, v16f);
          memcpy(to + (product->weights + at) * lanes, &rounded, sizeof rounded);
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
    .all = products_of(&p->shape, &p->grid, p->plain, p->derived)};
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
