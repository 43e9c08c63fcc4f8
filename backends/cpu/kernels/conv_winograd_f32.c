/// Winograd's way of a blocked f32 convolution with a 3x3 window: transform tiles of the input, multiply number by number of the tiles as
/// matrices [tiles][channels] x [channels][filters], transform the products.
#include "blocked.h"
#include "conv_blocked.h"
#include "team.h"

/// Bytes of transformed input that should stay in the second cache.
enum { NEAR_BYTES = 512 << 10 };
/// A line between the numbers of tiles, so that they do not fall into one set of a cache.
enum { GAP = BITLINE_LANES };
/// Tiles for each thread from which on threads need not share transformed inputs.
enum { LEAST_APART = 20 };

double winograd_cycles(const bitline_conv_shape *s, int64_t samples, int tile) {
  // A multiply-add of sixteen lanes each; transforms of a tile of sixteen channels; 6 bytes of weights come from memory in one.
  const double from = (double)blocks_of(s->channels), to = (double)blocks_of(s->filters), side = tile + 2;
  const double tiles =
    (double)bitline_max(samples, 1) * ((s->out_height + tile - 1) / tile) * ((s->out_width + tile - 1) / tile);
  const double products = tiles * side * side * from * 16 * to * 1.05, moved = side * side * from * 16 * to * 64 / 6;
  return (products > moved ? products : moved) + tiles * side * side * 5 * (from + to);
}

int winograd_choose(const bitline_conv_shape *s, int64_t samples) {
  if (
    s->kernel_height != 3 || s->kernel_width != 3 || s->stride_height != 1 || s->stride_width != 1 || s->dilation_height != 1
    || s->dilation_width != 1 || s->groups != 1 || s->channels < 16 || s->filters < 16) {
    return 0;
  }
  double best = (double)bitline_max(samples, 1) * s->out_height * s->out_width * 9 * (double)blocks_of(s->channels) * 16
    * (double)blocks_of(s->filters);
  int size = 0;
  for (int tile = 2; tile <= 4; tile += 2) {
    const double cycles = winograd_cycles(s, samples, tile);
    if (cycles < best) {
      best = cycles;
      size = tile;
    }
  }
  return size;
}

void winograd_pack(const conv_blocked_plan *p, const float *weights, float *packed) {
  const double a = BITLINE_WINOGRAD_A, b = BITLINE_WINOGRAD_B;
  const double at_a = 2 * a * a * (a * a - b * b), at_b = 2 * b * b * (b * b - a * a), all = a * a * b * b;
  const double four[6][3] = {
    {1 / all, 0, 0}, {1 / at_a, a / at_a, a * a / at_a}, {1 / at_a, -a / at_a, a * a / at_a}, {1 / at_b, b / at_b, b * b / at_b},
    {1 / at_b, -b / at_b, b * b / at_b}, {0, 0, 1}};
  const double two[4][3] = {{1, 0, 0}, {.5, .5, .5}, {.5, -.5, .5}, {0, 0, 1}};
  const bitline_conv_shape *s = &p->shape;
  const int side = p->tiles.size + 2;
  const double(*g)[3] = side == 6 ? four : two;
  for (int64_t f = 0; f < s->filters; f++) {
    const conv_blocked_panel panel = panel_with(p->vecs, p->wide, f / BITLINE_LANES);
    const int64_t lanes = panel.vecs * BITLINE_LANES, product = p->depth * lanes;
    float *to = packed + panel.first * BITLINE_LANES * p->products * p->depth + (f - panel.first * BITLINE_LANES);
    for (int64_t c = 0; c < s->channels; c++, weights += 9) {
      double half[6][3];
      for (int i = 0; i < side; i++) {
        for (int x = 0; x < 3; x++) half[i][x] = g[i][0] * weights[x] + g[i][1] * weights[3 + x] + g[i][2] * weights[6 + x];
      }
      for (int i = 0; i < side; i++) {
        for (int k = 0; k < side; k++) {
          to[(i * side + k) * product + c * lanes] = (float)(half[i][0] * g[k][0] + half[i][1] * g[k][1] + half[i][2] * g[k][2]);
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
  const int64_t tile_bytes = p->products * p->blocks * BITLINE_LANES * 4;
  const int64_t least = bitline_table_of((bitline_isa)p->isa)->block_f32_rows[0] >= 14 ? 28 : 24;
  return bitline_max(least, NEAR_BYTES / tile_bytes);
}

static winograd_extents extents_of(const conv_blocked_plan *p, int64_t batch, int threads, int64_t part) {
  winograd_extents e = {.all = batch * p->tiles.rows * p->tiles.columns, .part = bitline_max(part, 1)};
  e.together = bitline_min(e.part * ((threads + p->panels - 1) / p->panels), bitline_max(e.all, 1));
  e.input_position = p->blocks * e.together * BITLINE_LANES + GAP;
  e.product_position = e.part * p->wide * BITLINE_LANES + GAP;
  e.input = p->products * e.input_position;
  e.products = p->products * e.product_position;
  return e;
}

size_t winograd_workspace_bytes(const conv_blocked_plan *p, int64_t batch, int threads) {
  // Enough for fewer samples too, whose parts may be greater, and for either way of sharing.
  const int64_t all = batch * p->tiles.rows * p->tiles.columns, part = bitline_min(part_limit(p), all);
  const winograd_extents together = extents_of(p, batch, threads, part), apart = extents_of(p, batch, 1, part);
  const int64_t input = bitline_max(together.input, threads > 1 ? apart.input * threads : 0);
  return bitline_lines((input + together.products * threads + p->tap_count) * 4 + 64);
}

typedef struct winograd_work {
  const conv_blocked_plan *p;
  winograd_extents e;
  const float *x, *add;
  float *y, *input, *products;
  int32_t *taps;
  int64_t first, count;
} winograd_work;

static void input_task(void *context, int64_t block, int worker) {
  const winograd_work *w = context;
  const conv_blocked_plan *p = w->p;
  (void)worker;
  const int64_t plane = (int64_t)p->shape.height * p->shape.width * BITLINE_LANES;
  bitline_table_of((bitline_isa)p->isa)->winograd_input_f32(
    &p->tiles, w->first, w->count, w->x + block * plane, p->blocks * plane, w->input + block * w->e.together * BITLINE_LANES,
    w->e.input_position);
}

/// Tiles `first..<first + count` of those transformed at `input`, times one panel.
static void multiply_panel(
  const winograd_work *w, int64_t index, const float *input, int64_t first, int64_t first_of_all, int64_t count, int worker
) {
  const conv_blocked_plan *p = w->p;
  const bitline_table *table = bitline_table_of((bitline_isa)p->isa);
  const conv_blocked_panel panel = panel_of(p->vecs, p->wide, index);
  const int64_t lanes = panel.vecs * BITLINE_LANES, most = table->block_f32_rows[panel.vecs == 4 ? 2 : panel.vecs - 1];
  const int64_t pieces = (count + most - 1) / most;
  float *products = w->products + worker * w->e.products;
  block_f32_args args = {
    .taps = w->taps, .tap_count = p->tap_count, .y_row = lanes, .y_vec = BITLINE_LANES, .vecs = panel.vecs, .inner = TAP_CHANNELS,
    .step = BITLINE_LANES,
    .w = (const float *)((const char *)p + p->weights) + panel.first * BITLINE_LANES * p->products * p->depth};
  for (int64_t product = 0; product < p->products; product++, args.w += p->depth * lanes) {
    for (int64_t piece = 0; piece < pieces; piece++) {
      const int64_t row = piece * count / pieces;
      args.x = input + product * w->e.input_position + (first + row) * BITLINE_LANES;
      args.y = products + product * w->e.product_position + row * lanes;
      args.rows = (int)((piece + 1) * count / pieces - row);
      table->block_f32(&args);
    }
  }
  const int64_t plane = (int64_t)p->shape.out_height * p->shape.out_width * BITLINE_LANES;
  const float *biases = (const float *)((const char *)p + p->biases);
  for (int64_t v = 0; v < panel.vecs; v++) {
    const int64_t block = panel.first + v;
    table->winograd_output_f32(
      &p->tiles, first_of_all, count, products + v * BITLINE_LANES, w->e.product_position, lanes, biases + block * BITLINE_LANES,
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
  const int64_t plane = (int64_t)p->shape.height * p->shape.width * BITLINE_LANES;
  float *input = w->input + worker * w->e.input;
  for (int64_t block = 0; block < p->blocks; block++) {
    bitline_table_of((bitline_isa)p->isa)->winograd_input_f32(
      &p->tiles, first, count, w->x + block * plane, p->blocks * plane, input + block * w->e.together * BITLINE_LANES,
      w->e.input_position);
  }
  for (int64_t panel = 0; panel < p->panels; panel++) multiply_panel(w, panel, input, 0, first, count, worker);
}

void winograd_run(
  const conv_blocked_plan *p, int64_t batch, const float *x, const float *add, float *y, void *workspace, bitline_team *team
) {
  const int threads = bitline_team_threads(team);
  const int64_t all = batch * p->tiles.rows * p->tiles.columns, limit = part_limit(p);
  // Parts of even size; apart where each thread has rows of blocks enough for the weights that it reads alone.
  const int apart = threads > 1 && all >= LEAST_APART * threads;
  int64_t parts = bitline_max(1, (all + limit - 1) / limit);
  if (apart) parts = bitline_round_up(parts, threads);
  winograd_work w = {
    .p = p, .e = extents_of(p, batch, apart ? 1 : threads, (all + parts - 1) / parts), .x = x, .add = add, .y = y, .input = workspace};
  w.products = w.input + w.e.input * (apart ? threads : 1);
  w.taps = (int32_t *)(w.products + w.e.products * threads);
  for (int64_t tap = 0; tap < p->tap_count; tap++) {
    const int64_t channel = tap * TAP_CHANNELS;
    w.taps[tap] = (int32_t)(channel / BITLINE_LANES * w.e.together * BITLINE_LANES + channel % BITLINE_LANES);
  }
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
