/// Convolution of codes with weights of +-1 on tensors in blocks of sixteen channels, tile by tile: sums of four codes are looked up.
#pragma STDC FP_CONTRACT OFF
#include <math.h>

#include "blocked.h"
#include "conv_codes.h"
#include "team.h"

/// Inputs of a chunk, and of a table.
enum { CHUNK = 64, TABLE = 16 };

/// Followed by chunks, gathers, their bytes, factors, offsets, starts and weights, at these offsets.
typedef struct conv_lookup_plan {
  int32_t isa;
  bitline_conv_shape shape;
  bitline_finish finish;
  /// What is added to codes to make them u8.
  int32_t lift;
  int32_t exact, bounded;
  float limit, lsb, inverse_lsb, offset;
  /// Of a padded plane.
  int64_t height, width;
  int64_t vecs, tiles, tile, chunks, gathers, tables;
  int64_t list, places, from, m, c, starts, weights, bytes;
} conv_lookup_plan;

/// How much farther input `k` of a window lies than the window's start, in bytes.
static int64_t input_offset(const conv_lookup_plan *p, int64_t k) {
  const bitline_conv_shape *s = &p->shape;
  const int64_t area = (int64_t)s->kernel_height * s->kernel_width, channel = k / area;
  const int64_t y = k % area / s->kernel_width * s->dilation_height, x = k % s->kernel_width * s->dilation_width;
  return ((channel / BITLINE_LANES * p->height + y) * p->width + x) * BITLINE_LANES + channel % BITLINE_LANES;
}

/// Where input `i` of a chunk stands: four neighbours are one selection, and the first four of them lie in the lanes of the first table.
static int64_t input_place(int64_t i) { return i % TABLE / 4 * 16 + i / TABLE * 4 + i % 4; }

/// The input that is taken as number `i`. Where sums are exact, they are taken as they lie in memory, so that few gathers find them.
static int64_t input_at(const conv_lookup_plan *p, const int32_t *order, int64_t i) {
  if (!p->exact) return order ? order[i] : i;
  const bitline_conv_shape *s = &p->shape;
  const int64_t area = (int64_t)s->kernel_height * s->kernel_width, block = i / (area * BITLINE_LANES);
  const int64_t lanes = bitline_min(BITLINE_LANES, s->channels - block * BITLINE_LANES), within = i - block * area * BITLINE_LANES;
  return (block * BITLINE_LANES + within % lanes) * area + within / lanes;
}

/// Covers the inputs of a chunk by gathers of sixty-four bytes; `gathers` and `from` may be null. Returns how many.
static int64_t cover(const conv_lookup_plan *p, const int32_t *order, int64_t first, int64_t count, lookup_gather *gathers, uint8_t *from) {
  int64_t offsets[CHUNK];
  for (int64_t i = 0; i < count; i++) offsets[i] = input_offset(p, input_at(p, order, first + i));
  int64_t found = 0;
  for (uint64_t left = count == CHUNK ? ~0ull : (1ull << count) - 1; left != 0; found++) {
    int64_t least = INT64_MAX;
    for (int64_t i = 0; i < count; i++) if (left >> i & 1) least = bitline_min(least, offsets[i]);
    least -= least % BITLINE_LANES;
    uint64_t mask = 0;
    for (int64_t i = 0; i < count; i++) {
      if (!(left >> i & 1) || offsets[i] >= least + 64) continue;
      left &= ~(1ull << i);
      mask |= 1ull << input_place(i);
      if (from) from[64 * found + input_place(i)] = (uint8_t)(offsets[i] - least);
    }
    if (gathers) gathers[found] = (lookup_gather){.offset = least, .mask = mask};
  }
  return found;
}

/// Quotients of sums in `-most...most` by multiplying and rounding once, if that gives the contract's readout for every one of them.
static void settle(conv_lookup_plan *p, int64_t most) {
  const float inverse = 1 / p->lsb;
  int bounded = 0;
  for (int64_t sum = -most; sum <= most; sum++) {
    float wanted = (float)sum / p->lsb;
    wanted = wanted > p->limit ? p->limit : wanted < -p->limit ? -p->limit : wanted;
    const float given = fmaf((float)sum, inverse, p->offset) - p->offset;
    if (fabsf(given) > p->limit) bounded = 1;
    if (fminf(fmaxf(given, -p->limit), p->limit) != bitline_round(wanted)) return;
  }
  p->inverse_lsb = inverse;
  p->bounded = bounded;
}

/// Inputs `first..<first + count` of a tile, which ends with them or goes on.
typedef struct piece {
  int64_t tile, first, count;
  int32_t ends;
} piece;

/// From a piece of at most a chunk to the next, at first from none; returns whether there is one.
static int next_piece(const conv_lookup_plan *p, int64_t inputs, piece *c) {
  c->first += c->count;
  if (c->first >= inputs) return 0;
  c->tile = c->first / p->tile;
  const int64_t stop = bitline_min((c->tile + 1) * p->tile, inputs);
  c->count = bitline_min(CHUNK, stop - c->first);
  c->ends = c->first + c->count == stop;
  return 1;
}

static conv_lookup_plan describe(
  bitline_isa isa, const bitline_conv_shape *s, const bitline_readout *readout, int32_t lo, const int32_t *order
) {
  conv_lookup_plan p = {.isa = isa, .shape = *s, .lift = lo < 0 ? -lo : 0, .exact = readout->bits == 0, .bounded = 1};
  p.height = (int64_t)(s->out_height - 1) * s->stride_height + (int64_t)(s->kernel_height - 1) * s->dilation_height + 1;
  p.width = (int64_t)(s->out_width - 1) * s->stride_width + (int64_t)(s->kernel_width - 1) * s->dilation_width + 1;
  const int64_t inputs = (int64_t)s->channels * s->kernel_height * s->kernel_width;
  p.tile = p.exact || readout->tile <= 0 || readout->tile > inputs ? inputs : readout->tile;
  p.tiles = (inputs + p.tile - 1) / p.tile;
  p.vecs = blocks_of(s->filters);
  p.offset = 12582912.0f;
  if (readout->bits == 1) {
    // Twice a whole number and 1 is none of -1, 0 and 1 but by its sign.
    p.limit = 1;
    p.inverse_lsb = 2;
    p.offset += 1;
  } else if (!p.exact) {
    p.limit = (float)readout->top;
    p.lsb = readout->lsb;
  }
  for (piece c = {0}; next_piece(&p, inputs, &c);) {
    p.chunks++;
    p.gathers += cover(&p, order, c.first, c.count, 0, 0);
    p.tables += (c.count + TABLE - 1) / TABLE;
  }
  p.list = (int64_t)bitline_lines(sizeof(conv_lookup_plan));
  p.places = p.list + (int64_t)bitline_lines(p.chunks * (int64_t)sizeof(lookup_chunk));
  p.from = p.places + (int64_t)bitline_lines(p.gathers * (int64_t)sizeof(lookup_gather));
  p.m = p.from + p.gathers * 64;
  p.c = p.m + p.vecs * BITLINE_LANES * 4;
  p.starts = p.c + p.vecs * BITLINE_LANES * 4;
  p.weights = p.starts + (p.lift ? p.tiles : 1) * p.vecs * BITLINE_LANES * 4;
  p.bytes = p.weights + p.tables * p.vecs * 64;
  return p;
}

int bitline_conv_lookup_takes(bitline_isa isa, const bitline_conv_shape *s, const bitline_readout *readout, int32_t lo, int32_t hi) {
  const int64_t inputs = (int64_t)s->channels * s->kernel_height * s->kernel_width;
  const int64_t tile = readout->tile <= 0 ? inputs : bitline_min(readout->tile, inputs);
  // Every sum of a tile and its quotient by less than 1 are exact in f32.
  return bitline_table_of(isa)->lookup_u8b != 0 && s->groups == 1 && 4 * ((int64_t)hi - lo) <= 255 && inputs > 0
    && (readout->bits == 0 || tile * bitline_max(hi, -lo) < 1 << 21);
}

int bitline_conv_lookup_pays(bitline_isa isa, const bitline_conv_shape *s, int32_t lo, int32_t hi, int64_t samples) {
  const bitline_readout exact = {0};
  if (!bitline_conv_lookup_takes(isa, s, &exact, lo, hi)) return 0;
  const int64_t inputs = (int64_t)s->channels * s->kernel_height * s->kernel_width, chunks = (inputs + CHUNK - 1) / CHUNK;
  // Cycles of a chunk at one position, measured with 64 to 512 filters: its tables, and what sixteen filters look up there.
  const double chunk = 27 + 6.25 * (double)blocks_of(s->filters);
  return (double)bitline_max(samples, 1) * s->out_height * s->out_width * (double)chunks * chunk < conv_codes_cycles(s, lo, hi, samples);
}

size_t bitline_conv_lookup_plan_bytes(
  bitline_isa isa, const bitline_conv_shape *shape, const bitline_readout *readout, int32_t lo, const int32_t *order
) {
  return (size_t)describe(isa, shape, readout, lo, order).bytes;
}

void bitline_conv_lookup_prepare(
  bitline_isa isa, const bitline_conv_shape *s, const bitline_readout *readout, int32_t lo, int32_t hi, const int8_t *weights,
  const int32_t *order, const float *m, const float *c, const bitline_finish *finish, void *plan
) {
  conv_lookup_plan p = describe(isa, s, readout, lo, order);
  p.finish = *finish;
  if (readout->bits > 1) settle(&p, p.tile * bitline_max(hi, -lo));
  char *bytes = plan;
  memset(bytes, 0, (size_t)p.bytes);
  memcpy(bytes, &p, sizeof p);
  memcpy(bytes + p.m, m, sizeof(float) * (size_t)s->filters);
  memcpy(bytes + p.c, c, sizeof(float) * (size_t)s->filters);
  lookup_chunk *list = (lookup_chunk *)(bytes + p.list);
  lookup_gather *gathers = (lookup_gather *)(bytes + p.places);
  uint8_t *from = (uint8_t *)bytes + p.from, *packed = (uint8_t *)bytes + p.weights;
  int32_t *starts = (int32_t *)(bytes + p.starts);
  const int64_t inputs = (int64_t)s->channels * s->kernel_height * s->kernel_width;
  int64_t gather = 0;
  for (piece now = {0}; next_piece(&p, inputs, &now);) {
    const int64_t covered = cover(&p, order, now.first, now.count, gathers + gather, from + 64 * gather);
    const int64_t tables = (now.count + TABLE - 1) / TABLE;
    *list++ = (lookup_chunk){.first = (int32_t)gather, .gathers = (int32_t)covered, .tables = (int32_t)tables, .ends = now.ends};
    gather += covered;
    for (int64_t f = 0; f < p.vecs * BITLINE_LANES; f++) {
      uint8_t *w = packed + f / BITLINE_LANES * tables * 64 + f % BITLINE_LANES * 4;
      for (int64_t byte = 0; byte < tables * 4; byte++) w[byte / 4 * 64 + byte % 4] = (uint8_t)(byte % 4 * 16);
      for (int64_t i = 0; i < now.count && f < s->filters; i++) {
        const int8_t weight = weights[f * inputs + input_at(&p, order, now.first + i)];
        if (weight > 0) w[i / TABLE * 64 + i % TABLE / 4] |= (uint8_t)(1 << i % 4);
        if (p.lift) starts[now.tile * p.vecs * BITLINE_LANES + f] -= p.lift * weight;
      }
    }
    packed += p.vecs * tables * 64;
  }
}

static int64_t padded_bytes(const conv_lookup_plan *p) {
  return (int64_t)bitline_lines(blocks_of(p->shape.channels) * p->height * p->width * BITLINE_LANES + 64);
}

/// Of the sums of one worker, and of its tile sums.
static int64_t sums_bytes(const conv_lookup_plan *p) { return p->vecs * 4 * BITLINE_LANES * 4; }

size_t bitline_conv_lookup_workspace_bytes(const void *plan, int threads) {
  const conv_lookup_plan *p = plan;
  return (size_t)(padded_bytes(p) + 2 * sums_bytes(p) * threads);
}

typedef struct lookup_run {
  const conv_lookup_plan *p;
  const uint8_t *x;
  uint8_t *y, *padded;
  char *sums;
  /// Positions of a task, by fours.
  int64_t part;
} lookup_run;

/// One plane, lifted to u8.
static void lay_out_task(void *context, int64_t plane, int worker) {
  const lookup_run *r = context;
  const conv_lookup_plan *p = r->p;
  const bitline_conv_shape *s = &p->shape;
  (void)worker;
  const uint8_t lift = (uint8_t)p->lift;
  const int64_t left = bitline_min(s->pad_left, p->width), inside = bitline_max(0, bitline_min(s->width, p->width - left));
  const uint8_t *x = r->x + plane * s->height * s->width * BITLINE_LANES;
  uint8_t *to = r->padded + plane * p->height * p->width * BITLINE_LANES;
  for (int64_t y = 0; y < p->height; y++, to += p->width * BITLINE_LANES) {
    const int64_t at = y - s->pad_top;
    if (at < 0 || at >= s->height) {
      memset(to, lift, (size_t)(p->width * BITLINE_LANES));
      continue;
    }
    const uint8_t *from = x + at * s->width * BITLINE_LANES;
    memset(to, lift, (size_t)(left * BITLINE_LANES));
    uint8_t *row = to + left * BITLINE_LANES;
    if (lift == 0) memcpy(row, from, (size_t)(inside * BITLINE_LANES));
    else for (int64_t i = 0; i < inside * BITLINE_LANES; i++) row[i] = (uint8_t)(from[i] + lift);
    memset(row + inside * BITLINE_LANES, lift, (size_t)((p->width - left - inside) * BITLINE_LANES));
  }
}

static void position_task(void *context, int64_t index, int worker) {
  const lookup_run *r = context;
  const conv_lookup_plan *p = r->p;
  const bitline_conv_shape *s = &p->shape;
  const bitline_table *table = bitline_table_of((bitline_isa)p->isa);
  const char *bytes = (const char *)p;
  const int64_t positions = (int64_t)s->out_height * s->out_width, end = bitline_min((index + 1) * r->part, positions);
  const int64_t size = p->finish.quantizes ? 1 : 4;
  const float *m = (const float *)(bytes + p->m), *c = (const float *)(bytes + p->c);
  int32_t *sums = (int32_t *)(r->sums + worker * 2 * sums_bytes(p));
  lookup_u8b_args args = {
    .list = (const lookup_chunk *)(bytes + p->list), .gathers = (const lookup_gather *)(bytes + p->places),
    .bytes = (const uint8_t *)bytes + p->from, .w = (const uint8_t *)bytes + p->weights, .start = (const int32_t *)(bytes + p->starts),
    .chunks = p->chunks, .tiles = p->tiles, .vecs = p->vecs, .lifted = p->lift != 0, .exact = p->exact, .bounded = p->bounded,
    .limit = p->limit, .lsb = p->lsb, .inverse_lsb = p->inverse_lsb, .offset = p->offset, .sums = sums,
    .partial = sums + sums_bytes(p) / 4};
  for (int64_t first = index * r->part; first < end; first += 4) {
    const int64_t rows = bitline_min(4, end - first);
    for (int64_t i = 0; i < 4; i++) {
      // Four in any case: the last again.
      const int64_t at = bitline_min(first + i, end - 1);
      args.x[i] = r->padded
        + (at / s->out_width * s->stride_height * p->width + at % s->out_width * s->stride_width) * BITLINE_LANES;
    }
    table->lookup_u8b(&args);
    for (int64_t v = 0; v < p->vecs; v++) {
      table->finish_rows(
        &p->finish, sums + v * 4 * BITLINE_LANES, BITLINE_LANES, rows, m + v * BITLINE_LANES, c + v * BITLINE_LANES,
        r->y + (v * positions + first) * BITLINE_LANES * size);
    }
  }
}

void bitline_conv_lookup_run(const void *plan, int64_t batch, const void *codes, void *y, void *workspace, bitline_team *team) {
  const conv_lookup_plan *p = plan;
  const bitline_conv_shape *s = &p->shape;
  const int64_t planes = blocks_of(s->channels), size = p->finish.quantizes ? 1 : 4, threads = bitline_team_threads(team);
  const int64_t positions = (int64_t)s->out_height * s->out_width;
  for (int64_t n = 0; n < batch; n++) {
    lookup_run r = {
      .p = p, .x = (const uint8_t *)codes + n * planes * s->height * s->width * BITLINE_LANES,
      .y = (uint8_t *)y + n * p->vecs * positions * BITLINE_LANES * size, .padded = workspace,
      .sums = (char *)workspace + padded_bytes(p), .part = positions};
    if (threads > 1) r.part = bitline_round_up((positions + 4 * threads - 1) / (4 * threads), 4);
    bitline_team_run(team, planes, lay_out_task, &r);
    bitline_team_run(team, (positions + r.part - 1) / r.part, position_task, &r);
  }
}
