// Compiles one body for each instruction level, and calls the best that the machine has.
#ifndef BITLINE_LEVEL_H
#define BITLINE_LEVEL_H

/// 0 portable, 1 AVX2, 2 AVX-512.
int bitline_binarize_level(void);

#define BITLINE_INLINE static inline __attribute__((always_inline))

#if defined(__x86_64__)
#define BITLINE_LEVELS(result, name, parameters, arguments)                                     \
  __attribute__((target("avx512f,avx512dq,avx512vl,avx512bw")))                  \
  static result name##_avx512 parameters { return name##_body arguments; }                  \
  __attribute__((target("avx2"))) static result name##_avx2 parameters { return name##_body arguments; } \
  static result name##_portable parameters { return name##_body arguments; }                    \
  result name parameters {                                                                      \
    switch (bitline_binarize_level()) {                                                         \
    case 2: return name##_avx512 arguments;                                                 \
    case 1: return name##_avx2 arguments;                                                       \
    default: return name##_portable arguments;                                                  \
    }                                                                                           \
  }
#else
#define BITLINE_LEVELS(result, name, parameters, arguments) \
  result name parameters { return name##_body arguments; }
#endif

#endif
