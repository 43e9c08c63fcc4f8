/// What one core can do at most.
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
