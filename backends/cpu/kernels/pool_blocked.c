/// Pooling over tensors in blocks of sixteen channels.
#include "blocked.h"
#include "team.h"

typedef struct pool_blocked_run {
  const bitline_table *table;
  const bitline_conv_shape *shape;
  const float *x;
  float *y;
} pool_blocked_run;

static void max_task(void *context, int64_t block, int worker) {
  const pool_blocked_run *r = context;
  const bitline_conv_shape *s = r->shape;
  (void)worker;
  r->table->pool_max_blocked_f32(
    s, 1, r->x + block * s->height * s->width * BITLINE_LANES, r->y + block * s->out_height * s->out_width * BITLINE_LANES);
}

void bitline_pool_max_blocked_f32(
  bitline_isa isa, const bitline_conv_shape *shape, int64_t blocks, const float *x, float *y, bitline_team *team
) {
  pool_blocked_run run = {.table = bitline_table_of(isa), .shape = shape, .x = x, .y = y};
  bitline_team_run(team, blocks, max_task, &run);
}

void bitline_pool_average_blocked_f32(
  bitline_isa isa, const bitline_conv_shape *shape, int count_padding, int32_t pad_bottom, int32_t pad_right, int64_t blocks,
  const float *x, float *y
) {
  bitline_table_of(isa)->pool_average_blocked_f32(shape, count_padding, pad_bottom, pad_right, blocks, x, y);
}

void bitline_pool_max_blocked_u8(
  bitline_isa isa, const bitline_conv_shape *shape, int signed_codes, int64_t blocks, const uint8_t *x, uint8_t *y
) {
  bitline_table_of(isa)->pool_max_blocked_u8(shape, blocks, x, y, signed_codes ? 0x80 : 0);
}

void bitline_block_channels_u8(int64_t channels, int64_t positions, const uint8_t *x, uint8_t *y) {
  for (int64_t c = 0; c < channels; c += BITLINE_LANES, x += BITLINE_LANES * positions) {
    const int64_t lanes = bitline_min(BITLINE_LANES, channels - c);
    for (int64_t at = 0; at < positions; at++, y += BITLINE_LANES) {
      for (int64_t i = 0; i < BITLINE_LANES; i++) y[i] = i < lanes ? x[i * positions + at] : 0;
    }
  }
}

void bitline_unblock_channels_u8(int64_t channels, int64_t positions, const uint8_t *x, uint8_t *y) {
  for (int64_t c = 0; c < channels; c += BITLINE_LANES, y += BITLINE_LANES * positions) {
    const int64_t lanes = bitline_min(BITLINE_LANES, channels - c);
    for (int64_t at = 0; at < positions; at++, x += BITLINE_LANES) {
      for (int64_t i = 0; i < lanes; i++) y[i * positions + at] = x[i];
    }
  }
}
