/// Convolution of numbers of bf16 with sums in f32 on tensors in blocks of sixteen channels. Inputs and results are f32: inputs are rounded when
/// they are laid out, weights when they are packed.
#include "blocked.h"
#include "conv_blocked.h"
#include "team.h"

/// Followed by taps, biases and weights, at these offsets.
typedef struct conv_bf16_plan {
  int32_t isa;
  bitline_conv_shape shape;
  bitline_activation activation;
  /// As in `conv_blocked_plan`.
  int32_t plain;
  bitline_conv_shape read;
  window_layout layout;
  int32_t step, wide;
  int64_t inner, vecs, panels;
  /// Taps, and words of two numbers in each: two for four channels of a block; one for two neighbouring columns of a plain tensor.
  int64_t tap_count, words;
  /// Weights are `[panels][tap_count][words][vecs of the panel][16][2]`.
  int64_t taps, biases, weights, bytes;
} conv_bf16_plan;

/// A number of a tap: its channel and place in the window; none there where `column` is beyond the window.
typedef struct conv_bf16_number {
  int64_t channel, row, column;
} conv_bf16_number;

static conv_bf16_number number_of(const conv_bf16_plan *p, int64_t tap, int64_t number) {
  const bitline_conv_shape *s = &p->shape;
  if (p->plain) {
    const int64_t pairs = (s->kernel_width + 1) / 2;
    return (conv_bf16_number){
      .channel = tap / (s->kernel_height * pairs), .row = tap / pairs % s->kernel_height, .column = tap % pairs * 2 + number};
  }
  const blocked_tap t = blocked_tap_of(s, tap);
  return (conv_bf16_number){.channel = t.channel + number, .row = t.place / s->kernel_width, .column = t.place % s->kernel_width};
}

static conv_bf16_plan describe(bitline_isa isa, const bitline_conv_shape *s, int plain) {
  const bitline_table *table = bitline_table_of(isa);
  conv_bf16_plan p = {.isa = isa, .shape = *s, .plain = plain, .read = blocked_read(s, plain)};
  p.step = plain ? s->stride_width : BITLINE_LANES;
  p.layout = window_layout_of(&p.read, 0);
  p.layout.run = s->out_width;
  p.inner = plain ? 1 : BITLINE_LANES;
  if (!plain && s->kernel_height == 1 && s->kernel_width == 1 && s->stride_height == 1 && s->stride_width == 1) {
    // Rows of results neighbour each other.
    p.layout.run *= p.layout.runs;
    p.layout.runs = 1;
  }
  p.vecs = blocks_of(s->filters);
  p.wide = table->block_f32_rows[1] > 0 ? 2 : 1;
  if (p.layout.run <= table->block_f32_rows[2] && p.vecs % 4 == 0) p.wide = 4;
  p.panels = panel_count(p.vecs, p.wide);
  const int64_t height = s->kernel_height, width = s->kernel_width;
  p.words = plain ? 1 : TAP_CHANNELS / 2;
  p.tap_count = plain ? s->channels * height * ((width + 1) / 2) : (s->channels + TAP_CHANNELS - 1) / TAP_CHANNELS * height * width;
  p.taps = (int64_t)bitline_lines(sizeof p);
  p.biases = p.taps + (int64_t)bitline_lines(p.tap_count * 4);
  p.weights = p.biases + (int64_t)bitline_lines(p.vecs * BITLINE_LANES * 4);
  p.bytes = p.weights + p.tap_count * p.words * p.vecs * BITLINE_LANES * 4;
  return p;
}

int bitline_conv_blocked_bf16_is_faster(const bitline_conv_shape *s, int plain, int64_t samples, int exact) {
  // Two columns of a plain tensor are one word; and results lie one or two columns apart.
  if (plain && (s->kernel_width < 2 || s->stride_width > 2 || s->dilation_width > 1)) return 0;
  const double positions = (double)bitline_max(samples, 1) * s->out_height * s->out_width, vecs = (double)blocks_of(s->filters);
  const double area = (double)s->kernel_height * s->kernel_width;
  const double depth = plain ? s->channels * area : (double)bitline_round_up(s->channels, TAP_CHANNELS) * area;
  const double words = plain ? (double)s->channels * s->kernel_height * ((s->kernel_width + 1) / 2) : depth / 2;
  // Rounding and laying out sixteen numbers takes about four cycles.
  const double rounding = (double)bitline_max(samples, 1) * s->height * s->width * s->channels / 16 * 4;
  winograd_grid grid;
  const double f32 = exact ? positions * depth * vecs : winograd_choose(s, plain, samples, &grid);
  // A vec by itself waits for the words of its positions as long as two would.
  return positions * words * (double)(blocks_of(s->filters) + blocks_of(s->filters) % 2) + rounding < f32;
}

int bitline_bf16_is_native(bitline_isa isa) {
#if BITLINE_X86
  __builtin_cpu_init();
  return bitline_table_of(isa)->block_bf16_native != 0 && __builtin_cpu_supports("avx512bf16");
#else
  (void)isa;
  return 0;
#endif
}

size_t bitline_conv_blocked_bf16_plan_bytes(bitline_isa isa, const bitline_conv_shape *shape, int plain) {
  return (size_t)describe(isa, shape, plain).bytes;
}

void bitline_conv_blocked_bf16_prepare(
  bitline_isa isa, const bitline_conv_shape *s, int plain, const float *weights, const float *bias, bitline_activation activation, void *plan
) {
  conv_bf16_plan p = describe(isa, s, plain);
  p.activation = activation;
  char *bytes = plan;
  memset(bytes, 0, (size_t)p.bytes);
  memcpy(bytes, &p, sizeof p);
  float *biases = (float *)(bytes + p.biases);
  for (int64_t f = 0; f < s->filters; f++) biases[f] = bias ? bias[f] : 0;
  int32_t *taps = (int32_t *)(bytes + p.taps);
  const int64_t height = s->kernel_height, width = s->kernel_width;
  for (int64_t tap = 0; tap < p.tap_count; tap++) {
    const conv_bf16_number n = number_of(&p, tap, 0);
    const int64_t k = (n.channel / p.inner * height + n.row) * width + n.column;
    taps[tap] = (int32_t)(window_tap(&p.read, &p.layout, k) * p.inner + n.channel % p.inner);
  }
  uint16_t *packed = (uint16_t *)(bytes + p.weights);
  for (int64_t index = 0; index < p.panels; index++) {
    const conv_blocked_panel panel = panel_of(p.vecs, p.wide, index);
    for (int64_t word = 0; word < p.tap_count * p.words; word++) {
      for (int64_t lane = 0; lane < panel.vecs * BITLINE_LANES; lane++) {
        const int64_t f = panel.first * BITLINE_LANES + lane;
        for (int64_t half = 0; half < 2; half++, packed++) {
          const conv_bf16_number n = number_of(&p, word / p.words, word % p.words * 2 + half);
          if (f >= s->filters || n.channel >= s->channels || n.column >= width) continue;
          *packed = bf16_of(weights[((f * s->channels + n.channel) * height + n.row) * width + n.column]);
        }
      }
    }
  }
}

static int64_t planes_of(const conv_bf16_plan *p) { return p->plain ? p->shape.channels : blocks_of(p->shape.channels); }

size_t bitline_conv_blocked_bf16_workspace_bytes(const void *plan) {
  const conv_bf16_plan *p = plan;
  // A word may reach one number beyond a plain sample.
  return bitline_lines(planes_of(p) * p->layout.plane * p->inner * 2 + 2);
}

typedef struct bf16_run {
  const conv_bf16_plan *p;
  void (*block)(const block_bf16_args *args);
  const float *x, *add;
  float *y;
  uint16_t *numbers;
  /// Tasks for each panel.
  int64_t parts;
} bf16_run;

/// Rounds a plane of elements of `inner` numbers into the layout.
static void lay_out_task(void *context, int64_t plane, int worker) {
  const bf16_run *r = context;
  const conv_bf16_plan *p = r->p;
  (void)worker;
  const bitline_table *table = bitline_table_of((bitline_isa)p->isa);
  const bitline_conv_shape *s = &p->read;
  const window_layout *l = &p->layout;
  const int64_t inner = p->inner, width = s->width, stride = s->stride_width;
  const float *x = r->x + plane * s->height * width * inner;
  uint16_t *to = r->numbers + plane * l->plane * inner;
  if (plane == planes_of(p) - 1) to[l->plane * inner] = 0;
  for (int64_t y = 0; y < l->height; y++) {
    const int64_t at = y - s->pad_top;
    const int inside = at >= 0 && at < s->height;
    for (int64_t phase = 0; phase < stride; phase++, to += l->phase_width * inner) {
      // Places of this phase whose columns lie inside the input.
      const int64_t offset = phase - s->pad_left;
      const int64_t stop = !inside || offset >= width ? 0 : bitline_min((width - 1 - offset) / stride + 1, l->phase_width);
      const int64_t start = bitline_min(offset >= 0 ? 0 : (-offset + stride - 1) / stride, stop);
      memset(to, 0, (size_t)(start * inner * 2));
      memset(to + stop * inner, 0, (size_t)((l->phase_width - stop) * inner * 2));
      if (start >= stop) continue;
      const float *from = x + (at * width + start * stride + offset) * inner;
      if (stride == 1) table->round_bf16((stop - start) * inner, from, to + start * inner);
      else for (int64_t i = start; i < stop; i++, from += stride * inner) table->round_bf16(inner, from, to + i * inner);
    }
  }
}

static void block_task(void *context, int64_t index, int worker) {
  const bf16_run *r = context;
  const conv_bf16_plan *p = r->p;
  (void)worker;
  const bitline_table *table = bitline_table_of((bitline_isa)p->isa);
  const conv_blocked_panel panel = panel_of(p->vecs, p->wide, index / r->parts);
  const int most = table->block_f32_rows[panel.vecs == 4 ? 2 : panel.vecs - 1];
  const int64_t positions = p->layout.run * p->layout.runs, depth = p->tap_count * p->words * 2;
  block_pieces pieces = block_pieces_of(&p->layout, most, index % r->parts, r->parts);
  block_bf16_args args = {
    .taps = (const int32_t *)((const char *)p + p->taps), .tap_count = p->tap_count,
    .w = (const uint16_t *)((const char *)p + p->weights) + panel.first * BITLINE_LANES * depth,
    .bias = (const float *)((const char *)p + p->biases) + panel.first * BITLINE_LANES, .y_row = BITLINE_LANES,
    .y_vec = positions * BITLINE_LANES, .activation = p->activation, .vecs = panel.vecs, .words = (int)p->words, .step = p->step};
  // Weights of the next panel come near while this one's are used, where that is not often.
  const int64_t lines = p->words * panel.vecs, calls = bitline_max(1, pieces.left);
  args.ahead = args.w + depth * panel.vecs * BITLINE_LANES;
  args.ahead_lines = calls <= lines ? (lines + calls - 1) / calls : 0;
  for (; pieces.left > 0; block_pieces_next(&pieces), args.ahead += p->tap_count * args.ahead_lines * 2 * BITLINE_LANES) {
    const int64_t at = panel.first * args.y_vec + (pieces.run * p->layout.run + pieces.first) * BITLINE_LANES;
    args.x = r->numbers + pieces.run * p->layout.position_row * p->inner + pieces.first * p->step;
    args.y = r->y + at;
    args.add = r->add ? r->add + at : 0;
    args.rows = (int)block_pieces_rows(&pieces);
    r->block(&args);
  }
}

void bitline_conv_blocked_bf16_run(
  const void *plan, int64_t batch, const float *x, const float *add, float *y, void *workspace, bitline_team *team
) {
  const conv_bf16_plan *p = plan;
  const bitline_conv_shape *s = &p->shape;
  const bitline_table *table = bitline_table_of((bitline_isa)p->isa);
  const int64_t x_sample = planes_of(p) * s->height * s->width * p->inner, y_sample = p->vecs * s->out_height * s->out_width * BITLINE_LANES;
  const int threads = bitline_team_threads(team);
  for (int64_t n = 0; n < batch; n++) {
    bf16_run r = {
      .p = p, .block = bitline_bf16_is_native((bitline_isa)p->isa) ? table->block_bf16_native : table->block_bf16, .x = x + n * x_sample,
      .add = add ? add + n * y_sample : 0, .y = y + n * y_sample, .numbers = workspace,
      .parts = threads > 1 ? (4 * threads + p->panels - 1) / p->panels : 1};
    bitline_team_run(team, planes_of(p), lay_out_task, &r);
    bitline_team_run(team, p->panels * r.parts, block_task, &r);
  }
}
