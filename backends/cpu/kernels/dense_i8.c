/// Dense layer of codes with weights of i8, requantized: samples in rows, filters in columns.
#pragma STDC FP_CONTRACT OFF
#include "requantize.h"

enum { VECS = 4, ROWS = 4 };

/// Followed by parameters, starts, packed weights `[panels][words][4][16][4]` and the weights themselves, at these offsets.
typedef struct dense_i8_plan {
  int32_t isa;
  requantize_plan requantize;
  int64_t inputs, filters, words, panels;
  int64_t parameters, starts, weights, plain_weights, bytes;
} dense_i8_plan;

static dense_i8_plan describe(bitline_isa isa, int64_t inputs, int64_t filters) {
  dense_i8_plan p = {.isa = isa, .inputs = inputs, .filters = filters, .words = (inputs + 3) / 4};
  p.panels = (filters + VECS * BITLINE_LANES - 1) / (VECS * BITLINE_LANES);
  p.requantize = requantize_describe(p.panels * VECS * BITLINE_LANES);
  p.parameters = (int64_t)bitline_lines(sizeof(dense_i8_plan));
  p.starts = p.parameters + p.requantize.bytes;
  p.weights = p.starts + p.panels * VECS * BITLINE_LANES * 4;
  p.plain_weights = p.weights + p.panels * p.words * VECS * BITLINE_LANES * 4;
  p.bytes = p.plain_weights + (int64_t)bitline_lines(filters * inputs);
  return p;
}

size_t bitline_dense_i8_plan_bytes(bitline_isa isa, int64_t inputs, int64_t filters) {
  return (size_t)describe(isa, inputs, filters).bytes;
}

void bitline_dense_i8_prepare(bitline_isa isa, int64_t inputs, int64_t filters, const bitline_int8_layer *layer, void *plan) {
  dense_i8_plan p = describe(isa, inputs, filters);
  char *bytes = plan;
  memset(bytes, 0, (size_t)p.bytes);
  requantize_prepare(&p.requantize, layer, filters, inputs, bytes + p.parameters);
  memcpy(bytes, &p, sizeof p);
  memcpy(bytes + p.plain_weights, layer->weights, (size_t)(filters * inputs));
  int8_t *packed = (int8_t *)(bytes + p.weights);
  int32_t *starts = (int32_t *)(bytes + p.starts);
  for (int64_t f = 0; f < filters; f++) {
    const int64_t panel = f / (VECS * BITLINE_LANES), lane = f % (VECS * BITLINE_LANES);
    for (int64_t k = 0; k < inputs; k++) {
      const int8_t weight = layer->weights[f * inputs + k];
      packed[((panel * p.words + k / 4) * VECS * BITLINE_LANES + lane) * 4 + k % 4] = weight;
      starts[f] -= coding_zero(&layer->from) * weight;
    }
  }
}

/// Rows of codes are copied where they are flipped, or do not end with a word.
static int is_direct(const dense_i8_plan *p) { return !p->requantize.from.is_signed && p->inputs % 4 == 0; }

size_t bitline_dense_i8_workspace_bytes(const void *plan, int64_t batch) {
  const dense_i8_plan *p = plan;
  (void)batch;
  return bitline_lines(ROWS * VECS * BITLINE_LANES * 4) + (is_direct(p) ? 0 : bitline_lines(ROWS * p->words * 4));
}

/// The reference's code of one result.
static uint8_t settle(const dense_i8_plan *p, const uint8_t *x, int64_t filter) {
  const requantize_plan *r = &p->requantize;
  const char *parameters = (const char *)p + p->parameters;
  const float w_scale = ((const float *)(parameters + r->scales))[filter];
  const int8_t *weights = (const int8_t *)p + p->plain_weights + filter * p->inputs;
  double sum = 0;
  for (int64_t k = 0; k < p->inputs; k++) {
    const float number = (float)((x[k] ^ coding_flip(&r->from)) - coding_zero(&r->from)) * r->from.scale;
    sum += (double)number * (double)((float)weights[k] * w_scale);
  }
  return requantize_code(r, parameters, filter, sum + requantize_bias(r, parameters, filter));
}

void bitline_dense_i8_run(const void *plan, int64_t batch, const void *codes, void *y, void *workspace) {
  const dense_i8_plan *p = plan;
  const bitline_table *table = bitline_table_of((bitline_isa)p->isa);
  int32_t *sums = workspace;
  uint8_t *copies = (uint8_t *)workspace + bitline_lines(ROWS * VECS * BITLINE_LANES * 4);
  const int64_t width = p->words * 4, unit = VECS * BITLINE_LANES;
  for (int64_t n = 0; n < batch; n += ROWS) {
    const int64_t rows = bitline_min(ROWS, batch - n);
    const uint8_t *x = (const uint8_t *)codes + n * p->inputs, *read = x;
    if (!is_direct(p)) {
      // What fills a word up has weights of 0.
      for (int64_t i = 0; i < rows; i++) {
        for (int64_t k = 0; k < width; k++) {
          copies[i * width + k] = k < p->inputs ? x[i * p->inputs + k] ^ coding_flip(&p->requantize.from) : 0;
        }
      }
      read = copies;
    }
    for (int64_t panel = 0; panel < p->panels; panel++) {
      table->dense_i8(
        read, width, p->words, (int)rows, (const int8_t *)p + p->weights + panel * p->words * unit * 4,
        (const int32_t *)((const char *)p + p->starts) + panel * unit, sums);
      for (int64_t i = 0; i < rows; i++) {
        for (int64_t v = 0; v < VECS && panel * unit + v * BITLINE_LANES < p->filters; v++) {
          const int64_t first = panel * unit + v * BITLINE_LANES, lanes = bitline_min(BITLINE_LANES, p->filters - first);
          const requantize_lanes requantize = requantize_lanes_of(&p->requantize, (const char *)p + p->parameters, first / BITLINE_LANES);
          uint8_t sixteen[BITLINE_LANES];
          uint16_t doubts;
          if (table->requantize_rows(&requantize, sums + i * unit + v * BITLINE_LANES, 0, 1, sixteen, &doubts)) {
            for (int left = doubts; left != 0; left &= left - 1) {
              const int lane = __builtin_ctz((unsigned)left);
              sixteen[lane] = settle(p, x + i * p->inputs, first + lane);
            }
          }
          memcpy((uint8_t *)y + (n + i) * p->filters + first, sixteen, (size_t)lanes);
        }
      }
    }
  }
}
