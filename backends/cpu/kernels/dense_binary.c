/// Dense layer of codes with weights of +-1: samples in rows, filters in columns.
#pragma STDC FP_CONTRACT OFF
#include "tiles.h"

/// Followed by the input at each place, weights and starts, at these offsets.
typedef struct dense_binary_plan {
  int32_t isa;
  /// Rows of codes are used as they come.
  int32_t direct;
  int64_t filters, padded_filters;
  tile_layout tiles;
  int64_t places, weights, starts, bytes;
} dense_binary_plan;

static dense_binary_plan describe(bitline_isa isa, int64_t inputs, int64_t filters, const bitline_readout *readout, int settle) {
  dense_binary_plan p = {.isa = isa, .filters = filters};
  p.tiles = tile_layout_of(inputs, readout, settle);
  p.padded_filters = bitline_round_up(filters, bitline_table_of(isa)->u8b_cols);
  p.places = (int64_t)bitline_lines(sizeof(dense_binary_plan));
  p.weights = p.places + (int64_t)bitline_lines(p.tiles.words * 4 * 4);
  p.starts = p.weights + (int64_t)bitline_lines(p.padded_filters * p.tiles.words * 4);
  p.bytes = p.starts + tile_start_bytes(&p.tiles, p.padded_filters);
  return p;
}

size_t bitline_dense_binary_plan_bytes(bitline_isa isa, int64_t inputs, int64_t filters, const bitline_readout *readout) {
  return (size_t)describe(isa, inputs, filters, readout, 0).bytes;
}

void bitline_dense_binary_prepare(
  bitline_isa isa, int64_t inputs, int64_t filters, const bitline_readout *readout, const int8_t *weights, const int32_t *order, void *plan
) {
  dense_binary_plan p = describe(isa, inputs, filters, readout, 1);
  char *bytes = plan;
  memset(bytes, 0, (size_t)p.bytes);
  int32_t *places = (int32_t *)(bytes + p.places);
  p.direct = !p.tiles.signed_codes;
  for (int64_t place = 0; place < p.tiles.words * 4; place++) {
    places[place] = (int32_t)tile_input(&p.tiles, order, place);
    if (places[place] != place) p.direct = 0;
  }
  memcpy(bytes, &p, sizeof p);
  tile_pack(
    &p.tiles, filters, bitline_table_of(isa)->u8b_cols, weights, order, (int8_t *)(bytes + p.weights), (int32_t *)(bytes + p.starts));
}

size_t bitline_dense_binary_workspace_bytes(const void *plan, int64_t batch) {
  const dense_binary_plan *p = plan;
  return p->direct ? 0 : bitline_lines(bitline_min(batch, bitline_table_of((bitline_isa)p->isa)->u8b_rows) * p->tiles.words * 4);
}

static void lay_out(const dense_binary_plan *p, int64_t samples, const uint8_t *codes, uint8_t *rows) {
  const int32_t *places = (const int32_t *)((const char *)p + p->places);
  const int64_t width = p->tiles.words * 4;
  const uint8_t flip = p->tiles.signed_codes ? 0x80 : 0;
  for (int64_t n = 0; n < samples; n++, codes += p->tiles.inputs, rows += width) {
    // What fills a word up has weight 0: any code does.
    for (int64_t i = 0; i < width; i++) rows[i] = places[i] < 0 ? 0 : codes[places[i]] ^ flip;
  }
}

void bitline_dense_binary_run(const void *plan, int64_t batch, const void *codes, int32_t *y, void *workspace) {
  const dense_binary_plan *p = plan;
  const bitline_table *table = bitline_table_of((bitline_isa)p->isa);
  const tile_layout *t = &p->tiles;
  const uint8_t *weights = (const uint8_t *)p + p->weights;
  const int32_t *starts = t->signed_codes ? (const int32_t *)((const char *)p + p->starts) : 0;
  for (int64_t n = 0; n < batch; n += table->u8b_rows) {
    const int64_t samples = bitline_min(table->u8b_rows, batch - n);
    const uint8_t *rows = (const uint8_t *)codes + n * t->inputs;
    if (!p->direct) {
      lay_out(p, samples, rows, workspace);
      rows = workspace;
    }
    for (int64_t f = 0; f < p->filters; f += table->u8b_cols) {
      const gemm_u8b_args args = {
        .a = rows, .a_stride = t->words * 4, .b = weights + f * t->words * 4, .c = y + n * p->filters + f, .c_stride = p->filters,
        .tiles = t->tiles, .tile_words = t->tile_words, .last_words = t->last_words, .start = starts ? starts + f * t->tiles : 0,
        .limit = t->limit, .lsb = t->lsb, .inverse_lsb = t->inverse_lsb, .shift = t->shift, .rows = (int)samples,
        .cols = (int)bitline_min(table->u8b_cols, p->filters - f)};
      table->gemm_u8b_weights_in_columns(&args);
    }
  }
}
