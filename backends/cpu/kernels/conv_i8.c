/// Convolution of codes with weights of i8, requantized, to blocks of sixteen channels.
#pragma STDC FP_CONTRACT OFF
#include "conv_i8.h"

#include "team.h"

/// Whether the sums of every filter lie within what `winograd_i16.h` divides, and its numbers within i16.
static int fits_transforms(const bitline_conv_shape *s, const bitline_int8_layer *layer) {
  const int64_t inputs = (int64_t)s->channels * s->kernel_height * s->kernel_width;
  const int64_t least = -coding_zero(&layer->from), most = 255 + least;
  for (int64_t f = 0; f < s->filters; f++) {
    int64_t up = 0, down = 0;
    for (int64_t k = 0; k < inputs; k++) {
      const int64_t w = layer->weights[f * inputs + k];
      if (w > 0) up += w;
      else down -= w;
    }
    if (bitline_max(most * up - least * down, most * down - least * up) >= 1 << 25) return 0;
  }
  return 1;
}

/// Whether F(4x4, 3x3) takes fewer cycles.
static int transforms(
  const bitline_table *table, const bitline_conv_shape *s, const bitline_int8_layer *layer, int plain, int64_t samples
) {
  if (
    plain || s->kernel_height != 3 || s->kernel_width != 3 || s->stride_height != 1 || s->stride_width != 1 || s->dilation_height != 1
    || s->dilation_width != 1) {
    return 0;
  }
  // Cycles, about: one for a product of sixteen words, and less well used where they are few; transforms of a tile of sixteen channels; and
  // half of what it takes to bring weights of i16 from a far cache or memory: six bytes a cycle were measured there.
  const double many = (double)bitline_max(samples, 1), from = (double)blocks_of(s->channels), to = (double)blocks_of(s->filters);
  const double tiles = many * ((s->out_height + 3) / 4) * ((s->out_width + 3) / 4);
  const double moved = 36 * from * to * 512 / 6, products = 1.05 * table->i16_times * tiles * 36 * from * to * 8;
  const double direct = many * s->out_height * s->out_width * 9 * from * to * 4;
  if (products + moved / 2 + tiles * (from * 120 + to * 200) >= direct) return 0;
  return fits_transforms(s, layer);
}

static conv_i8_plan describe(
  bitline_isa isa, const bitline_conv_shape *s, const bitline_int8_layer *layer, int plain, int64_t samples, int direct
) {
  const bitline_table *table = bitline_table_of(isa);
  conv_i8_plan p = {.isa = isa, .shape = *s, .plain = plain, .products = 1, .words = 4};
  p.tiles = (winograd_tiles){
    .height = s->height, .width = s->width, .pad_top = s->pad_top, .pad_left = s->pad_left, .out_height = s->out_height,
    .out_width = s->out_width, .rows = (s->out_height + 3) / 4, .columns = (s->out_width + 3) / 4};
  int64_t run;
  if (!direct && transforms(table, s, layer, plain, samples)) {
    p.tiles.size = 4;
    p.products = 36;
    p.words = 8;
    run = (int64_t)p.tiles.rows * p.tiles.columns * bitline_max(1, samples);
  } else {
    p.gathers = !plain && s->kernel_height == 1 && s->kernel_width == 1 && s->stride_height + s->stride_width > 2 && s->pad_top == 0
      && s->pad_left == 0 && (s->out_height - 1) * s->stride_height < s->height && (s->out_width - 1) * s->stride_width < s->width;
    bitline_conv_shape read = *s;
    if (p.gathers) {
      read.height = s->out_height;
      read.width = s->out_width;
      read.stride_height = read.stride_width = 1;
    }
    p.layout = window_layout_of(&read, p.gathers || (!plain && !layer->from.is_signed));
    run = p.layout.run;
    if (plain && s->channels <= 4) p.words = 1;
  }
  p.vecs = blocks_of(s->filters);
  p.wide = table->block_words_rows[1] > 0 ? 2 : 1;
  if (run <= table->block_words_rows[2] && p.vecs % 4 == 0) p.wide = 4;
  p.panels = panel_count(p.vecs, p.wide);
  const int64_t area = (int64_t)s->kernel_height * s->kernel_width, blocks = blocks_of(s->channels);
  p.tap_count = blocks * (p.tiles.size > 0 ? 1 : area);
  p.requantize = requantize_describe(s->filters);
  p.taps = (int64_t)bitline_lines(sizeof(conv_i8_plan));
  p.parameters = p.taps + (int64_t)bitline_lines(p.tap_count * 4);
  p.starts = p.parameters + p.requantize.bytes;
  p.weights = p.starts + p.vecs * BITLINE_LANES * 4;
  p.plain_weights = p.weights + p.products * p.tap_count * p.words * p.vecs * BITLINE_LANES * 4;
  p.bytes = p.plain_weights + (int64_t)bitline_lines(s->filters * area * (plain ? s->channels : blocks * BITLINE_LANES));
  return p;
}

size_t bitline_conv_i8_plan_bytes(
  bitline_isa isa, const bitline_conv_shape *shape, const bitline_int8_layer *layer, int plain, int64_t samples, int direct
) {
  return (size_t)describe(isa, shape, layer, plain, samples, direct).bytes;
}

/// The word of a weight: `lane` of tap `tap` of a product.
static int8_t *word_of(const conv_i8_plan *p, int64_t f, int64_t product, int64_t tap, int64_t word, char *bytes) {
  const conv_blocked_panel panel = panel_with(p->vecs, p->wide, f / BITLINE_LANES);
  const int64_t block = panel.first * p->products * p->tap_count * p->words, vec = f / BITLINE_LANES - panel.first;
  const int64_t place = block + ((product * p->tap_count + tap) * p->words + word) * panel.vecs + vec;
  return (int8_t *)(bytes + p->weights) + (place * BITLINE_LANES + f % BITLINE_LANES) * 4;
}

static void pack_direct(const conv_i8_plan *p, const bitline_int8_layer *layer, char *bytes) {
  const bitline_conv_shape *s = &p->shape;
  const int64_t area = (int64_t)s->kernel_height * s->kernel_width;
  int32_t *taps = (int32_t *)(bytes + p->taps), *starts = (int32_t *)(bytes + p->starts);
  for (int64_t tap = 0; tap < p->tap_count; tap++) {
    const int32_t place = p->gathers ? (int32_t)(tap * p->layout.plane) : window_tap(s, &p->layout, tap);
    taps[tap] = place * (int32_t)p->words * 4;
  }
  const int8_t *weights = layer->weights;
  for (int64_t f = 0; f < s->filters; f++) {
    int32_t sum = 0;
    for (int64_t channel = 0; channel < s->channels; channel++, weights += area) {
      const int64_t block = channel / BITLINE_LANES, lane = channel % BITLINE_LANES;
      int8_t *to = word_of(p, f, 0, block * area, lane / 4, bytes);
      const int64_t next = word_of(p, f, 0, block * area + 1, lane / 4, bytes) - to;
      for (int64_t i = 0; i < area; i++) {
        to[i * next + lane % 4] = weights[i];
        sum += weights[i];
      }
    }
    starts[f] = -coding_zero(&layer->from) * sum;
  }
}

/// Sixteen filters and two channels share lines, and follow one another.
static void pack_transformed(const conv_i8_plan *p, const bitline_int8_layer *layer, char *bytes) {
  static const int g[6][3] = {{1, 0, 0}, {1, 1, 1}, {1, -1, 1}, {1, 2, 4}, {1, -2, 4}, {0, 0, 1}};
  const int64_t channels = p->shape.channels, filters = p->shape.filters;
  for (int64_t turn = 0; turn < blocks_of(filters) * channels; turn++) {
    const int64_t block = turn / channels, channel = turn % channels, lane = channel % BITLINE_LANES;
    for (int64_t f = block * BITLINE_LANES; f < bitline_min((block + 1) * BITLINE_LANES, filters); f++) {
      const int8_t *weights = layer->weights + (f * channels + channel) * 9;
      int8_t *to = word_of(p, f, 0, channel / BITLINE_LANES, lane / 2, bytes);
      const int64_t next = word_of(p, f, 1, channel / BITLINE_LANES, lane / 2, bytes) - to;
      int half[6][3];
#pragma clang loop unroll(full)
      for (int i = 0; i < 6; i++) {
#pragma clang loop unroll(full)
        for (int k = 0; k < 3; k++) half[i][k] = g[i][0] * weights[k] + g[i][1] * weights[3 + k] + g[i][2] * weights[6 + k];
      }
#pragma clang loop unroll(full)
      for (int i = 0; i < 36; i++) {
        const int *by = g[i % 6], *from = half[i / 6];
        const int16_t number = (int16_t)(by[0] * from[0] + by[1] * from[1] + by[2] * from[2]);
        memcpy(to + i * next + lane % 2 * 2, &number, 2);
      }
    }
  }
}

void bitline_conv_i8_prepare(
  bitline_isa isa, const bitline_conv_shape *s, const bitline_int8_layer *layer, int plain, int64_t samples, int direct, void *plan
) {
  conv_i8_plan p = describe(isa, s, layer, plain, samples, direct);
  char *bytes = plan;
  memset(bytes, 0, (size_t)p.bytes);
  const int64_t area = (int64_t)s->kernel_height * s->kernel_width, inputs = s->channels * area;
  requantize_prepare(&p.requantize, layer, s->filters, inputs, bytes + p.parameters);
  memcpy(bytes, &p, sizeof p);
  int8_t *weights = (int8_t *)(bytes + p.plain_weights);
  if (plain) memcpy(weights, layer->weights, (size_t)(s->filters * inputs));
  else {
    const int8_t *from = layer->weights;
    for (int64_t f = 0; f < s->filters; f++, weights += blocks_of(s->channels) * area * BITLINE_LANES) {
      for (int64_t channel = 0; channel < s->channels; channel++, from += area) {
        int8_t *to = weights + channel / BITLINE_LANES * area * BITLINE_LANES + channel % BITLINE_LANES;
        for (int64_t i = 0; i < area; i++) to[i * BITLINE_LANES] = from[i];
      }
    }
  }
  if (p.tiles.size > 0) pack_transformed(&p, layer, bytes);
  else pack_direct(&p, layer, bytes);
}

int bitline_conv_i8_winograd_tile(const void *plan) { return ((const conv_i8_plan *)plan)->tiles.size; }

/// The reference's sum: channel by channel, then along the kernel's axes. What lies in the padding adds nothing.
static double sum_in_order(const conv_i8_plan *p, const uint8_t *x, int64_t filter, int64_t top, int64_t left) {
  const bitline_conv_shape *s = &p->shape;
  const bitline_coding *from = &p->requantize.from;
  const int64_t area = (int64_t)s->kernel_height * s->kernel_width, plane = (int64_t)s->height * s->width;
  const float w_scale = ((const float *)((const char *)p + p->parameters + p->requantize.scales))[filter];
  const int8_t *weights = (const int8_t *)p + p->plain_weights
    + filter * area * (p->plain ? s->channels : blocks_of(s->channels) * BITLINE_LANES);
  double sum = 0;
  for (int64_t channel = 0; channel < s->channels; channel++) {
    for (int64_t i = 0; i < area; i++) {
      const int64_t y = top + i / s->kernel_width * s->dilation_height, column = left + i % s->kernel_width * s->dilation_width;
      if (y < 0 || y >= s->height || column < 0 || column >= s->width) continue;
      const int64_t block = channel / BITLINE_LANES, lane = channel % BITLINE_LANES, at = y * s->width + column;
      const int64_t place = p->plain ? channel * plane + at : (block * plane + at) * BITLINE_LANES + lane;
      const int weight = weights[p->plain ? channel * area + i : (block * area + i) * BITLINE_LANES + lane];
      const float number = (float)((x[place] ^ coding_flip(from)) - coding_zero(from)) * from->scale;
      sum += (double)number * (double)((float)weight * w_scale);
    }
  }
  return sum;
}

uint8_t conv_i8_settle(const conv_i8_plan *p, const uint8_t *x, int64_t filter, int64_t row, int64_t column) {
  const bitline_conv_shape *s = &p->shape;
  const requantize_plan *r = &p->requantize;
  const char *parameters = (const char *)p + p->parameters;
  const double bias = requantize_bias(r, parameters, filter), slack = ((const double *)(parameters + r->slacks))[filter];
  const int64_t top = row * s->stride_height - s->pad_top, left = column * s->stride_width - s->pad_left;
  if (!p->plain) {
    const dequantized_dot_args args = {
      .x = x, .flip = coding_flip(&r->from), .zero = coding_zero(&r->from), .scale = r->from.scale,
      .w = (const int8_t *)p + p->plain_weights + filter * blocks_of(s->channels) * s->kernel_height * s->kernel_width * BITLINE_LANES,
      .w_scale = ((const float *)(parameters + r->scales))[filter], .shape = s, .top = top, .left = left};
    const double sum = bitline_table_of((bitline_isa)p->isa)->dequantized_dot(&args) + bias;
    const uint8_t code = requantize_code(r, parameters, filter, sum - slack);
    if (code == requantize_code(r, parameters, filter, sum + slack)) return code;
  }
  return requantize_code(r, parameters, filter, sum_in_order(p, x, filter, top, left) + bias);
}

/// Whether codes are read where they lie.
static int is_direct(const conv_i8_plan *p) { return p->layout.direct && !p->gathers; }

static int64_t padded_bytes(const conv_i8_plan *p) {
  return is_direct(p) ? 0 : (int64_t)bitline_lines(blocks_of(p->shape.channels) * p->layout.plane * p->words * 4);
}

size_t bitline_conv_i8_workspace_bytes(const void *plan, int64_t batch, int threads) {
  const conv_i8_plan *p = plan;
  if (p->tiles.size > 0) return winograd_i8_workspace_bytes(p, batch, threads);
  return (size_t)padded_bytes(p);
}

typedef struct conv_i8_work {
  const conv_i8_plan *p;
  /// The sample as it came, and as it is read.
  const uint8_t *x, *read;
  uint8_t *y, *padded;
  /// Tasks for each panel.
  int64_t parts;
} conv_i8_work;

/// One row of one block of what a point with strides sees.
static void gather_task(void *context, int64_t index, int worker) {
  const conv_i8_work *work = context;
  const conv_i8_plan *p = work->p;
  const bitline_conv_shape *s = &p->shape;
  (void)worker;
  const uint8_t flip = coding_flip(&p->requantize.from);
  const int64_t block = index / s->out_height, row = index % s->out_height * s->stride_height;
  const uint8_t *from = work->x + (block * s->height + row) * s->width * BITLINE_LANES;
  uint8_t *to = work->padded + index * s->out_width * BITLINE_LANES;
  for (int64_t i = 0; i < s->out_width; i++, from += s->stride_width * BITLINE_LANES, to += BITLINE_LANES) {
    for (int lane = 0; lane < BITLINE_LANES; lane++) to[lane] = from[lane] ^ flip;
  }
}

/// Columns `i` of a phase of a row of plain codes, four channels (or as many as there are) in a word.
BITLINE_INLINE void lay_out_words(
  const uint8_t *const *planes, const int channels, int64_t first, int64_t end, int64_t stride, int64_t offset, uint8_t flip, uint8_t *to
) {
  for (int64_t i = first; i < end; i++) {
    for (int lane = 0; lane < 4; lane++) to[4 * i + lane] = lane < channels ? planes[lane][i * stride + offset] ^ flip : 0;
  }
}

/// One row of plain codes, in words of four channels, with the code of 0 around it; lanes without a channel have weights of 0.
static void lay_out_words_task(void *context, int64_t index, int worker) {
  const conv_i8_work *work = context;
  const conv_i8_plan *p = work->p;
  const bitline_conv_shape *s = &p->shape;
  const window_layout *l = &p->layout;
  (void)worker;
  const uint8_t flip = coding_flip(&p->requantize.from), zero = (uint8_t)coding_zero(&p->requantize.from);
  const int64_t at = index - s->pad_top, stride = s->stride_width;
  uint8_t *to = work->padded + index * l->row * 4;
  if (at < 0 || at >= s->height) {
    memset(to, zero, (size_t)(l->row * 4));
    return;
  }
  const uint8_t *planes[4];
  for (int64_t c = 0; c < 4; c++) planes[c] = work->x + (bitline_min(c, s->channels - 1) * s->height + at) * s->width;
  for (int64_t phase = 0; phase < stride; phase++, to += l->phase_width * 4) {
    const int64_t offset = phase - s->pad_left;
    const int64_t end = offset >= s->width ? 0 : bitline_min((s->width - 1 - offset) / stride + 1, l->phase_width);
    const int64_t first = bitline_min(offset >= 0 ? 0 : (-offset + stride - 1) / stride, end);
    memset(to, zero, (size_t)(first * 4));
    if (s->channels == 3) lay_out_words(planes, 3, first, end, stride, offset, flip, to);
    else lay_out_words(planes, s->channels, first, end, stride, offset, flip, to);
    memset(to + end * 4, zero, (size_t)((l->phase_width - end) * 4));
  }
}

/// One row of one block, with the code of 0 around it.
static void lay_out_task(void *context, int64_t index, int worker) {
  const conv_i8_work *work = context;
  const conv_i8_plan *p = work->p;
  const bitline_conv_shape *s = &p->shape;
  const window_layout *l = &p->layout;
  (void)worker;
  const int64_t lanes = p->words * 4, block = index / l->height, at = index % l->height - s->pad_top;
  const uint8_t flip = coding_flip(&p->requantize.from), zero = (uint8_t)coding_zero(&p->requantize.from);
  const int64_t plane = (int64_t)s->height * s->width;
  uint8_t *to = work->padded + index * l->row * lanes;
  if (at < 0 || at >= s->height) {
    memset(to, zero, (size_t)(l->row * lanes));
    return;
  }
  for (int64_t phase = 0; phase < s->stride_width; phase++) {
    for (int64_t i = 0; i < l->phase_width; i++, to += lanes) {
      const int64_t column = i * s->stride_width + phase - s->pad_left;
      if (column < 0 || column >= s->width) {
        memset(to, zero, (size_t)lanes);
      } else if (p->plain) {
        // Lanes without a channel have weights of 0.
        for (int lane = 0; lane < lanes; lane++) to[lane] = lane < s->channels ? work->x[lane * plane + at * s->width + column] ^ flip : 0;
      } else {
        const uint8_t *from = work->x + (block * plane + at * s->width + column) * BITLINE_LANES;
        for (int lane = 0; lane < BITLINE_LANES; lane++) to[lane] = from[lane] ^ flip;
      }
    }
  }
}

static void direct_task(void *context, int64_t index, int worker) {
  const conv_i8_work *work = context;
  const conv_i8_plan *p = work->p;
  (void)worker;
  const bitline_table *table = bitline_table_of((bitline_isa)p->isa);
  // Words of four inputs; those that fill up the last block of channels have weights of 0.
  const int64_t few = p->words == 4 && p->tap_count == blocks_of(p->shape.channels) ? (p->shape.channels + 3) / 4 : p->words * p->tap_count;
  const int is_few = p->words == 4 && few <= BITLINE_FEW_WORDS;
  void (*block_kernel)(const block_words_args *) = is_few ? table->block_i8_few : p->words == 1 ? table->block_i8_word : table->block_i8;
  const conv_blocked_panel panel = panel_of(p->vecs, p->wide, index / work->parts);
  const int most = is_few ? BITLINE_FEW_ROWS : table->block_words_rows[panel.vecs == 4 ? 2 : panel.vecs - 1];
  const int64_t positions = p->layout.run * p->layout.runs;
  const int64_t pieces = (p->layout.run + most - 1) / most, each = p->layout.run / pieces, longer = p->layout.run % pieces;
  const int64_t part = index % work->parts, all = p->layout.runs * pieces;
  const int64_t first_piece = part * all / work->parts, end_piece = (part + 1) * all / work->parts;
  requantize_lanes requantize[4];
  for (int64_t v = 0; v < panel.vecs; v++) {
    requantize[v] = requantize_lanes_of(&p->requantize, (const char *)p + p->parameters, panel.first + v);
  }
  uint16_t doubts[4][BITLINE_FEW_ROWS + 4] = {{0}};
  int any;
  block_words_args args = {
    .taps = (const int32_t *)((const char *)p + p->taps), .tap_count = p->tap_count, .vecs = panel.vecs,
    .w = (const int8_t *)p + p->weights + panel.first * BITLINE_LANES * p->tap_count * p->words * 4,
    .start = (const int32_t *)((const char *)p + p->starts) + panel.first * BITLINE_LANES, .lanes = requantize,
    .codes_vec = positions * BITLINE_LANES, .doubts = doubts, .any = &any, .few = (int)few};
  // Weights of the next panel come near while this one's are used.
  const int64_t calls = bitline_max(1, end_piece - first_piece);
  args.ahead = args.w + p->tap_count * p->words * panel.vecs * BITLINE_LANES * 4;
  args.ahead_lines = (p->words * panel.vecs + calls - 1) / calls;
  for (int64_t piece = first_piece; piece < end_piece; piece++) {
    // Pieces differ by one row at most, those of few words are as long as they may be.
    const int64_t run = piece / pieces, of_run = piece % pieces;
    const int64_t first = is_few ? of_run * most : of_run * each + bitline_min(of_run, longer), position = run * p->layout.run + first;
    args.x = work->read + (run * p->layout.position_row + first) * p->words * 4;
    args.codes = work->y + (panel.first * positions + position) * BITLINE_LANES;
    args.rows = (int)(is_few ? bitline_min(most, p->layout.run - first) : each + (of_run < longer));
    block_kernel(&args);
    args.ahead += p->tap_count * args.ahead_lines * 64;
    if (!any) continue;
    for (int64_t v = 0; v < panel.vecs; v++) {
      for (int64_t row = 0; row < args.rows; row++) {
        // Most are sure: four at a time are passed over.
        uint64_t four;
        memcpy(&four, &doubts[v][row], sizeof four);
        if (row % 4 == 0 && four == 0) row += 3;
        else if (doubts[v][row] != 0) {
          const int64_t at = position + row;
          conv_i8_settle_lanes(
            p, work->x, doubts[v][row], panel.first + v, at / p->shape.out_width, at % p->shape.out_width,
            args.codes + v * args.codes_vec + row * BITLINE_LANES);
        }
      }
    }
  }
}

void bitline_conv_i8_run(const void *plan, int64_t batch, const void *codes, void *y, void *workspace, bitline_team *team) {
  const conv_i8_plan *p = plan;
  if (p->tiles.size > 0) {
    winograd_i8_run(p, batch, codes, y, workspace, team);
    return;
  }
  const bitline_conv_shape *s = &p->shape;
  const int64_t channels = p->plain ? s->channels : blocks_of(s->channels) * BITLINE_LANES;
  for (int64_t n = 0; n < batch; n++) {
    conv_i8_work work = {
      .p = p, .x = (const uint8_t *)codes + n * channels * s->height * s->width,
      .y = (uint8_t *)y + n * p->vecs * s->out_height * s->out_width * BITLINE_LANES, .padded = workspace,
      .parts = 1};
    work.read = is_direct(p) ? work.x : work.padded;
    const int threads = bitline_team_threads(team);
    if (threads > 1) work.parts = (4 * threads + p->panels - 1) / p->panels;
    if (p->gathers) bitline_team_run(team, blocks_of(s->channels) * s->out_height, gather_task, &work);
    else if (p->words == 1) bitline_team_run(team, p->layout.height, lay_out_words_task, &work);
    else if (!p->layout.direct) bitline_team_run(team, blocks_of(s->channels) * p->layout.height, lay_out_task, &work);
    bitline_team_run(team, p->panels * work.parts, direct_task, &work);
  }
}
