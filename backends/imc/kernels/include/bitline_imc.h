// The two inner steps of the simulated array, over words of 64 columns.
//
// An input code is kept as bit planes of its magnitude: plane k has the columns whose magnitude has bit k. Signed codes have two sets of
// planes, first of the positive codes, then of the negative ones. A stored weight row is one bit a column: 1 is +1, 0 is -1.
#ifndef BITLINE_IMC_H
#define BITLINE_IMC_H
#include <stdint.h>

#include "bitline_imc_analog.h"

#pragma clang assume_nonnull begin

// Drives `count` columns with codes[offsets[i]] and writes (is_signed ? 2 : 1) * bits planes of (count + 63) / 64 words each.
// Codes are u8, or i8 when is_signed; magnitudes are below 1 << bits, bits at most 8. Returns the sum of the codes.
int32_t bitline_imc_drive(const uint8_t *codes, const int32_t *offsets, int count, int bits, int is_signed, uint64_t *planes);

// The sums of rows 0..<rows of stored weights against driven planes: sums[r] = 2 * sum over planes of ±2^k * popcount(plane & weights) - code_sum.
// weights holds `words` words a row, weight_stride words apart.
typedef void (*bitline_imc_sum_rows)(const uint64_t *planes, int bits, int is_signed, int words, const uint64_t *weights, int weight_stride,
                                     int rows, int32_t code_sum, int32_t *sums);

// The fastest variant that this machine has.
bitline_imc_sum_rows _Nonnull bitline_imc_choose_sum_rows(void);

#pragma clang assume_nonnull end
#endif
