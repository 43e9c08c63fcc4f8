#pragma STDC FP_CONTRACT OFF

#include "level.h"
#include <stdlib.h>
#include <string.h>

/// `BITLINE_ISA=portable|avx2|avx512` holds the level down, as it does for the cpu backend.
int bitline_binarize_level(void) {
#if defined(__x86_64__)
  const char *wanted = getenv("BITLINE_ISA");
  int limit = !wanted ? 2 : !strcmp(wanted, "portable") ? 0 : !strcmp(wanted, "avx2") ? 1 : 2;
  if (limit >= 2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")
      && __builtin_cpu_supports("avx512bw"))
    return 2;
  if (limit >= 1 && __builtin_cpu_supports("avx2")) return 1;
#endif
  return 0;
}
