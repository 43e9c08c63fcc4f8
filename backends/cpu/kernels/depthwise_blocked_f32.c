/// Depthwise f32 convolution (groups = channels = filters) on tensors in blocks of sixteen channels.
#include "blocked.h"
#include "team.h"

/// Followed by biases `[blocks][16]` and weights `[blocks][kernel_height][kernel_width][16]`, at these offsets.
typedef struct depthwise_blocked_plan {
  int32_t isa;
  bitline_conv_shape shape;
  bitline_activation activation;
  int64_t biases, weights, bytes;
} depthwise_blocked_plan;

static depthwise_blocked_plan describe(bitline_isa isa, const bitline_conv_shape *s) {
  depthwise_blocked_plan p = {.isa = isa, .shape = *s};
  p.biases = (int64_t)bitline_lines(sizeof(depthwise_blocked_plan));
  p.weights = p.biases + blocks_of(s->channels) * BITLINE_LANES * 4;
  p.bytes = p.weights + blocks_of(s->channels) * s->kernel_height * s->kernel_width * BITLINE_LANES * 4;
  return p;
}

size_t bitline_depthwise_blocked_f32_plan_bytes(bitline_isa isa, const bitline_conv_shape *shape) {
  return (size_t)describe(isa, shape).bytes;
}

void bitline_depthwise_blocked_f32_prepare(
  bitline_isa isa, const bitline_conv_shape *s, const float *weights, const float *bias, bitline_activation activation, void *plan
) {
  depthwise_blocked_plan p = describe(isa, s);
  p.activation = activation;
  char *bytes = plan;
  memset(bytes, 0, (size_t)p.bytes);
  memcpy(bytes, &p, sizeof p);
  float *biases = (float *)(bytes + p.biases), *packed = (float *)(bytes + p.weights);
  const int64_t area = (int64_t)s->kernel_height * s->kernel_width;
  for (int64_t c = 0; c < s->channels; c++) {
    biases[c] = bias ? bias[c] : 0;
    for (int64_t i = 0; i < area; i++) {
      packed[(c / BITLINE_LANES * area + i) * BITLINE_LANES + c % BITLINE_LANES] = weights[c * area + i];
    }
  }
}

typedef struct depthwise_run {
  const depthwise_blocked_plan *p;
  const float *x;
  float *y;
} depthwise_run;

static void depthwise_task(void *context, int64_t plane, int worker) {
  const depthwise_run *r = context;
  const bitline_conv_shape *s = &r->p->shape;
  (void)worker;
  const int64_t block = plane % blocks_of(s->channels);
  const float *biases = (const float *)((const char *)r->p + r->p->biases), *weights = (const float *)((const char *)r->p + r->p->weights);
  bitline_table_of((bitline_isa)r->p->isa)->depthwise_blocked_f32(
    s, r->x + plane * s->height * s->width * BITLINE_LANES, weights + block * s->kernel_height * s->kernel_width * BITLINE_LANES,
    biases + block * BITLINE_LANES, r->p->activation, r->y + plane * s->out_height * s->out_width * BITLINE_LANES);
}

void bitline_depthwise_blocked_f32_run(const void *plan, int64_t batch, const float *x, float *y, bitline_team *team) {
  depthwise_run run = {.p = plan, .x = x, .y = y};
  bitline_team_run(team, batch * blocks_of(run.p->shape.channels), depthwise_task, &run);
}
