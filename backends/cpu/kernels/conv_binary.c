/// Convolution of codes with weights of +-1: an implicit matrix product, blocks of whose columns are gathered just before they are used.
#pragma STDC FP_CONTRACT OFF
#include "tiles.h"
#include "window.h"

/// Followed by taps, weights and starts, at these offsets.
typedef struct conv_binary_plan {
  int32_t isa;
  bitline_conv_shape shape;
  window_layout layout;
  tile_layout tiles;
  int64_t padded_filters;
  int64_t taps, weights, starts, bytes;
} conv_binary_plan;

static conv_binary_plan describe(bitline_isa isa, const bitline_conv_shape *s, const bitline_readout *readout, int settle) {
  const bitline_table *table = bitline_table_of(isa);
  conv_binary_plan p = {.isa = isa, .shape = *s};
  p.layout = window_layout_of(s, !readout->signed_codes);
  p.tiles = tile_layout_of((int64_t)s->channels * s->kernel_height * s->kernel_width, readout, settle);
  p.padded_filters = bitline_round_up(s->filters, table->u8b_rows);
  p.taps = (int64_t)bitline_lines(sizeof(conv_binary_plan));
  p.weights = p.taps + (int64_t)bitline_lines(p.tiles.words * 4 * 4);
  p.starts = p.weights + (int64_t)bitline_lines(p.padded_filters * p.tiles.words * 4);
  p.bytes = p.starts + tile_start_bytes(&p.tiles, p.padded_filters);
  return p;
}

size_t bitline_conv_binary_plan_bytes(bitline_isa isa, const bitline_conv_shape *shape, const bitline_readout *readout) {
  return (size_t)describe(isa, shape, readout, 0).bytes;
}

void bitline_conv_binary_prepare(
  bitline_isa isa, const bitline_conv_shape *shape, const bitline_readout *readout, const int8_t *weights, const int32_t *order, void *plan
) {
  const conv_binary_plan p = describe(isa, shape, readout, 1);
  char *bytes = plan;
  memset(bytes, 0, (size_t)p.bytes);
  memcpy(bytes, &p, sizeof p);
  int32_t *taps = (int32_t *)(bytes + p.taps);
  for (int64_t place = 0; place < p.tiles.words * 4; place++) {
    // What fills a word up has weight 0: any element does.
    taps[place] = window_tap(shape, &p.layout, bitline_max(0, tile_input(&p.tiles, order, place)));
  }
  const int64_t rows = bitline_table_of(isa)->u8b_rows;
  tile_pack(&p.tiles, shape->filters, rows, weights, order, (int8_t *)(bytes + p.weights), (int32_t *)(bytes + p.starts));
}

static int64_t padded_bytes(const conv_binary_plan *p, int64_t samples) {
  return p->layout.direct ? 0 : (int64_t)bitline_lines(samples * p->layout.sample + 64);
}

static int64_t block_bytes(const conv_binary_plan *p, const bitline_table *table) {
  return (int64_t)bitline_lines(p->tiles.words * table->u8b_cols * 4 + 64);
}

size_t bitline_conv_binary_workspace_bytes(const void *plan, int64_t batch) {
  const conv_binary_plan *p = plan;
  const bitline_table *table = bitline_table_of((bitline_isa)p->isa);
  const int64_t group = window_group(&p->layout, table->u8b_cols, batch), positions = p->layout.run * p->layout.runs;
  const int64_t sums = group > 1 ? (int64_t)bitline_lines(p->shape.filters * group * positions * 4) : 0;
  return (size_t)(padded_bytes(p, group) + block_bytes(p, table) + sums);
}

#define SAME(x) (x)
#define FLIPPED(x) ((uint8_t)((x) ^ 0x80))
BITLINE_LAY_OUT(lay_out_u8, uint8_t, SAME)
BITLINE_LAY_OUT(lay_out_i8, uint8_t, FLIPPED)

void bitline_conv_binary_run(const void *plan, int64_t batch, const void *codes, int32_t *y, void *workspace) {
  const conv_binary_plan *p = plan;
  const bitline_table *table = bitline_table_of((bitline_isa)p->isa);
  const bitline_conv_shape *s = &p->shape;
  const tile_layout *t = &p->tiles;
  const int32_t *taps = (const int32_t *)((const char *)p + p->taps);
  const uint8_t *weights = (const uint8_t *)p + p->weights;
  const int32_t *starts = t->signed_codes ? (const int32_t *)((const char *)p + p->starts) : 0;
  const int64_t positions = p->layout.run * p->layout.runs, sample = (int64_t)s->channels * s->height * s->width;
  const int64_t together = window_group(&p->layout, table->u8b_cols, batch);
  uint8_t *padded = workspace;
  uint8_t *block = padded + padded_bytes(p, together);
  int32_t *sums = (int32_t *)(block + block_bytes(p, table));
  for (int64_t n = 0; n < batch; n += together) {
    const int64_t samples = bitline_min(together, batch - n), columns = samples * positions;
    const uint8_t *source = (const uint8_t *)codes + n * sample;
    if (!p->layout.direct) {
      if (t->signed_codes) lay_out_i8(s, &p->layout, samples * s->channels, source, 0x80, padded);
      else lay_out_u8(s, &p->layout, samples * s->channels, source, 0, padded);
      source = padded;
    }
    int32_t *to = samples > 1 ? sums : y + n * s->filters * positions;
    for (int64_t column = 0; column < columns; column += table->u8b_cols) {
      segment segments[BITLINE_MAX_COLS + 1];
      const int cols = (int)bitline_min(table->u8b_cols, columns - column);
      const int segment_count = window_segments(&p->layout, column, cols, segments);
      table->pack_u8x4(block, source, taps, t->words, segments, segment_count, p->layout.direct && column + cols == columns);
      for (int64_t f = 0; f < s->filters; f += table->u8b_rows) {
        const gemm_u8b_args args = {
          .a = weights + f * t->words * 4, .b = block, .c = to + f * columns + column, .c_stride = columns, .tiles = t->tiles,
          .tile_words = t->tile_words, .last_words = t->last_words, .start = starts ? starts + f * t->tiles : 0, .limit = t->limit,
          .lsb = t->lsb, .inverse_lsb = t->inverse_lsb, .shift = t->shift,
          .rows = (int)bitline_min(table->u8b_rows, s->filters - f), .cols = cols};
        table->gemm_u8b_codes_in_columns(&args);
      }
    }
    if (samples > 1) window_scatter(sums, columns, s->filters, samples, positions, y + n * s->filters * positions);
  }
}
