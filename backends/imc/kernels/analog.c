#include <stdlib.h>
#include <string.h>

#include "vectors.h"

#define LEVEL "portable"
#define NAME(name) name##_portable
#define TARGET
#define ROWS 4
#define NARROW_ROWS 4
#include "analog.h"
#undef LEVEL
#undef NAME
#undef TARGET
#undef ROWS
#undef NARROW_ROWS

#if defined(__x86_64__)
#define LEVEL "avx2"
#define NAME(name) name##_avx2
#define TARGET __attribute__((target("avx2,fma")))
#define ROWS 6
#define NARROW_ROWS 12
#include "analog.h"
#undef LEVEL
#undef NAME
#undef TARGET
#undef ROWS
#undef NARROW_ROWS

#define LEVEL "avx512"
#define NAME(name) name##_avx512
#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")))
#define ROWS 8
#define NARROW_ROWS 12
#include "analog.h"
#endif

static const bitline_imc_kernels *find(const char *level) {
#if defined(__x86_64__)
  const int has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const int has_avx512 = has_avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  if (has_avx512 && (!level || !strcmp(level, "avx512"))) return &table_avx512;
  if (has_avx2 && (!level || !strcmp(level, "avx2"))) return &table_avx2;
#endif
  return !level || !strcmp(level, "portable") ? &table_portable : NULL;
}

const bitline_imc_kernels *bitline_imc_choose(const char *level) { return find(level); }

uint64_t bitline_imc_fingerprint(const void *bytes, int64_t count) {
  const uint64_t odd = UINT64_C(0x9E3779B97F4A7C15);
  uint64_t state[4] = {1, 2, 3, 4};
  const unsigned char *from = bytes;
  int64_t i = 0;
  for (; i + 32 <= count; i += 32) {
    for (int lane = 0; lane < 4; lane++) {
      uint64_t word;
      memcpy(&word, from + i + 8 * lane, 8);
      state[lane] = (state[lane] ^ word) * odd;
      state[lane] ^= state[lane] >> 32;
    }
  }
  uint64_t hash = (uint64_t)count;
  for (; i < count; i++) hash = (hash ^ from[i]) * odd;
  for (int lane = 0; lane < 4; lane++) {
    hash = (hash ^ state[lane]) * odd;
    hash ^= hash >> 29;
  }
  return hash;
}
