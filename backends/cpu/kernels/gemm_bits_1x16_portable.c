/// Bits x bits to counts of differences, a row x 16 filters, in plain C.
#include "gemm_bits.h"

static void count_row(const gemm_bits_args *g, int64_t row) {
  uint64_t last[BITLINE_BITS_LANES] = {0};
  int64_t count[BITLINE_BITS_LANES] = {0};
  const uint64_t *x = g->x + row * g->words, *w = g->w;
  for (int64_t k = 0; k < g->words; k += 2, w += 2 * BITLINE_BITS_LANES) {
    for (int lane = 0; lane < BITLINE_BITS_LANES; lane++) {
      const uint64_t between = x[k] ^ w[lane], behind = x[k + 1] ^ w[BITLINE_BITS_LANES + lane];
      count[lane] += __builtin_popcountll(bits_carry(last[lane], between, behind));
      last[lane] = behind;
    }
  }
  const int64_t place = (int64_t)g->classes[row] * BITLINE_BITS_LANES;
  unsigned bits = 0;
  for (int lane = 0; lane < BITLINE_BITS_LANES; lane++) {
    const int64_t differences = 2 * count[lane] + __builtin_popcountll(last[lane]);
    if (g->bits) bits |= (unsigned)(differences <= g->limits[place + lane]) << lane;
    else g->sums[BITLINE_BITS_LANES * row + lane] = g->starts[place + lane] - (int32_t)(2 * differences);
  }
  if (!g->bits) return;
  const uint16_t all = (uint16_t)bits;
  memcpy(g->bits + row * g->bits_row, &all, 2);
}

void bitline_gemm_bits_1x16_portable(const gemm_bits_args *g) {
  for (int64_t row = 0; row < g->rows; row++) count_row(g, row);
}
