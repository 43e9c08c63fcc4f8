/// Which level is in force.
#include <stdatomic.h>
#include <stdlib.h>

#include "table.h"

int bitline_isa_supported(bitline_isa isa) {
  switch (isa) {
  case BITLINE_ISA_PORTABLE: return 1;
#if BITLINE_X86
  case BITLINE_ISA_AVX2:
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  case BITLINE_ISA_AVX512:
    __builtin_cpu_init();
    return bitline_isa_supported(BITLINE_ISA_AVX2) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
      && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi")
      && __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512vpopcntdq");
#else
  case BITLINE_ISA_AVX2:
  case BITLINE_ISA_AVX512: return 0;
#endif
  }
  return 0;
}

const char *bitline_isa_name(bitline_isa isa) {
  switch (isa) {
  case BITLINE_ISA_PORTABLE: return "portable";
  case BITLINE_ISA_AVX2: return "avx2";
  case BITLINE_ISA_AVX512: return "avx512";
  }
  return "unknown";
}

/// The level that was forced, and the one found; -1: none yet.
static _Atomic int forced = -1;
static _Atomic int found = -1;

static int find(void) {
  const char *named = getenv("BITLINE_ISA");
  int best = BITLINE_ISA_PORTABLE;
  for (int isa = BITLINE_ISA_PORTABLE; isa <= BITLINE_ISA_AVX512; isa++) {
    if (!bitline_isa_supported((bitline_isa)isa)) continue;
    if (named && strcmp(named, bitline_isa_name((bitline_isa)isa)) == 0) return isa;
    best = isa;
  }
  return best;
}

bitline_isa bitline_isa_active(void) {
  int isa = atomic_load_explicit(&forced, memory_order_relaxed);
  if (isa >= 0) return (bitline_isa)isa;
  isa = atomic_load_explicit(&found, memory_order_relaxed);
  if (isa < 0) {
    isa = find();
    atomic_store_explicit(&found, isa, memory_order_relaxed);
  }
  return (bitline_isa)isa;
}

int bitline_isa_force(int isa) {
  if (isa >= 0 && !bitline_isa_supported((bitline_isa)isa)) return 0;
  atomic_store_explicit(&forced, isa < 0 ? -1 : isa, memory_order_relaxed);
  return 1;
}

const bitline_table *bitline_table_of(bitline_isa isa) {
  switch (isa) {
  case BITLINE_ISA_PORTABLE: return &bitline_table_portable;
#if BITLINE_X86
  case BITLINE_ISA_AVX2: return &bitline_table_avx2;
  case BITLINE_ISA_AVX512: return &bitline_table_avx512;
#else
  case BITLINE_ISA_AVX2:
  case BITLINE_ISA_AVX512: return &bitline_table_portable;
#endif
  }
  return &bitline_table_portable;
}
