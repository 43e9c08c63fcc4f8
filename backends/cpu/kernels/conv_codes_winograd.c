/// Winograd's F(2x2, 3x3) of a convolution of codes: 16 products for four results instead of 36, in bytes, exact.
#include "conv_codes.h"
#include "winograd_parts.h"

static winograd_work work_of(const conv_codes_plan *p) {
  return (winograd_work){
    .tiles = &p->tiles, .products = p->products, .blocks = p->tap_count, .panels = p->panels, .wide = p->wide, .tile_bytes = BITLINE_LANES};
}

size_t winograd_codes_workspace_bytes(const conv_codes_plan *p, int64_t batch, int threads) {
  const winograd_work work = work_of(p);
  return winograd_parts_bytes(&work, batch, threads);
}

typedef struct codes_work {
  const conv_codes_plan *p;
  winograd_parts e;
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
  const winograd_work work = work_of(p);
  codes_work w = {.p = p, .e = winograd_parts_of(&work, batch, bitline_team_threads(team)), .x = x, .y = y, .input = workspace};
  w.products = (char *)workspace + w.e.input;
  w.taps = (int32_t *)(w.products + w.e.products * bitline_team_threads(team));
  for (int64_t tap = 0; tap < p->tap_count; tap++) w.taps[tap] = (int32_t)(tap * w.e.together * BITLINE_LANES);
  for (w.first = 0; w.first < w.e.all; w.first += w.e.together) {
    w.count = bitline_min(w.e.together, w.e.all - w.first);
    bitline_team_run(team, p->tap_count, input_task, &w);
    bitline_team_run(team, p->panels * ((w.count + w.e.part - 1) / w.e.part), product_task, &w);
  }
}
