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

/// Sixteen rows of sixteen bytes to columns: four times, rows are shuffled into those eight below them.
BITLINE_INLINE void transpose_16x16_u8(const uint8_t *x, int64_t x_row, uint8_t *y, int64_t y_row) {
  v16u8 rows[16], shuffled[16];
#pragma clang loop unroll(full)
  for (int i = 0; i < 16; i++) rows[i] = LOAD16B(x + i * x_row);
#pragma clang loop unroll(full)
  for (int round = 0; round < 4; round++) {
#pragma clang loop unroll(full)
    for (int i = 0; i < 8; i++) {
      shuffled[2 * i] = __builtin_shufflevector(rows[i], rows[i + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      shuffled[2 * i + 1] = __builtin_shufflevector(rows[i], rows[i + 8], 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    }
    memcpy(rows, shuffled, sizeof rows);
  }
  for (int i = 0; i < 16; i++) *(v16u8_anywhere *)(y + i * y_row) = rows[i];
}

void bitline_block_channels_u8(int64_t channels, int64_t positions, const uint8_t *x, uint8_t *y) {
  for (int64_t c = 0; c < channels; c += BITLINE_LANES, x += BITLINE_LANES * positions) {
    const int64_t lanes = bitline_min(BITLINE_LANES, channels - c);
    int64_t at = 0;
    if (lanes == BITLINE_LANES) {
      for (; at + 16 <= positions; at += 16, y += 256) transpose_16x16_u8(x + at, positions, y, 16);
    }
    for (; at < positions; at++, y += BITLINE_LANES) {
      for (int64_t i = 0; i < BITLINE_LANES; i++) y[i] = i < lanes ? x[i * positions + at] : 0;
    }
  }
}

void bitline_unblock_channels_u8(int64_t channels, int64_t positions, const uint8_t *x, uint8_t *y) {
  for (int64_t c = 0; c < channels; c += BITLINE_LANES, y += BITLINE_LANES * positions) {
    const int64_t lanes = bitline_min(BITLINE_LANES, channels - c);
    int64_t at = 0;
    if (lanes == BITLINE_LANES) {
      for (; at + 16 <= positions; at += 16, x += 256) transpose_16x16_u8(x, 16, y + at, positions);
    }
    for (; at < positions; at++, x += BITLINE_LANES) {
      for (int64_t i = 0; i < lanes; i++) y[i * positions + at] = x[i];
    }
  }
}
