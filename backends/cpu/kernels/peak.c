/// What one core can do at most.
#include <string.h>
#include <time.h>

#include "table.h"

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double bitline_peak_f32(bitline_isa isa) {
  enum { ROUNDS = 10000, TRIALS = 20 };
  double best = 0;
  volatile float kept = 0;
  for (int trial = 0; trial < TRIALS; trial++) {
    const double start = now();
    kept = kept + bitline_table_of(isa)->multiply_adds_f32(ROUNDS, 0.999f, 0.001f);
    const double rate = ROUNDS * 12.0 * 16.0 / (now() - start);
    if (rate > best) best = rate;
  }
  return best;
}

double bitline_peak_read(void) {
  enum { LANES = 32, TRIALS = 3 };
  const size_t bytes = (size_t)128 << 20;
  uint64_t *room = bitline_memory_take(bytes);
  if (!room) return 0;
  memset(room, 1, bytes);
  double best = 0;
  volatile uint64_t kept = 0;
  for (int trial = 0; trial < TRIALS; trial++) {
    const double start = now();
    uint64_t sums[LANES] = {0};
    for (size_t i = 0; i < bytes / sizeof *room; i += LANES)
      for (int lane = 0; lane < LANES; lane++) sums[lane] += room[i + lane];
    for (int lane = 0; lane < LANES; lane++) kept = kept + sums[lane];
    const double rate = (double)bytes / (now() - start);
    if (rate > best) best = rate;
  }
  bitline_memory_give(room, bytes);
  return best;
}
