/// Which tiles Winograd's way of a blocked f32 convolution takes, and their weights: a matrix [channels] x [filters] for each product.
#include "blocked.h"
#include "winograd_products.h"

/// Results of a tile along an axis: at a fifth the points' powers err by 0.7 to 0.9 of what the op allows.
enum { MOST_RESULTS = 4 };
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

static int point_at(int points, int turn) { return turn == 0 ? 0 : turn == 1 ? points - 1 : turn - 1; }
static int is_derived(int turn, int derived) { return (turn == 3 && derived > 0) || (turn == 5 && derived > 1); }

/// The weights of -A, with two `derived` those of -B too, are derived along one axis (`winograd_divisor`) unless those of the other axis'
/// point are: with one, a plan has the weights of 26 of 36 products and of 16 of 24; with two, 20 and 14.
winograd_products winograd_products_of(const bitline_conv_shape *s, const winograd_grid *g, int plain, int derived) {
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
  const winograd_products w = winograd_products_of(s, g, plain, derived_of(s, g, plain, tiles, ROWS));
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
  const winograd_products w = winograd_products_of(s, &p->grid, p->plain, p->derived);
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
  const winograd_products w = winograd_products_of(s, g, p->plain, p->derived);
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
