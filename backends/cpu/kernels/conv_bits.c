/// Convolution of bits with bits, for inputs and weights of +-1, from bits `[height][width][words]` on.
///
/// A bit is 1 for +1. Rows of a product are windows, their words tap by tap, and the words of a tap channel by channel; `gemm_bits.h`
/// says how they are stored. Padding is 0, which no bit is: it is read as -1, and what it then counts is known for each place of a window.
#pragma STDC FP_CONTRACT OFF
#include "conv_bits.h"

#include "team.h"

/// Positions are taken in parts of so many bytes of rows, an eighth of a second cache of 1 MB.
enum { PART_BYTES = 128 << 10 };

/// Rows whose sums are finished together.
enum { SUM_ROWS = 64 };

/// The class of each window along an axis: windows of one have the same taps in the padding. `places` becomes where the first of each starts.
static void classify(
  int32_t extent, int32_t kernel, int32_t stride, int32_t dilation, int32_t pad, int32_t out, int32_t *classes, int32_t *places, int32_t *count
) {
  *count = 0;
  for (int32_t i = 0; i < out; i++) {
    const int32_t start = i * stride - pad;
    int32_t same = 0;
    for (; same < *count; same++) {
      const int32_t other = places[same];
      int alike = 1;
      for (int32_t k = 0; k < kernel && alike; k++) {
        const int32_t a = start + k * dilation, b = other + k * dilation;
        alike = (a >= 0 && a < extent) == (b >= 0 && b < extent);
      }
      if (alike) break;
    }
    if (same == *count) places[(*count)++] = start;
    classes[i] = same;
  }
}

static conv_bits_plan describe(bitline_isa isa, const bitline_conv_shape *s, int to_bits) {
  conv_bits_plan p = {.isa = isa, .shape = *s, .to_bits = to_bits, .channel_words = bitline_words_of(s->channels)};
  p.words = bitline_round_up((int64_t)s->kernel_height * s->kernel_width * p.channel_words, 2);
  p.padded_width = (int64_t)(s->out_width - 1) * s->stride_width + (int64_t)(s->kernel_width - 1) * s->dilation_width + 1;
  p.padded_height = (int64_t)(s->out_height - 1) * s->stride_height + (int64_t)(s->kernel_height - 1) * s->dilation_height + 1;
  p.panels = (s->filters + BITLINE_BITS_LANES - 1) / BITLINE_BITS_LANES;
  // No more classes than places; what is not used is not read.
  const int64_t rows = bitline_min(s->out_height, 2 * s->kernel_height + 1), columns = bitline_min(s->out_width, 2 * s->kernel_width + 1);
  p.class_room = rows * columns;
  p.classes = (int64_t)bitline_lines(sizeof(conv_bits_plan));
  p.axes = p.classes + (int64_t)bitline_lines((int64_t)s->out_height * s->out_width * 4);
  p.taps = p.axes + (int64_t)bitline_lines(
    4 * (2 * ((int64_t)s->out_height + s->out_width) + (int64_t)s->kernel_height * s->kernel_width));
  p.limits = p.taps + (int64_t)bitline_lines(p.words * 4);
  p.m = p.limits + p.panels * p.class_room * BITLINE_BITS_LANES * 8;
  p.c = p.m + (to_bits ? 0 : (int64_t)bitline_lines(p.panels * BITLINE_BITS_LANES * 4));
  p.weights = p.c + (to_bits ? 0 : (int64_t)bitline_lines(p.panels * BITLINE_BITS_LANES * 4));
  p.bytes = p.weights + p.panels * p.words * BITLINE_BITS_LANES * 8;
  return p;
}

size_t bitline_conv_bits_plan_bytes(bitline_isa isa, const bitline_conv_shape *shape, int to_bits) {
  return (size_t)describe(isa, shape, to_bits).bytes;
}

/// `floor(a / 2)`.
static int64_t half_of(int64_t a) { return (a - (a & 1)) / 2; }

/// The words of filter `f`, without what lies before them, and the bits of each tap that are 1.
static void pack_filter(const conv_bits_plan *p, const int8_t *weights, int flip, uint64_t *to, int32_t *ones) {
  const int64_t area = (int64_t)p->shape.kernel_height * p->shape.kernel_width;
  for (int64_t tap = 0; tap < area; tap++) {
    ones[tap] = 0;
    for (int64_t channel = 0; channel < p->shape.channels; channel++) {
      if ((weights[channel * area + tap] > 0) == flip) continue;
      to[(tap * p->channel_words + channel / 64) * BITLINE_BITS_LANES] |= (uint64_t)1 << channel % 64;
      ones[tap]++;
    }
  }
}

static void prepare(
  bitline_isa isa, const bitline_conv_shape *s, const int8_t *weights, const int32_t *least, const int8_t *signs, const float *m,
  const float *c, const bitline_finish *finish, void *plan
) {
  conv_bits_plan p = describe(isa, s, least != 0);
  if (finish) p.finish = *finish;
  char *bytes = plan;
  memset(bytes, 0, (size_t)p.bytes);
  const int64_t area = (int64_t)s->kernel_height * s->kernel_width;
  int32_t *rows = (int32_t *)(bytes + p.axes), *columns = rows + s->out_height, *row_places = columns + s->out_width;
  int32_t *column_places = row_places + s->out_height, *ones = column_places + s->out_width;
  int32_t row_count, column_count;
  classify(s->height, s->kernel_height, s->stride_height, s->dilation_height, s->pad_top, s->out_height, rows, row_places, &row_count);
  classify(s->width, s->kernel_width, s->stride_width, s->dilation_width, s->pad_left, s->out_width, columns, column_places, &column_count);
  memcpy(bytes, &p, sizeof p);
  int32_t *classes = (int32_t *)(bytes + p.classes);
  for (int64_t y = 0; y < s->out_height; y++) {
    for (int64_t x = 0; x < s->out_width; x++) classes[y * s->out_width + x] = rows[y] * column_count + columns[x];
  }
  int32_t *taps = (int32_t *)(bytes + p.taps);
  for (int64_t k = 0; k < area * p.channel_words; k++) {
    const int64_t tap = k / p.channel_words, y = tap / s->kernel_width * s->dilation_height, x = tap % s->kernel_width * s->dilation_width;
    taps[k] = (int32_t)((y * p.padded_width + x) * p.channel_words + k % p.channel_words);
  }
  if (!least) {
    memcpy(bytes + p.m, m, sizeof(float) * (size_t)s->filters);
    memcpy(bytes + p.c, c, sizeof(float) * (size_t)s->filters);
  }
  for (int64_t f = 0; f < p.panels * BITLINE_BITS_LANES; f++) {
    const int64_t panel = f / BITLINE_BITS_LANES, lane = f % BITLINE_BITS_LANES;
    uint64_t *to = (uint64_t *)(bytes + p.weights) + panel * p.words * BITLINE_BITS_LANES + lane;
    if (f < s->filters) pack_filter(&p, weights + f * s->channels * area, least && signs[f] < 0, to, ones);
    for (int64_t k = 1; k < p.words; k++) to[k * BITLINE_BITS_LANES] ^= to[(k - 1) * BITLINE_BITS_LANES];
    for (int64_t row = 0; row < row_count; row++) {
      for (int64_t column = 0; column < column_count; column++) {
        // The sum is the taps inside, times channels, less twice the differences there.
        int64_t inside = 0, outside_ones = 0;
        for (int64_t tap = 0; tap < area; tap++) {
          const int64_t y = row_places[row] + tap / s->kernel_width * s->dilation_height;
          const int64_t x = column_places[column] + tap % s->kernel_width * s->dilation_width;
          if (y >= 0 && y < s->height && x >= 0 && x < s->width) inside += s->channels;
          else if (f < s->filters) outside_ones += ones[tap];
        }
        const int64_t place = (panel * p.class_room + row * column_count + column) * BITLINE_BITS_LANES + lane;
        const int64_t start = inside + 2 * outside_ones;
        if (least) ((int64_t *)(bytes + p.limits))[place] = f < s->filters ? half_of(start - least[f]) : -1;
        else ((int32_t *)(bytes + p.limits))[place] = f < s->filters ? (int32_t)start : 0;
      }
    }
  }
}

void bitline_conv_bits_prepare(
  bitline_isa isa, const bitline_conv_shape *shape, const int8_t *weights, const int32_t *least, const int8_t *signs, void *plan
) {
  prepare(isa, shape, weights, least, signs, 0, 0, 0, plan);
}

void bitline_conv_bits_prepare_finish(
  bitline_isa isa, const bitline_conv_shape *shape, const int8_t *weights, const float *m, const float *c, const bitline_finish *finish,
  void *plan
) {
  prepare(isa, shape, weights, 0, 0, m, c, finish, plan);
}

/// Rows of positions that are gathered together.
static int64_t part_rows(const conv_bits_plan *p) {
  const int64_t row = p->shape.out_width * p->words * 8;
  return bitline_max(1, bitline_min(p->shape.out_height, PART_BYTES / bitline_max(row, 1)));
}

static int64_t sums_bytes(const conv_bits_plan *p) { return p->to_bits ? 0 : SUM_ROWS * BITLINE_BITS_LANES * 4; }

static int64_t padded_bytes(const conv_bits_plan *p) {
  return (int64_t)bitline_lines(p->padded_height * p->padded_width * p->channel_words * 8);
}

static int64_t rows_bytes(const conv_bits_plan *p) { return (int64_t)bitline_lines(part_rows(p) * p->shape.out_width * p->words * 8); }

size_t bitline_conv_bits_workspace_bytes(const void *plan, int threads) {
  const conv_bits_plan *p = plan;
  return (size_t)(padded_bytes(p) + rows_bytes(p) + sums_bytes(p) * threads);
}

typedef struct bits_run {
  const conv_bits_plan *p;
  const uint64_t *x;
  /// Of the sample.
  uint8_t *y;
  uint64_t *padded, *rows;
  char *sums;
  /// Rows of positions in work: the first, and how many; positions of a task, and tasks of each panel.
  int64_t first_row, row_count, run, parts;
} bits_run;

/// A row of the input with room for padding.
static void pad_task(void *context, int64_t row, int worker) {
  const bits_run *r = context;
  const conv_bits_plan *p = r->p;
  const bitline_conv_shape *s = &p->shape;
  (void)worker;
  const int64_t words = p->channel_words, y = row - s->pad_top, width = p->padded_width;
  uint64_t *to = r->padded + row * width * words;
  const int64_t inside = y >= 0 && y < s->height ? bitline_min(s->width, width - s->pad_left) : 0;
  const int64_t before = inside > 0 ? s->pad_left : width;
  memset(to, 0, (size_t)(before * words * 8));
  if (inside <= 0) return;
  memcpy(to + before * words, r->x + y * s->width * words, (size_t)(inside * words * 8));
  memset(to + (before + inside) * words, 0, (size_t)((width - before - inside) * words * 8));
}

/// The windows of a row of positions. `run` words of a window lie side by side in the input, as a constant where it can be.
BITLINE_INLINE void gather(const bits_run *r, int64_t row, const int64_t run) {
  const conv_bits_plan *p = r->p;
  const bitline_conv_shape *s = &p->shape;
  const int64_t runs = (int64_t)s->kernel_height * s->kernel_width * p->channel_words / run, step = s->stride_width * p->channel_words;
  const int32_t *taps = (const int32_t *)((const char *)p + p->taps);
  const uint64_t *x = r->padded + (r->first_row + row) * s->stride_height * p->padded_width * p->channel_words;
  uint64_t *to = r->rows + row * s->out_width * p->words;
  for (int64_t i = 0; i < s->out_width; i++, x += step, to += p->words) {
    uint64_t before = 0;
    for (int64_t k = 0; k < runs; k++) {
      const uint64_t *from = x + taps[k * run];
      for (int64_t word = 0; word < run; word++) to[k * run + word] = before ^= from[word];
    }
    if (runs * run < p->words) to[runs * run] = before;
  }
}

static void gather_task(void *context, int64_t row, int worker) {
  const bits_run *r = context;
  (void)worker;
  const int64_t run = r->p->channel_words * (r->p->shape.dilation_width == 1 ? r->p->shape.kernel_width : 1);
  switch (run) {
  case 1: gather(r, row, 1); break;
  case 2: gather(r, row, 2); break;
  case 3: gather(r, row, 3); break;
  case 4: gather(r, row, 4); break;
  case 6: gather(r, row, 6); break;
  case 12: gather(r, row, 12); break;
  case 24: gather(r, row, 24); break;
  default: gather(r, row, run);
  }
}

static void panel_task(void *context, int64_t index, int worker) {
  const bits_run *r = context;
  const conv_bits_plan *p = r->p;
  const bitline_table *table = bitline_table_of((bitline_isa)p->isa);
  const int64_t panel = index / r->parts, first = index % r->parts * r->run;
  const int64_t end = bitline_min(first + r->run, r->row_count * p->shape.out_width), before = r->first_row * p->shape.out_width;
  const int64_t positions = (int64_t)p->shape.out_height * p->shape.out_width, size = p->finish.quantizes ? 1 : 4;
  const int64_t lane = panel * BITLINE_BITS_LANES, limits = lane * p->class_room;
  const float *m = (const float *)((const char *)p + p->m) + lane, *c = (const float *)((const char *)p + p->c) + lane;
  gemm_bits_args args = {
    .words = p->words, .w = (const uint64_t *)((const char *)p + p->weights) + lane * p->words,
    .bits_row = bitline_words_of(p->shape.filters) * 8, .limits = (const int64_t *)((const char *)p + p->limits) + limits,
    .starts = (const int32_t *)((const char *)p + p->limits) + limits, .sums = (int32_t *)(r->sums + worker * sums_bytes(p))};
  for (int64_t position = first; position < end; position += args.rows) {
    args.rows = p->to_bits ? end - first : bitline_min(SUM_ROWS, end - position);
    args.x = r->rows + position * p->words;
    args.classes = (const int32_t *)((const char *)p + p->classes) + before + position;
    if (p->to_bits) args.bits = r->y + (before + position) * args.bits_row + 2 * panel;
    table->gemm_bits(&args);
    if (!p->to_bits) {
      uint8_t *y = r->y + (panel * positions + before + position) * BITLINE_BITS_LANES * size;
      table->finish_rows(&p->finish, args.sums, BITLINE_BITS_LANES, args.rows, m, c, y);
    }
  }
}

void bitline_conv_bits_run(const void *plan, int64_t batch, const uint64_t *x, void *y, void *workspace, bitline_team *team) {
  const conv_bits_plan *p = plan;
  const bitline_conv_shape *s = &p->shape;
  const int64_t positions = (int64_t)s->out_height * s->out_width, size = p->finish.quantizes ? 1 : 4;
  const int64_t sample_bytes = p->to_bits ? positions * bitline_words_of(s->filters) * 8 : p->panels * positions * BITLINE_BITS_LANES * size;
  const int64_t rows = part_rows(p), threads = bitline_team_threads(team);
  for (int64_t n = 0; n < batch; n++) {
    bits_run r = {
      .p = p, .x = x + n * s->height * s->width * p->channel_words, .y = (uint8_t *)y + n * sample_bytes, .padded = workspace,
      .rows = (uint64_t *)((char *)workspace + padded_bytes(p)), .sums = (char *)workspace + padded_bytes(p) + rows_bytes(p)};
    // Where panels end within a word, the rest of it is 0.
    if (p->to_bits && p->panels * BITLINE_BITS_LANES % 64 != 0) memset(r.y, 0, (size_t)sample_bytes);
    bitline_team_run(team, p->padded_height, pad_task, &r);
    for (; r.first_row < s->out_height; r.first_row += rows) {
      r.row_count = bitline_min(rows, s->out_height - r.first_row);
      r.run = r.row_count * s->out_width;
      if (threads > 1) r.run = bitline_round_up(r.run / bitline_max(1, (4 * threads + p->panels - 1) / p->panels) + 1, 4);
      r.parts = (r.row_count * s->out_width + r.run - 1) / r.run;
      bitline_team_run(team, r.row_count, gather_task, &r);
      bitline_team_run(team, p->panels * r.parts, panel_task, &r);
    }
  }
}

int bitline_pack_bits_f32(
  bitline_isa isa, int64_t channels, int64_t positions, const float *from, const float *to, const uint16_t *flips, const float *x,
  uint64_t *y
) {
  const bitline_table *table = bitline_table_of(isa);
  const int64_t blocks = (channels + BITLINE_BITS_LANES - 1) / BITLINE_BITS_LANES, row = bitline_words_of(channels) * 8;
  int faults = 0;
  if (blocks * 2 < row) memset(y, 0, (size_t)(positions * row));
  for (int64_t block = 0; block < blocks; block++) {
    const int64_t lane = block * BITLINE_BITS_LANES;
    faults |= table->pack_bits(from + lane, to + lane, flips[block], positions, x + lane * positions, (uint8_t *)y + 2 * block, row);
  }
  return faults != 0;
}

void bitline_unpack_bits(int64_t channels, int64_t positions, const uint64_t *x, int8_t *y) {
  for (int64_t channel = 0; channel < channels; channel++) {
    for (int64_t i = 0; i < positions; i++) *y++ = x[i * bitline_words_of(channels) + channel / 64] >> channel % 64 & 1 ? 1 : -1;
  }
}

/// The taps of a window from `start` on that lie inside.
static void inside_of(int64_t start, int64_t kernel, int64_t dilation, int64_t extent, int64_t *first, int64_t *end) {
  *first = start < 0 ? (dilation - 1 - start) / dilation : 0;
  *end = start < extent ? bitline_min(kernel, (extent - 1 - start) / dilation + 1) : 0;
}

void bitline_pool_max_bits(const bitline_conv_shape *s, int64_t samples, const uint64_t *flips, const uint64_t *x, uint64_t *y) {
  const int64_t words = bitline_words_of(s->channels);
  for (int64_t n = 0; n < samples; n++, x += (int64_t)s->height * s->width * words) {
    for (int64_t i = 0; i < s->out_height; i++) {
      const int64_t top = (int64_t)i * s->stride_height - s->pad_top;
      int64_t first_row, end_row, first_column, end_column;
      inside_of(top, s->kernel_height, s->dilation_height, s->height, &first_row, &end_row);
      for (int64_t j = 0; j < s->out_width; j++) {
        const int64_t left = (int64_t)j * s->stride_width - s->pad_left;
        inside_of(left, s->kernel_width, s->dilation_width, s->width, &first_column, &end_column);
        for (int64_t w = 0; w < words; w++) {
          uint64_t any = 0;
          for (int64_t ky = first_row; ky < end_row; ky++) {
            const uint64_t *row = x + (top + ky * s->dilation_height) * s->width * words + w;
            for (int64_t kx = first_column; kx < end_column; kx++) any |= row[(left + kx * s->dilation_width) * words] ^ flips[w];
          }
          *y++ = any ^ flips[w];
        }
      }
    }
  }
}
