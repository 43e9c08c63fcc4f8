/// What the checks of this folder share: seeded numbers, memory between canaries, windows, and comparisons between levels.
#ifndef BITLINE_CHECKING_H
#define BITLINE_CHECKING_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "bitline_kernels.h"

// Numbers are drawn alike on every machine.
#pragma STDC FP_CONTRACT OFF

/// The levels of this machine, the portable one first.
enum { MOST_LEVELS = 8 };
extern bitline_isa levels[MOST_LEVELS];
extern int level_count;
/// Three threads.
extern bitline_team *team;

/// Runs `body` for the seeds below `seeds`. Prints the name, and a hash of all that was given to `exact_result`.
void check(const char *name, int seeds, void (*body)(int seed));
/// Says what is wrong with the case that runs, and makes the program fail.
void wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));

/// SplitMix64, seeded anew for each case.
uint64_t random_bits(void);
int64_t random_int(int64_t lo, int64_t hi);
int random_flag(void);
float random_float(float lo, float hi);

/// Memory aligned to 64 bytes between two lines of canaries, which are looked at when the case ends.
void *guarded(size_t bytes);
float *random_floats(int64_t count, float lo, float hi);
/// Codes from `lo` to `hi`, as bytes; often the ends, for what might overflow.
uint8_t *random_codes(int64_t count, int lo, int hi);
int8_t *random_signs(int64_t count);
/// 0 to `count - 1`, shuffled; or null.
int32_t *random_order(int64_t count);
bitline_activation random_activation(void);

/// A random window over random extents.
typedef struct window_case {
  bitline_conv_shape shape;
  int64_t batch;
  /// Inputs of a result, and positions of the input and of the result.
  int64_t inputs, positions_in, positions;
} window_case;
window_case random_window(int seed, int grouped);
/// A window of 3 x 3 as Winograd's ways take it, of so many channels and filters at most.
window_case random_three_by_three(int least, int channels, int filters);
/// Follows from the other fields.
void window_settle(window_case *w);

int64_t lanes_of(int64_t channels);
/// `[batch][channels][positions]` to blocks of sixteen channels.
float *blocks_f32(bitline_isa isa, const float *x, int64_t batch, int64_t channels, int64_t positions);
uint8_t *blocks_u8(const uint8_t *x, int64_t batch, int64_t channels, int64_t positions);

/// Results that every level, and every machine, gives alike: compared with those of the portable level, byte for byte.
void exact_result(int level, const void *y, size_t bytes);
/// The same of results in blocks, `[batch][lanes of channels][positions]`, but for lanes without a channel.
void exact_blocks(int level, const void *y, size_t element, int64_t batch, int64_t channels, int64_t positions);
/// Results as near to the portable level's as two sums of `inputs` products of numbers in -1...1 may be by the op's tolerance, in parts of
/// the greatest.
void near_result(int level, const float *y, int64_t count, int64_t inputs);
/// The same of results in blocks.
void near_blocks(int level, const float *y, int64_t batch, int64_t channels, int64_t positions, int64_t inputs);

void check_float_layers(void);
void check_code_layers(void);
void check_bit_layers(void);
void check_rows(void);
void check_other_kernels(void);

#endif
