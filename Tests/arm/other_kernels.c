/// The C kernels of the simulator and of binarization. They have no level of their own for ARM; that they give the bytes that they give on
/// x86 is seen where the hashes are compared.
#include "bitline_binarize.h"
#include "bitline_imc.h"
#include "checking.h"

static void array(int seed) {
  const int count = (int)random_int(1, 300), bits = (int)random_int(1, 7), is_signed = random_flag(), words = (count + 63) / 64, rows = 9;
  const int most = (1 << bits) - 1;
  const uint8_t *codes = random_codes(count, is_signed ? -most : 0, most);
  int32_t *offsets = guarded((size_t)count * 4), *sums = guarded((size_t)rows * 4);
  for (int i = 0; i < count; i++) offsets[i] = count - 1 - i;
  uint64_t *planes = guarded((size_t)((is_signed ? 2 : 1) * bits * words) * 8), *weights = guarded((size_t)(rows * words) * 8);
  for (int i = 0; i < rows * words; i++) weights[i] = random_bits();
  const int32_t sum = bitline_imc_drive(codes, offsets, count, bits, is_signed, planes);
  bitline_imc_choose_sum_rows()(planes, bits, is_signed, words, weights, words, rows, sum, sums);
  for (int row = 0; row < rows; row++) {
    int32_t expected = 0;
    for (int i = 0; i < count; i++) {
      const int code = is_signed ? (int8_t)codes[offsets[i]] : codes[offsets[i]];
      expected += weights[row * words + i / 64] >> (i % 64) & 1 ? code : -code;
    }
    if (sums[row] != expected) wrong("row %d: %d instead of %d", row, sums[row], expected);
  }
  exact_result(0, sums, (size_t)rows * 4);
  (void)seed;
}

static void analog(int seed) {
  const bitline_imc_kernels *kernels = bitline_imc_choose("portable");
  enum { QUADS = 8, COUNT = QUADS * 64 };
  const bitline_imc_draw draw = {.place = (uint32_t)seed, .domain = 3, .time = random_bits(), .seed = random_bits()};
  float *noise = guarded(COUNT * 4), *codes = guarded(COUNT * 4), *planes = guarded(4 * COUNT * 4), *bent = guarded(COUNT * 4);
  kernels->gaussians(draw, QUADS, noise);
  exact_result(0, noise, COUNT * 4);
  kernels->quantize(noise, COUNT, 0.05f, -15, 15, codes);
  exact_result(0, codes, COUNT * 4);
  kernels->bend(noise, COUNT, 0.02f, 4, bent);
  exact_result(0, bent, COUNT * 4);
  kernels->split(codes, COUNT, 4, COUNT, planes);
  exact_result(0, planes, 4 * COUNT * 4);
  const uint64_t print = bitline_imc_fingerprint(noise, COUNT * 4 - 5);
  exact_result(0, &print, sizeof print);

  // Sixteen filters of 48 inputs in two tiles, multiplied, with noise.
  enum { INPUTS = 48, ROWS = 7 };
  const int32_t starts[3] = {0, 32, INPUTS};
  const float sigma[2] = {0.7f, 0.3f}, beta[2] = {0.001f, 0.002f}, log_scale[2] = {-999.5f, -499.5f};
  int32_t *columns = guarded(INPUTS * 4), rows[ROWS];
  for (int i = 0; i < INPUTS; i++) columns[i] = i * 16;
  for (int i = 0; i < ROWS; i++) rows[i] = (int32_t)random_int(0, COUNT * 2 - INPUTS * 16);
  float *x = guarded(COUNT * 8);
  for (int i = 0; i < COUNT * 2; i++) x[i] = (float)random_int(0, 63);
  const bitline_imc_block block = {
    .weights = random_floats(INPUTS * 16, -1, 1), .scale = random_floats(32, 0.2f, 0.4f), .offset = random_floats(32, -1, 1),
    .sigma = sigma, .beta = beta, .log_scale = log_scale, .factor = random_floats(16, -1, 1), .addend = random_floats(16, -1, 1),
    .lanes = 16};
  static const int32_t laws[] = {bitline_imc_law_sum, bitline_imc_law_contract, bitline_imc_law_linear, bitline_imc_law_sign};
  const bitline_imc_layer layer = {
    .law = laws[seed % 4], .tiles = 2, .tile_starts = starts, .columns = columns, .planes = 1, .blocks = 1, .width = 16, .lsb = 3.5f,
    .top = 31, .lo = -100, .hi = 100, .row_stride = 16, .block_stride = ROWS * 16, .noise_row_stride = 64, .noise_stride = 16};
  float *results = guarded(ROWS * 64);
  kernels->evaluate(&layer, &block, x, rows, ROWS, noise, results);
  exact_result(0, results, ROWS * 64);
}

static void least_squares(int seed) {
  enum { COLUMNS = 2 * BITLINE_PANEL, ROWS = 100, BASES = 2 };
  float *panels = random_floats(COLUMNS * ROWS, -1, 1), *targets = random_floats(ROWS, -1, 1), *single = guarded(COLUMNS * COLUMNS * 4);
  double *gram = guarded(COLUMNS * COLUMNS * 8), *cross = guarded(COLUMNS * 8), *x = guarded(COLUMNS * 8);
  memset(gram, 0, COLUMNS * COLUMNS * 8);
  memset(cross, 0, COLUMNS * 8);
  bitline_gram_add(panels, ROWS, COLUMNS, 0, COLUMNS / BITLINE_PANEL, gram);
  bitline_cross_add(panels, ROWS, COLUMNS, targets, 1, cross);
  exact_result(0, gram, COLUMNS * COLUMNS * 8);
  exact_result(0, cross, COLUMNS * 8);
  for (int i = 0; i < COLUMNS; i++) {
    for (int k = 0; k < COLUMNS; k++) single[i * COLUMNS + k] = (float)gram[i > k ? i * COLUMNS + k : k * COLUMNS + i];
  }
  int8_t *bits = random_signs(BASES * COLUMNS);
  double scales[BASES];
  const double least =
    bitline_descend(single, cross, COLUMNS, BASES, 3, bits, scales, guarded((BASES + 1) * COLUMNS * 8));
  exact_result(0, bits, BASES * COLUMNS);
  exact_result(0, scales, sizeof scales);
  exact_result(0, &least, sizeof least);
  for (int i = 0; i < COLUMNS; i++) gram[i * COLUMNS + i] += 1;
  memcpy(x, cross, COLUMNS * 8);
  if (bitline_cholesky(gram, COLUMNS) != 0) wrong("not positive definite");
  bitline_cholesky_solve(gram, COLUMNS, x);
  exact_result(0, x, COLUMNS * 8);
  (void)seed;
}

void check_other_kernels(void) {
  check("imc_array", 30, array);
  check("imc_analog", 12, analog);
  check("least_squares", 6, least_squares);
}
