/// Winograd's F(2x2, 3x3) of a convolution of codes: 16 products for four results instead of 36, in bytes, exact.
#include "blocked.h"
#include "conv_codes.h"
#include "team.h"

/// Bytes of transformed codes that should stay in the second cache.
enum { NEAR_BYTES = 256 << 10 };
/// A line between the numbers of tiles, so that they do not fall into one set of a cache.
enum { GAP_BYTES = 64 };

typedef struct codes_extents {
  /// Tiles of the whole batch, tiles of a part, and of all parts that are transformed together.
  int64_t all, part, together;
  /// Bytes of transformed codes, and sums of products, from one number of the tiles to the next.
  int64_t input_position, product_position;
  /// Bytes of all transformed codes, and of the products of one worker.
  int64_t input, products;
} codes_extents;

/// The most tiles of a part.
static int64_t part_limit(const conv_codes_plan *p) {
  return bitline_min(56, bitline_max(28, NEAR_BYTES / (p->products * p->tap_count * BITLINE_LANES)));
}

static codes_extents extents_of(const conv_codes_plan *p, int64_t batch, int threads, int64_t part) {
  codes_extents e = {.all = batch * p->tiles.rows * p->tiles.columns, .part = bitline_max(part, 1)};
  e.together = bitline_min(e.part * ((threads + p->panels - 1) / p->panels), bitline_max(e.all, 1));
  e.input_position = (int64_t)bitline_lines(p->tap_count * e.together * BITLINE_LANES) + GAP_BYTES;
  e.product_position = e.part * p->wide * BITLINE_LANES + GAP_BYTES / 4;
  e.input = p->products * e.input_position;
  e.products = p->products * e.product_position * 4;
  return e;
}

size_t winograd_codes_workspace_bytes(const conv_codes_plan *p, int64_t batch, int threads) {
  // Enough for fewer samples too, whose parts may be greater.
  const int64_t all = batch * p->tiles.rows * p->tiles.columns;
  const codes_extents e = extents_of(p, batch, threads, bitline_min(part_limit(p), all));
  return (size_t)(e.input + e.products * threads) + bitline_lines(p->tap_count * 4);
}

typedef struct codes_work {
  const conv_codes_plan *p;
  codes_extents e;
  const uint8_t *x;
  uint8_t *y, *input;
  char *products;
  int32_t *taps;
  int64_t first, count;
} codes_work;

static void input_task(void *context, int64_t block, int worker) {
  const codes_work *w = context;
  const conv_codes_plan *p = w->p;
  (void)worker;
  const int64_t plane = (int64_t)p->shape.height * p->shape.width * BITLINE_LANES;
  bitline_table_of((bitline_isa)p->isa)->winograd_input_u8(
    &p->tiles, w->first, w->count, w->x + block * plane, p->tap_count * plane, w->input + block * w->e.together * BITLINE_LANES,
    w->e.input_position, p->lift);
}

static void product_task(void *context, int64_t index, int worker) {
  const codes_work *w = context;
  const conv_codes_plan *p = w->p;
  const bitline_table *table = bitline_table_of((bitline_isa)p->isa);
  const int64_t parts = (w->count + w->e.part - 1) / w->e.part, first = index % parts * w->e.part;
  const int64_t count = bitline_min(w->e.part, w->count - first);
  const conv_blocked_panel panel = panel_of(p->vecs, p->wide, index / parts);
  const int64_t lanes = panel.vecs * BITLINE_LANES, most = table->block_words_rows[panel.vecs == 4 ? 2 : panel.vecs - 1];
  const int64_t pieces = (count + most - 1) / most, block = panel.first * BITLINE_LANES * p->products;
  int32_t *products = (int32_t *)(w->products + worker * w->e.products);
  block_words_args args = {
    .taps = w->taps, .tap_count = p->tap_count, .y_row = lanes, .vecs = panel.vecs,
    .w = (const int8_t *)p + p->weights + block * p->tap_count * BITLINE_LANES,
    .start = (const int32_t *)((const char *)p + p->starts) + block};
  for (int64_t product = 0; product < p->products; product++) {
    for (int64_t piece = 0; piece < pieces; piece++) {
      const int64_t row = piece * count / pieces;
      args.x = w->input + product * w->e.input_position + (first + row) * BITLINE_LANES;
      args.y = products + product * w->e.product_position + row * lanes;
      args.rows = (int)((piece + 1) * count / pieces - row);
      table->block_small(&args);
    }
    args.w += p->tap_count * BITLINE_LANES * lanes;
    args.start += lanes;
  }
  const int64_t plane = (int64_t)p->shape.out_height * p->shape.out_width * BITLINE_LANES, size = p->finish.quantizes ? 1 : 4;
  const float *m = (const float *)((const char *)p + p->m), *c = (const float *)((const char *)p + p->c);
  for (int64_t v = 0; v < panel.vecs; v++) {
    const int64_t filters = panel.first + v;
    table->winograd_output_i32(
      &p->tiles, w->first + first, count, products + v * BITLINE_LANES, w->e.product_position, lanes, &p->finish,
      m + filters * BITLINE_LANES, c + filters * BITLINE_LANES, w->y + filters * plane * size, p->vecs * plane);
  }
}

void winograd_codes_run(const conv_codes_plan *p, int64_t batch, const uint8_t *x, void *y, void *workspace, bitline_team *team) {
  const int64_t all = batch * p->tiles.rows * p->tiles.columns, limit = part_limit(p);
  // Parts of even size.
  const int64_t parts = bitline_max(1, (all + limit - 1) / limit), part = (all + parts - 1) / parts;
  codes_work w = {.p = p, .e = extents_of(p, batch, bitline_team_threads(team), part), .x = x, .y = y, .input = workspace};
  w.products = (char *)workspace + w.e.input;
  w.taps = (int32_t *)(w.products + w.e.products * bitline_team_threads(team));
  for (int64_t tap = 0; tap < p->tap_count; tap++) w.taps[tap] = (int32_t)(tap * w.e.together * BITLINE_LANES);
  for (w.first = 0; w.first < w.e.all; w.first += w.e.together) {
    w.count = bitline_min(w.e.together, w.e.all - w.first);
    bitline_team_run(team, p->tap_count, input_task, &w);
    bitline_team_run(team, p->panels * ((w.count + w.e.part - 1) / w.e.part), product_task, &w);
  }
}
