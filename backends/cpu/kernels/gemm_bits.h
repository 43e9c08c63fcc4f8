/// Products of rows of bits with filters of bits. Not public.
#ifndef BITLINE_GEMM_BITS_H
#define BITLINE_GEMM_BITS_H

#include "table.h"

/// Words are stored with all that lie before them in their row added to them (exclusive or, as all sums of bits here). A word of a row and
/// of a filter added is then S[k], the parities of all differences up to word k; and of what words k - 1 and k differ in, together with
/// the parity S[k - 2] that they find, the carry is a function of three parities: a full adder for two words, of one operation. Carries
/// count two, and the last parity one. That is two and a half operations for a word of each filter, where counting word for word takes three.

/// The carry of two words: `before`, `between` and `behind` are the parities around them.
BITLINE_INLINE uint64_t bits_carry(uint64_t before, uint64_t between, uint64_t behind) {
  return (between & ~behind) | (before & ~between);
}

enum { BITLINE_BITS_LANES = 16 };

#endif
