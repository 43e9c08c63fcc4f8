#include "checking.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

bitline_isa levels[MOST_LEVELS];
int level_count;
bitline_team *team;

enum { LINE = 64, CANARY = 0xa5, MOST_BLOCKS = 512, MOST_MESSAGES = 10 };

static const char *running;
static int running_seed, failures;
static uint64_t state, hash;

static struct {
  uint8_t *raw;
  size_t bytes;
} blocks[MOST_BLOCKS];
static int block_count;

/// Copies of what the portable level gave in the case that runs, in order, and how far each level is in them.
static void *wanted[MOST_BLOCKS];
static int wanted_count, reached[MOST_LEVELS];

void wrong(const char *format, ...) {
  if (failures++ >= MOST_MESSAGES) return;
  va_list arguments;
  va_start(arguments, format);
  printf("%s, seed %d: ", running, running_seed);
  vprintf(format, arguments);
  printf("\n");
  va_end(arguments);
}

uint64_t random_bits(void) {
  uint64_t bits = state += UINT64_C(0x9e3779b97f4a7c15);
  bits = (bits ^ bits >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  bits = (bits ^ bits >> 27) * UINT64_C(0x94d049bb133111eb);
  return bits ^ bits >> 31;
}
int64_t random_int(int64_t lo, int64_t hi) { return lo + (int64_t)(random_bits() % (uint64_t)(hi - lo + 1)); }
int random_flag(void) { return random_bits() & 1; }
float random_float(float lo, float hi) { return lo + (hi - lo) * ((float)(random_bits() >> 40) / 16777216.0f); }

void *guarded(size_t bytes) {
  if (block_count == MOST_BLOCKS) abort();
  const size_t rounded = (bytes + LINE - 1) / LINE * LINE;
  uint8_t *raw = aligned_alloc(LINE, rounded + 2 * LINE);
  if (!raw) abort();
  memset(raw, CANARY, rounded + 2 * LINE);
  blocks[block_count].raw = raw;
  blocks[block_count++].bytes = bytes;
  return raw + LINE;
}

float *random_floats(int64_t count, float lo, float hi) {
  float *x = guarded((size_t)count * 4);
  for (int64_t i = 0; i < count; i++) x[i] = random_float(lo, hi);
  return x;
}

uint8_t *random_codes(int64_t count, int lo, int hi) {
  uint8_t *x = guarded((size_t)count);
  for (int64_t i = 0; i < count; i++) x[i] = (uint8_t)(random_flag() ? random_int(lo, hi) : random_flag() ? lo : hi);
  return x;
}

int8_t *random_signs(int64_t count) {
  int8_t *x = guarded((size_t)count);
  for (int64_t i = 0; i < count; i++) x[i] = random_flag() ? 1 : -1;
  return x;
}

int32_t *random_order(int64_t count) {
  if (random_flag()) return 0;
  int32_t *order = guarded((size_t)count * 4);
  for (int64_t i = 0; i < count; i++) {
    const int64_t at = random_int(0, i);
    order[i] = order[at];
    order[at] = (int32_t)i;
  }
  return order;
}

bitline_activation random_activation(void) {
  static const bitline_activation all[] = {
    {BITLINE_ACTIVATION_NONE, 0, 0}, {BITLINE_ACTIVATION_RELU, 0, 0}, {BITLINE_ACTIVATION_CLIP, -0.25f, 0.5f}};
  return all[random_int(0, 2)];
}

void window_settle(window_case *w) {
  const bitline_conv_shape *s = &w->shape;
  w->inputs = (int64_t)(s->channels / s->groups) * s->kernel_height * s->kernel_width;
  w->positions_in = (int64_t)s->height * s->width;
  w->positions = (int64_t)s->out_height * s->out_width;
}

static int32_t results_along(int32_t extent, int32_t kernel, int32_t pad, int32_t dilation, int32_t stride) {
  return (extent + 2 * pad - (kernel - 1) * dilation - 1) / stride + 1;
}

static int32_t drawn(int64_t lo, int64_t hi) { return (int32_t)random_int(lo, hi); }

window_case random_window(int seed, int grouped) {
  window_case w = {.shape = {.channels = drawn(1, 9), .filters = drawn(1, 20), .groups = 1}, .batch = random_int(1, 4)};
  bitline_conv_shape *s = &w.shape;
  if (seed % 11 == 0) s->channels = 80;
  if (grouped && seed % 5 == 0) {
    s->groups = drawn(2, 4);
    s->channels = s->groups * drawn(1, 3);
    s->filters = s->groups * drawn(1, 10);
  }
  if (grouped && seed % 7 == 0) {
    s->groups = s->channels = drawn(2, 8);
    s->filters = s->groups * drawn(1, 2);
  }
  // Every third is 1 x 1 without padding: kernels do not copy its input.
  const int is_point = seed % 3 == 0;
  s->kernel_height = is_point ? 1 : drawn(1, 4);
  s->kernel_width = is_point ? 1 : drawn(1, 4);
  s->stride_height = s->stride_width = is_point && random_flag() ? 1 : drawn(1, 3);
  s->dilation_height = s->dilation_width = is_point ? 1 : drawn(1, 2);
  s->pad_top = is_point ? 0 : drawn(0, 2);
  s->pad_left = is_point ? 0 : drawn(0, 2);
  s->height = s->kernel_height * s->dilation_height + drawn(0, 11);
  s->width = s->kernel_width * s->dilation_width + drawn(0, 39);
  s->out_height = results_along(s->height, s->kernel_height, s->pad_top, s->dilation_height, s->stride_height);
  s->out_width = results_along(s->width, s->kernel_width, s->pad_left, s->dilation_width, s->stride_width);
  window_settle(&w);
  return w;
}

window_case random_three_by_three(int least, int channels, int filters) {
  const int32_t pad = drawn(0, 1), height = drawn(3, 15), width = drawn(3, 27);
  window_case w = {
    .shape = {
      .channels = drawn(least, channels), .height = height, .width = width, .filters = drawn(least, filters), .groups = 1,
      .kernel_height = 3, .kernel_width = 3, .stride_height = 1, .stride_width = 1, .dilation_height = 1, .dilation_width = 1,
      .pad_top = pad, .pad_left = pad, .out_height = height + 2 * pad - 2, .out_width = width + 2 * pad - 2},
    .batch = random_int(1, 2)};
  window_settle(&w);
  return w;
}

int64_t lanes_of(int64_t channels) { return (channels + 15) / 16 * 16; }

float *blocks_f32(bitline_isa isa, const float *x, int64_t batch, int64_t channels, int64_t positions) {
  const int64_t to = lanes_of(channels) * positions;
  float *y = guarded((size_t)(batch * to) * 4);
  for (int64_t n = 0; n < batch; n++) bitline_block_channels_f32(isa, channels, positions, x + n * channels * positions, y + n * to);
  return y;
}

uint8_t *blocks_u8(const uint8_t *x, int64_t batch, int64_t channels, int64_t positions) {
  const int64_t to = lanes_of(channels) * positions;
  uint8_t *y = guarded((size_t)(batch * to));
  for (int64_t n = 0; n < batch; n++) bitline_block_channels_u8(channels, positions, x + n * channels * positions, y + n * to);
  return y;
}

static const char *name_of(int level) { return bitline_isa_name(levels[level]); }

/// Keeps a copy of a portable result, or finds that of another level's.
static const void *portable_result(int level, const void *y, size_t bytes) {
  if (level > 0) {
    if (reached[level] < wanted_count) return wanted[reached[level]++];
    wrong("%s has more results than portable", name_of(level));
    return y;
  }
  if (wanted_count == MOST_BLOCKS) abort();
  return wanted[wanted_count++] = memcpy(guarded(bytes), y, bytes);
}

static void add_to_hash(const void *bytes, size_t count) {
  for (size_t i = 0; i < count; i++) hash = (hash ^ ((const uint8_t *)bytes)[i]) * UINT64_C(0x100000001b3);
}

void exact_result(int level, const void *y, size_t bytes) {
  const void *portable = portable_result(level, y, bytes);
  if (level == 0) add_to_hash(y, bytes);
  else if (memcmp(y, portable, bytes) != 0) wrong("%s gives other bytes than portable", name_of(level));
}

/// Results without the lanes that no channel has, `[batch][positions][channels]`.
static void *without_rest(const void *y, size_t element, int64_t batch, int64_t channels, int64_t positions) {
  uint8_t *result = guarded((size_t)(batch * positions * channels) * element), *to = result;
  for (int64_t n = 0; n < batch; n++) {
    for (int64_t at = 0; at < positions; at++) {
      for (int64_t c = 0; c < channels; c++, to += element) {
        const int64_t from = (n * lanes_of(channels) + c / 16 * 16) * positions + at * 16 + c % 16;
        memcpy(to, (const uint8_t *)y + (size_t)from * element, element);
      }
    }
  }
  return result;
}

void exact_blocks(int level, const void *y, size_t element, int64_t batch, int64_t channels, int64_t positions) {
  exact_result(level, without_rest(y, element, batch, channels, positions), (size_t)(batch * channels * positions) * element);
}

void near_result(int level, const float *y, int64_t count, int64_t inputs) {
  const float *portable = portable_result(level, y, (size_t)count * 4);
  // An activation may hide the greatest sum. A product's variance is 1/9, and the greatest of some hundreds of sums three deviations away.
  double greatest = fmax(1, sqrt((double)inputs)), apart = 0;
  for (int64_t i = 0; i < count; i++) {
    greatest = fmax(greatest, fabs((double)portable[i]));
    apart = fmax(apart, fabs((double)portable[i] - (double)y[i]));
    if (isnan(y[i]) != isnan(portable[i])) apart = INFINITY;
  }
  const double allowed = 2 * 0x1p-23 * (4 + sqrt((double)inputs)) * greatest;
  if (apart > allowed) wrong("%s is %g from portable, more than %g", name_of(level), apart, allowed);
}

void near_blocks(int level, const float *y, int64_t batch, int64_t channels, int64_t positions, int64_t inputs) {
  near_result(level, without_rest(y, 4, batch, channels, positions), batch * channels * positions, inputs);
}

static void end_case(void) {
  for (int i = 0; i < block_count; i++) {
    const uint8_t *raw = blocks[i].raw;
    const size_t end = LINE + blocks[i].bytes, all = (blocks[i].bytes + LINE - 1) / LINE * LINE + 2 * LINE;
    int intact = 1;
    for (size_t at = 0; at < LINE; at++) intact &= raw[at] == CANARY;
    for (size_t at = end; at < all; at++) intact &= raw[at] == CANARY;
    if (!intact) wrong("block %d of %zu bytes: something was written beside it", i, blocks[i].bytes);
    free(blocks[i].raw);
  }
  block_count = 0;
  wanted_count = 0;
  memset(reached, 0, sizeof reached);
}

void check(const char *name, int seeds, void (*body)(int seed)) {
  running = name;
  hash = UINT64_C(0xcbf29ce484222325);
  for (int seed = 0; seed < seeds; seed++) {
    running_seed = seed;
    state = (uint64_t)seed * UINT64_C(0x9e3779b97f4a7c15);
    body(seed);
    end_case();
  }
  printf("%s %016llx\n", name, (unsigned long long)hash);
  fflush(stdout);
}

/// kernels [LEVEL]: all checks; LEVEL is one that must be there. Standard output is the same on every machine unless something fails.
int main(int count, char **arguments) {
  for (int isa = 0; isa < MOST_LEVELS; isa++) {
    if (bitline_isa_supported((bitline_isa)isa)) levels[level_count++] = (bitline_isa)isa;
  }
  int found = count < 2;
  for (int level = 0; level < level_count; level++) {
    fprintf(stderr, "level %s\n", name_of(level));
    if (count > 1 && strcmp(arguments[1], name_of(level)) == 0) found = 1;
  }
  if (!found) {
    fprintf(stderr, "there is no level %s\n", arguments[1]);
    return 2;
  }
  team = bitline_team_make(3);
  check_float_layers();
  check_code_layers();
  check_bit_layers();
  check_rows();
  check_other_kernels();
  bitline_team_end(team);
  if (failures > 0) printf("%d failures\n", failures);
  return failures > 0;
}
