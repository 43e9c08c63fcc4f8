/// Depthwise convolution of codes (groups = channels = filters), requantized, in blocks of sixteen channels.
#pragma STDC FP_CONTRACT OFF
#include "requantize.h"
#include "team.h"

/// Followed at these offsets by parameters, weights `[blocks][kernel_height][kernel_width][16]` of i16 in words of four bytes, and where it
/// has a way to make words of four columns, weights `[blocks][kernel_height][groups][16][4]` and starts `[blocks][16]`.
typedef struct depthwise_i8_plan {
  int32_t isa;
  bitline_conv_shape shape;
  requantize_plan requantize;
  /// Words of a window's row; 0: none are made.
  int64_t groups;
  /// Of a plane with the code of 0 around it.
  int64_t padded_height, padded_width;
  int64_t parameters, weights, words, starts, bytes;
} depthwise_i8_plan;

static depthwise_i8_plan describe(bitline_isa isa, const bitline_conv_shape *s) {
  depthwise_i8_plan p = {.isa = isa, .shape = *s, .requantize = requantize_describe(s->channels)};
  p.parameters = (int64_t)bitline_lines(sizeof(depthwise_i8_plan));
  p.weights = p.parameters + p.requantize.bytes;
  p.words = p.weights + blocks_of(s->channels) * s->kernel_height * s->kernel_width * BITLINE_LANES * 4;
  if (bitline_table_of(isa)->depthwise_i8_words && s->dilation_width == 1) {
    p.groups = (s->kernel_width + 3) / 4;
    p.padded_height = (int64_t)(s->out_height - 1) * s->stride_height + (int64_t)(s->kernel_height - 1) * s->dilation_height + 1;
    p.padded_width = (int64_t)(s->out_width - 1) * s->stride_width + 4 * p.groups;
  }
  p.starts = p.words + blocks_of(s->channels) * s->kernel_height * p.groups * BITLINE_LANES * 4;
  p.bytes = p.starts + blocks_of(s->channels) * BITLINE_LANES * 4;
  return p;
}

size_t bitline_depthwise_i8_plan_bytes(bitline_isa isa, const bitline_conv_shape *shape) { return (size_t)describe(isa, shape).bytes; }

void bitline_depthwise_i8_prepare(bitline_isa isa, const bitline_conv_shape *s, const bitline_int8_layer *layer, void *plan) {
  depthwise_i8_plan p = describe(isa, s);
  char *bytes = plan;
  memset(bytes, 0, (size_t)p.bytes);
  const int64_t area = (int64_t)s->kernel_height * s->kernel_width;
  requantize_prepare(&p.requantize, layer, s->channels, area, bytes + p.parameters);
  memcpy(bytes, &p, sizeof p);
  int32_t *packed = (int32_t *)(bytes + p.weights), *starts = (int32_t *)(bytes + p.starts);
  int8_t *words = (int8_t *)(bytes + p.words);
  for (int64_t c = 0; c < s->channels; c++) {
    const int64_t block = c / BITLINE_LANES, lane = c % BITLINE_LANES;
    for (int64_t i = 0; i < area; i++) {
      const int8_t weight = layer->weights[c * area + i];
      packed[(block * area + i) * BITLINE_LANES + lane] = weight & 0xffff;
      starts[c] -= coding_zero(&layer->from) * weight;
      if (p.groups == 0) continue;
      const int64_t row = i / s->kernel_width, column = i % s->kernel_width;
      words[(((block * s->kernel_height + row) * p.groups + column / 4) * BITLINE_LANES + lane) * 4 + column % 4] = weight;
    }
  }
}

/// A plane with room around it.
static int64_t padded_bytes(const depthwise_i8_plan *p) {
  return (int64_t)bitline_lines(p->padded_height * p->padded_width * BITLINE_LANES);
}

/// Sums of a row of results, and what is not sure of it.
static int64_t row_bytes(const bitline_conv_shape *s) {
  return (int64_t)bitline_lines((int64_t)s->out_width * (BITLINE_LANES * 4 + (int64_t)sizeof(uint16_t)));
}

size_t bitline_depthwise_i8_workspace_bytes(const void *plan, int threads) {
  const depthwise_i8_plan *p = plan;
  return (size_t)((padded_bytes(p) + row_bytes(&p->shape)) * threads);
}

typedef struct depthwise_i8_work {
  const depthwise_i8_plan *p;
  const uint8_t *x;
  uint8_t *y;
  char *rows;
} depthwise_i8_work;

/// The reference's code of one result of the block at `x`.
static uint8_t settle(const depthwise_i8_plan *p, const uint8_t *x, int64_t block, int lane, int64_t row, int64_t column) {
  const bitline_conv_shape *s = &p->shape;
  const requantize_plan *r = &p->requantize;
  const char *parameters = (const char *)p + p->parameters;
  const int64_t channel = block * BITLINE_LANES + lane, area = (int64_t)s->kernel_height * s->kernel_width;
  const float w_scale = ((const float *)(parameters + r->scales))[channel];
  const int32_t *weights = (const int32_t *)((const char *)p + p->weights) + block * area * BITLINE_LANES + lane;
  double sum = 0;
  for (int64_t i = 0; i < area; i++) {
    const int64_t y = row * s->stride_height - s->pad_top + i / s->kernel_width * s->dilation_height;
    const int64_t at = column * s->stride_width - s->pad_left + i % s->kernel_width * s->dilation_width;
    if (y < 0 || y >= s->height || at < 0 || at >= s->width) continue;
    const int code = x[(y * s->width + at) * BITLINE_LANES + lane] ^ coding_flip(&r->from);
    const float number = (float)(code - coding_zero(&r->from)) * r->from.scale;
    sum += (double)number * (double)((float)(int16_t)weights[i * BITLINE_LANES] * w_scale);
  }
  return requantize_code(r, parameters, channel, sum + requantize_bias(r, parameters, channel));
}

static void lay_out(const depthwise_i8_plan *p, const uint8_t *x, uint8_t *to) {
  const bitline_conv_shape *s = &p->shape;
  const uint8_t flip = coding_flip(&p->requantize.from), zero = (uint8_t)coding_zero(&p->requantize.from);
  const int64_t first = bitline_min(s->pad_left, p->padded_width);
  const int64_t width = bitline_max(0, bitline_min(s->width, p->padded_width - first));
  for (int64_t y = 0; y < p->padded_height; y++, to += p->padded_width * BITLINE_LANES) {
    const int64_t at = y - s->pad_top;
    if (at < 0 || at >= s->height) {
      memset(to, zero, (size_t)(p->padded_width * BITLINE_LANES));
      continue;
    }
    const uint8_t *from = x + at * s->width * BITLINE_LANES;
    memset(to, zero, (size_t)(first * BITLINE_LANES));
    if (flip == 0) memcpy(to + first * BITLINE_LANES, from, (size_t)(width * BITLINE_LANES));
    else for (int64_t i = 0; i < width * BITLINE_LANES; i++) to[first * BITLINE_LANES + i] = from[i] ^ flip;
    memset(to + (first + width) * BITLINE_LANES, zero, (size_t)((p->padded_width - first - width) * BITLINE_LANES));
  }
}

static void depthwise_i8_task(void *context, int64_t plane, int worker) {
  const depthwise_i8_work *work = context;
  const depthwise_i8_plan *p = work->p;
  const bitline_conv_shape *s = &p->shape;
  const bitline_table *table = bitline_table_of((bitline_isa)p->isa);
  const int64_t block = plane % blocks_of(s->channels);
  const requantize_lanes lanes = requantize_lanes_of(&p->requantize, (const char *)p + p->parameters, block);
  const int32_t *weights =
    (const int32_t *)((const char *)p + p->weights) + block * s->kernel_height * s->kernel_width * BITLINE_LANES;
  const uint8_t *x = work->x + plane * s->height * s->width * BITLINE_LANES;
  uint8_t *y = work->y + plane * s->out_height * s->out_width * BITLINE_LANES;
  uint8_t *padded = (uint8_t *)work->rows + worker * (padded_bytes(p) + row_bytes(s));
  int32_t *sums = (int32_t *)(padded + padded_bytes(p));
  uint16_t *doubts = (uint16_t *)(sums + (int64_t)s->out_width * BITLINE_LANES);
  const int8_t *words = (const int8_t *)p + p->words + block * s->kernel_height * p->groups * BITLINE_LANES * 4;
  const int32_t *starts = (const int32_t *)((const char *)p + p->starts) + block * BITLINE_LANES;
  if (p->groups > 0) lay_out(p, x, padded);
  for (int64_t row = 0; row < s->out_height; row++, y += (int64_t)s->out_width * BITLINE_LANES) {
    int any;
    if (p->groups > 0) {
      const int64_t line = p->padded_width * BITLINE_LANES;
      any = table->depthwise_i8_words(
        padded + row * s->stride_height * line, s->dilation_height * line, s->stride_width, s->kernel_height, s->kernel_width, words, starts,
        s->out_width, &lanes, y, doubts);
    } else {
      table->depthwise_i8(s, x, coding_flip(&p->requantize.from), coding_zero(&p->requantize.from), weights, row, sums);
      any = table->requantize_rows(&lanes, sums, BITLINE_LANES, s->out_width, y, doubts);
    }
    if (!any) continue;
    for (int64_t column = 0; column < s->out_width; column++) {
      for (int left = doubts[column]; left != 0; left &= left - 1) {
        const int lane = __builtin_ctz((unsigned)left);
        y[column * BITLINE_LANES + lane] = settle(p, x, block, lane, row, column);
      }
    }
  }
}

void bitline_depthwise_i8_run(const void *plan, int64_t batch, const void *codes, void *y, void *workspace, bitline_team *team) {
  depthwise_i8_work work = {.p = plan, .x = codes, .y = y, .rows = workspace};
  bitline_team_run(team, batch * blocks_of(work.p->shape.channels), depthwise_i8_task, &work);
}
