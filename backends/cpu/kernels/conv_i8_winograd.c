/// Winograd's F(4x4, 3x3) of a convolution of codes: 36 products of i16 for sixteen results instead of 144 of i8, exact.
#pragma STDC FP_CONTRACT OFF
#include "conv_i8.h"
#include "winograd_parts.h"

/// Bytes of a tile's sixteen channels as i16.
enum { TILE_BYTES = BITLINE_LANES * 2 };

static winograd_work work_of(const conv_i8_plan *p) {
  return (winograd_work){
    .tiles = &p->tiles, .products = p->products, .blocks = p->tap_count, .panels = p->panels, .wide = p->wide, .tile_bytes = TILE_BYTES};
}

size_t winograd_i8_workspace_bytes(const conv_i8_plan *p, int64_t batch, int threads) {
  const winograd_work work = work_of(p);
  return winograd_parts_bytes(&work, batch, threads);
}

typedef struct i8_work {
  const conv_i8_plan *p;
  winograd_parts e;
  const uint8_t *x;
  uint8_t *y;
  char *input, *products;
  int32_t *taps;
  int64_t first, count;
} i8_work;

static void input_task(void *context, int64_t block, int worker) {
  const i8_work *w = context;
  const conv_i8_plan *p = w->p;
  (void)worker;
  const int64_t plane = (int64_t)p->shape.height * p->shape.width * BITLINE_LANES;
  bitline_table_of((bitline_isa)p->isa)->winograd_input_i16(
    &p->tiles, w->first, w->count, w->x + block * plane, p->tap_count * plane, coding_flip(&p->requantize.from),
    coding_zero(&p->requantize.from), (int16_t *)(w->input + block * w->e.together * TILE_BYTES), w->e.input_position / 2);
}

/// Settles what is not sure in tiles from `first` on.
static void settle(const i8_work *w, int64_t first, int64_t count, int64_t block, const uint16_t *doubts) {
  const conv_i8_plan *p = w->p;
  const winograd_tiles *t = &p->tiles;
  const int64_t per_sample = (int64_t)t->rows * t->columns, plane = (int64_t)t->out_height * t->out_width;
  for (int64_t tile = 0; tile < count; tile++, doubts += 16) {
    uint64_t all[4];
    memcpy(all, doubts, sizeof all);
    if ((all[0] | all[1] | all[2] | all[3]) == 0) continue;
    const int64_t n = (first + tile) / per_sample, place = (first + tile) % per_sample;
    const int64_t top = place / t->columns * 4, left = place % t->columns * 4;
    for (int64_t i = 0; i < 16; i++) {
      const int64_t row = top + i / 4, column = left + i % 4;
      if (row >= t->out_height || column >= t->out_width) continue;
      conv_i8_settle_lanes(
        p, w->x + n * p->tap_count * t->height * t->width * BITLINE_LANES, doubts[i], block, row, column,
        w->y + ((n * p->vecs + block) * plane + row * t->out_width + column) * BITLINE_LANES);
    }
  }
}

static void product_task(void *context, int64_t index, int worker) {
  const i8_work *w = context;
  const conv_i8_plan *p = w->p;
  const bitline_table *table = bitline_table_of((bitline_isa)p->isa);
  const int64_t parts = (w->count + w->e.part - 1) / w->e.part, first = index % parts * w->e.part;
  const int64_t count = bitline_min(w->e.part, w->count - first);
  const conv_blocked_panel panel = panel_of(p->vecs, p->wide, index / parts);
  const int64_t lanes = panel.vecs * BITLINE_LANES, most = table->block_words_rows[panel.vecs == 4 ? 2 : panel.vecs - 1];
  const int64_t pieces = (count + most - 1) / most, packed = p->tap_count * p->words * BITLINE_LANES * 4;
  int32_t *products = (int32_t *)(w->products + worker * w->e.products);
  block_words_args args = {
    .taps = w->taps, .tap_count = p->tap_count, .y_row = lanes, .vecs = panel.vecs,
    .w = (const int8_t *)p + p->weights + panel.first * p->products * packed};
  // The next product's weights come near while this one's are used.
  args.ahead_lines = (p->words * panel.vecs + pieces - 1) / pieces;
  for (int64_t product = 0; product < p->products; product++) {
    args.ahead = args.w + packed * panel.vecs;
    for (int64_t piece = 0; piece < pieces; piece++) {
      const int64_t row = piece * count / pieces;
      args.x = (const uint8_t *)w->input + product * w->e.input_position + (first + row) * TILE_BYTES;
      args.y = products + product * w->e.product_position + row * lanes;
      args.rows = (int)((piece + 1) * count / pieces - row);
      table->block_i16(&args);
      args.ahead += p->tap_count * args.ahead_lines * 64;
    }
    args.w += packed * panel.vecs;
  }
  const int64_t plane = (int64_t)p->shape.out_height * p->shape.out_width * BITLINE_LANES;
  uint16_t doubts[MOST_TILES * 16];
  for (int64_t v = 0; v < panel.vecs; v++) {
    const int64_t block = panel.first + v;
    const requantize_lanes requantize = requantize_lanes_of(&p->requantize, (const char *)p + p->parameters, block);
    const int any = table->winograd_output_i16(
      &p->tiles, w->first + first, count, products + v * BITLINE_LANES, w->e.product_position, lanes, &requantize, w->y + block * plane,
      p->vecs * plane, doubts);
    if (any) settle(w, w->first + first, count, block, doubts);
  }
}

void winograd_i8_run(const conv_i8_plan *p, int64_t batch, const uint8_t *x, uint8_t *y, void *workspace, bitline_team *team) {
  const winograd_work work = work_of(p);
  i8_work w = {.p = p, .e = winograd_parts_of(&work, batch, bitline_team_threads(team)), .x = x, .y = y, .input = workspace};
  w.products = (char *)workspace + w.e.input;
  w.taps = (int32_t *)(w.products + w.e.products * bitline_team_threads(team));
  for (int64_t tap = 0; tap < p->tap_count; tap++) w.taps[tap] = (int32_t)(tap * w.e.together * TILE_BYTES);
  for (w.first = 0; w.first < w.e.all; w.first += w.e.together) {
    w.count = bitline_min(w.e.together, w.e.all - w.first);
    bitline_team_run(team, p->tap_count, input_task, &w);
    bitline_team_run(team, p->panels * ((w.count + w.e.part - 1) / w.e.part), product_task, &w);
  }
}
