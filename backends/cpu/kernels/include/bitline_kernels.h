/// The kernels of the cpu backend.
///
/// Every function takes the instruction level it runs at (or a plan that was prepared for one), keeps no state and takes no memory: whoever
/// calls brings plans, results and workspaces, all aligned to 64 bytes. Tensors are dense, row-major, NCHW. Sizes are in elements unless a
/// name says bytes. Plans hold offsets and no pointers, so they may be written to a file and mapped again for the same level.
#ifndef BITLINE_KERNELS_H
#define BITLINE_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// --- levels --------------------------------------------------------------------------------------------------------------------------

/// An instruction level.
typedef enum bitline_isa {
  /// Plain C: what every machine of this architecture runs.
  BITLINE_ISA_PORTABLE = 0,
  /// AVX2 and FMA.
  BITLINE_ISA_AVX2 = 1,
  /// AVX-512 F, BW, DQ, VL, VBMI, VNNI, VPOPCNTDQ.
  BITLINE_ISA_AVX512 = 2,
  /// AArch64's NEON with the dot products of bytes of Armv8.2 (DotProd).
  BITLINE_ISA_NEON = 3,
} bitline_isa;

/// Whether this machine runs `isa`.
int bitline_isa_supported(bitline_isa isa);
/// The level in force: the one forced, else the one that `BITLINE_ISA` named when first asked, else the best this machine has.
bitline_isa bitline_isa_active(void);
/// Forces a level, for tests; a negative number takes that back. Returns 0 when the machine lacks the level, and changes nothing then.
int bitline_isa_force(int isa);
/// `portable`, `avx2`, `avx512` or `neon`.
const char *bitline_isa_name(bitline_isa isa);

/// Multiply-adds of f32 that one core does in a second, measured for some milliseconds with nothing but registers.
double bitline_peak_f32(bitline_isa isa);

/// Bytes that one core reads from memory in a second, measured on more than caches hold; 0 where there is no room for that.
double bitline_peak_read(void);

// --- shared words --------------------------------------------------------------------------------------------------------------------

typedef enum bitline_activation_kind {
  BITLINE_ACTIVATION_NONE = 0,
  /// `x < 0 ? 0 : x`
  BITLINE_ACTIVATION_RELU = 1,
  /// `x < lo ? lo : x > hi ? hi : x`
  BITLINE_ACTIVATION_CLIP = 2,
} bitline_activation_kind;

/// What is done to a result before it is stored; NaN and -0 pass through.
typedef struct bitline_activation {
  bitline_activation_kind kind;
  float lo, hi;
} bitline_activation;

/// A window over `[N, channels, height, width]` that gives `[N, filters, out_height, out_width]`.
/// What lies behind the input on the right and at the bottom follows from the extents of the result.
typedef struct bitline_conv_shape {
  int32_t channels, height, width;
  int32_t filters, groups;
  int32_t kernel_height, kernel_width;
  int32_t stride_height, stride_width;
  int32_t dilation_height, dilation_width;
  int32_t pad_top, pad_left;
  int32_t out_height, out_width;
} bitline_conv_shape;

/// How the K inputs of a binary layer are cut and read (steps 2 to 4 of the numeric contract).
typedef struct bitline_readout {
  /// Inputs in a tile; 0: all.
  int32_t tile;
  /// Bits of the converter, 2...22; 1: a comparator, -1 below 0 and 1 from 0 on; 0: exact readout.
  int32_t bits;
  /// The largest code; the smallest is its negative.
  int32_t top;
  /// One step of the converter; above 0.
  float lsb;
  /// Codes are i8, else u8.
  int32_t signed_codes;
} bitline_readout;

// --- threads -------------------------------------------------------------------------------------------------------------------------

/// Threads that share the work of one run; one run at a time. Null stands for the calling thread alone.
typedef struct bitline_team bitline_team;
/// A team of so many threads, the caller's among them; null for fewer than two.
bitline_team *bitline_team_make(int threads);
int bitline_team_threads(const bitline_team *team);
void bitline_team_end(bitline_team *team);

// --- float layers: y = activation(W * x + bias) --------------------------------------------------------------------------------------

/// Bytes of a plan of `bitline_conv_f32_prepare`.
size_t bitline_conv_f32_plan_bytes(bitline_isa isa, const bitline_conv_shape *shape);
/// Packs `weights[filters][channels / groups][kernel_height][kernel_width]` and `bias[filters]` (or null) into `plan`.
void bitline_conv_f32_prepare(
  bitline_isa isa, const bitline_conv_shape *shape, const float *weights, const float *bias, bitline_activation activation, void *plan);
/// Bytes that `bitline_conv_f32_run` needs as workspace.
size_t bitline_conv_f32_workspace_bytes(const void *plan, int64_t batch);
/// The convolution of `batch` samples. Each result is summed in the same order whatever the batch.
void bitline_conv_f32_run(const void *plan, int64_t batch, const float *x, float *y, void *workspace);

/// Bytes of a plan of `bitline_dense_f32_prepare`.
size_t bitline_dense_f32_plan_bytes(bitline_isa isa, int64_t inputs, int64_t filters);
/// Packs `weights` and `bias[filters]` (or null) into `plan`.
/// The weight of filter `f` and input `k` stands at `weights[f * filter_stride + k * input_stride]`.
void bitline_dense_f32_prepare(
  bitline_isa isa, int64_t inputs, int64_t filters, const float *weights, int64_t filter_stride, int64_t input_stride, const float *bias,
  bitline_activation activation, void *plan);
/// `x[batch][inputs]` to `y[batch][filters]`; needs no workspace.
void bitline_dense_f32_run(const void *plan, int64_t batch, const float *x, float *y, bitline_team *team);

/// The same with sums in f64, in the order of inputs, rounded once: the reference's bytes at every level.
size_t bitline_conv_f32_f64_plan_bytes(bitline_isa isa, const bitline_conv_shape *shape);
void bitline_conv_f32_f64_prepare(
  bitline_isa isa, const bitline_conv_shape *shape, const float *weights, const float *bias, bitline_activation activation, void *plan);
size_t bitline_conv_f32_f64_workspace_bytes(const void *plan, int64_t batch, int threads);
void bitline_conv_f32_f64_run(const void *plan, int64_t batch, const float *x, float *y, void *workspace, bitline_team *team);
size_t bitline_dense_f32_f64_plan_bytes(bitline_isa isa, int64_t inputs, int64_t filters);
void bitline_dense_f32_f64_prepare(
  bitline_isa isa, int64_t inputs, int64_t filters, const float *weights, int64_t filter_stride, int64_t input_stride, const float *bias,
  bitline_activation activation, void *plan);
void bitline_dense_f32_f64_run(const void *plan, int64_t batch, const float *x, float *y, bitline_team *team);

// --- memory --------------------------------------------------------------------------------------------------------------------------

/// A block that starts on a line of the cache, in huge pages if it is not small and there are any; null where there is no memory.
void *bitline_memory_take(size_t bytes);
/// Gives back a block of so many bytes.
void bitline_memory_give(void *block, size_t bytes);

// --- tensors in blocks of sixteen channels: [samples][ceil(channels / 16)][height][width][16] -----------------------------------------
// Lanes beyond the channels hold finite numbers on which nothing depends.

/// `[channels][positions]` of a sample to `[ceil(channels / 16)][positions][16]`, and back.
void bitline_block_channels_f32(bitline_isa isa, int64_t channels, int64_t positions, const float *x, float *y);
void bitline_unblock_channels_f32(bitline_isa isa, int64_t channels, int64_t positions, const float *x, float *y);

/// As `bitline_pool_max` and `bitline_pool_average_f32` do on plain tensors; `blocks` is samples x blocks of channels.
void bitline_pool_max_blocked_f32(
  bitline_isa isa, const bitline_conv_shape *shape, int64_t blocks, const float *x, float *y, bitline_team *team);
void bitline_pool_average_blocked_f32(
  bitline_isa isa, const bitline_conv_shape *shape, int count_padding, int32_t pad_bottom, int32_t pad_right, int64_t blocks,
  const float *x, float *y);

/// Bytes of a plan of `bitline_conv_blocked_f32_prepare`. `groups` must be 1.
size_t bitline_conv_blocked_f32_plan_bytes(bitline_isa isa, const bitline_conv_shape *shape, int plain, int64_t samples, int exact);
/// Packs weights and bias as `bitline_conv_f32_prepare` does, for an input in blocks, or for a `plain` one; the result is in blocks.
/// `samples` says how many run together as a rule. Unless `exact`, layers may be computed by Winograd's transforms.
void bitline_conv_blocked_f32_prepare(
  bitline_isa isa, const bitline_conv_shape *shape, int plain, int64_t samples, int exact, const float *weights, const float *bias,
  bitline_activation activation, void *plan);
/// Results along the axes of the tiles by which a plan transforms; 0: it computes directly.
int bitline_conv_blocked_f32_winograd_rows(const void *plan);
int bitline_conv_blocked_f32_winograd_columns(const void *plan);
/// Bytes that `bitline_conv_blocked_f32_run` needs as workspace.
size_t bitline_conv_blocked_f32_workspace_bytes(const void *plan, int64_t batch, int threads);
/// The convolution of `batch` samples; `add` (or null) is added to it before the activation. Each result is the same whatever the batch
/// and the team.
void bitline_conv_blocked_f32_run(
  const void *plan, int64_t batch, const float *x, const float *add, float *y, void *workspace, bitline_team *team);

/// Whether a level multiplies numbers of bf16 by an instruction of this processor. Else it does so by multiplications of f32, with the same
/// results but where numbers below f32's normal ones occur, which the instruction takes for 0.
int bitline_bf16_is_native(bitline_isa isa);
/// Whether the same convolution on inputs and weights rounded to bf16, with sums in f32, takes fewer cycles by such an instruction; the same
/// on every machine.
int bitline_conv_blocked_bf16_is_faster(const bitline_conv_shape *shape, int plain, int64_t samples, int exact);
/// The convolutions for which it may be.
size_t bitline_conv_blocked_bf16_plan_bytes(bitline_isa isa, const bitline_conv_shape *shape, int plain);
void bitline_conv_blocked_bf16_prepare(
  bitline_isa isa, const bitline_conv_shape *shape, int plain, const float *weights, const float *bias, bitline_activation activation,
  void *plan);
size_t bitline_conv_blocked_bf16_workspace_bytes(const void *plan);
/// Everything but the numbers that are multiplied is f32, `x` and `y` too.
void bitline_conv_blocked_bf16_run(
  const void *plan, int64_t batch, const float *x, const float *add, float *y, void *workspace, bitline_team *team);

/// The same of a dense layer of plain tensors; see `bitline_dense_f32_prepare`.
size_t bitline_dense_bf16_plan_bytes(bitline_isa isa, int64_t inputs, int64_t filters);
void bitline_dense_bf16_prepare(
  bitline_isa isa, int64_t inputs, int64_t filters, const float *weights, int64_t filter_stride, int64_t input_stride, const float *bias,
  bitline_activation activation, void *plan);
size_t bitline_dense_bf16_workspace_bytes(const void *plan, int64_t batch);
void bitline_dense_bf16_run(const void *plan, int64_t batch, const float *x, float *y, void *workspace, bitline_team *team);

/// A convolution of which groups, channels and filters are as many, in blocks throughout; needs no workspace.
size_t bitline_depthwise_blocked_f32_plan_bytes(bitline_isa isa, const bitline_conv_shape *shape);
/// Packs `weights[channels][kernel_height][kernel_width]` and `bias[channels]` (or null).
void bitline_depthwise_blocked_f32_prepare(
  bitline_isa isa, const bitline_conv_shape *shape, const float *weights, const float *bias, bitline_activation activation, void *plan);
void bitline_depthwise_blocked_f32_run(const void *plan, int64_t batch, const float *x, float *y, bitline_team *team);

// --- binary layers: codes and weights of +-1 to tile sums ----------------------------------------------------------------------------

/// Bytes of a plan of `bitline_conv_binary_prepare`. `groups` must be 1.
size_t bitline_conv_binary_plan_bytes(bitline_isa isa, const bitline_conv_shape *shape, const bitline_readout *readout);
/// Packs `weights[filters][channels][kernel_height][kernel_width]` of +-1. `order[K]` lists the inputs tile by tile; null: as they lie.
/// Padding counts as code 0.
void bitline_conv_binary_prepare(
  bitline_isa isa, const bitline_conv_shape *shape, const bitline_readout *readout, const int8_t *weights, const int32_t *order,
  void *plan);
/// Bytes that `bitline_conv_binary_run` needs as workspace.
size_t bitline_conv_binary_workspace_bytes(const void *plan, int64_t batch);
/// Codes (u8 or i8, as prepared) to sums of readouts, exact.
void bitline_conv_binary_run(const void *plan, int64_t batch, const void *codes, int32_t *y, void *workspace);

/// Bytes of a plan of `bitline_dense_binary_prepare`.
size_t bitline_dense_binary_plan_bytes(bitline_isa isa, int64_t inputs, int64_t filters, const bitline_readout *readout);
/// Packs `weights[filters][inputs]` of +-1; `order` as in `bitline_conv_binary_prepare`.
void bitline_dense_binary_prepare(
  bitline_isa isa, int64_t inputs, int64_t filters, const bitline_readout *readout, const int8_t *weights, const int32_t *order,
  void *plan);
/// Bytes that `bitline_dense_binary_run` needs as workspace.
size_t bitline_dense_binary_workspace_bytes(const void *plan, int64_t batch);
/// Codes `[batch][inputs]` to sums of readouts `[batch][filters]`, exact.
void bitline_dense_binary_run(const void *plan, int64_t batch, const void *codes, int32_t *y, void *workspace);

// --- binary layers in blocks of sixteen channels, finished ---------------------------------------------------------------------------

/// What becomes of a layer's exact sums: `x = activation(f32(sum) * m + c)`, and then codes of it if it `quantizes`:
/// `clamp(roundHalfEven(x / scale), lo, hi)`.
typedef struct bitline_finish {
  bitline_activation activation;
  int32_t quantizes;
  float scale;
  int32_t lo, hi;
} bitline_finish;

/// Bytes of a plan of `bitline_conv_codes_prepare`. `groups` must be 1. Codes, and the 0 of the padding, lie in `lo...hi`; they are i8
/// when `lo` is below 0, else u8.
size_t bitline_conv_codes_plan_bytes(bitline_isa isa, const bitline_conv_shape *shape, int32_t lo, int32_t hi, int64_t samples);
/// Packs `weights[filters][channels][kernel_height][kernel_width]` of +-1, `m[filters]` and `c[filters]`.
/// `samples` says how many run together as a rule.
void bitline_conv_codes_prepare(
  bitline_isa isa, const bitline_conv_shape *shape, int32_t lo, int32_t hi, int64_t samples, const int8_t *weights, const float *m,
  const float *c, const bitline_finish *finish, void *plan);
/// Results along a side of the tiles by which a plan transforms; 0: it computes directly.
int bitline_conv_codes_winograd_tile(const void *plan);
/// Bytes that `bitline_conv_codes_run` needs as workspace.
size_t bitline_conv_codes_workspace_bytes(const void *plan, int64_t batch, int threads);
/// Codes in blocks to finished results in blocks: bytes if they are quantized, else f32. Sums are exact, by either way.
void bitline_conv_codes_run(const void *plan, int64_t batch, const void *codes, void *y, void *workspace, bitline_team *team);

/// Whether a level computes such a convolution by looking sums up: codes, and the 0 of the padding, lie in `lo...hi`, four of them add up
/// to less than 256 above `lo`, and a tile's sums are far from what f32 holds. `groups` must be 1.
int bitline_conv_lookup_takes(bitline_isa isa, const bitline_conv_shape *shape, const bitline_readout *readout, int32_t lo, int32_t hi);
/// Whether exact sums come sooner so than from `bitline_conv_codes_run`.
int bitline_conv_lookup_pays(bitline_isa isa, const bitline_conv_shape *shape, int32_t lo, int32_t hi, int64_t samples);
/// Bytes of a plan of `bitline_conv_lookup_prepare`.
size_t bitline_conv_lookup_plan_bytes(
  bitline_isa isa, const bitline_conv_shape *shape, const bitline_readout *readout, int32_t lo, const int32_t *order);
/// Packs `weights[filters][channels][kernel_height][kernel_width]` of +-1, `m[filters]` and `c[filters]`; codes are i8 when `lo` is below 0,
/// else u8; `order` as in `bitline_conv_binary_prepare`.
void bitline_conv_lookup_prepare(
  bitline_isa isa, const bitline_conv_shape *shape, const bitline_readout *readout, int32_t lo, int32_t hi, const int8_t *weights,
  const int32_t *order, const float *m, const float *c, const bitline_finish *finish, void *plan);
/// Bytes that `bitline_conv_lookup_run` needs as workspace.
size_t bitline_conv_lookup_workspace_bytes(const void *plan, int threads);
/// Codes in blocks to finished results in blocks, as `bitline_conv_codes_run`, from sums of readouts.
void bitline_conv_lookup_run(const void *plan, int64_t batch, const void *codes, void *y, void *workspace, bitline_team *team);

/// `[channels][positions]` of bytes of a sample to blocks, and back; lanes without a channel become 0.
void bitline_block_channels_u8(int64_t channels, int64_t positions, const uint8_t *x, uint8_t *y);
void bitline_unblock_channels_u8(int64_t channels, int64_t positions, const uint8_t *x, uint8_t *y);
/// As `bitline_pool_max` does on plain bytes; `blocks` is samples x blocks of channels.
void bitline_pool_max_blocked_u8(
  bitline_isa isa, const bitline_conv_shape *shape, int signed_codes, int64_t blocks, const uint8_t *x, uint8_t *y);

// --- layers of bits: inputs and weights of +-1 ---------------------------------------------------------------------------------------
// Tensors of bits are `[samples][height][width][ceil(channels / 64)]` words; 1 stands for +1, and bits beyond the channels are 0.

/// Bytes of a plan of `bitline_conv_bits_prepare` (`to_bits`) or `bitline_conv_bits_prepare_finish`. `groups` must be 1.
size_t bitline_conv_bits_plan_bytes(bitline_isa isa, const bitline_conv_shape *shape, int to_bits);
/// Packs `weights[filters][channels][kernel_height][kernel_width]` of +-1. Padding is 0. A result is 1 where `signs[filter] * sum` is at
/// least `least[filter]`; signs are +-1, and `least` no greater in magnitude than one more than there are inputs.
void bitline_conv_bits_prepare(
  bitline_isa isa, const bitline_conv_shape *shape, const int8_t *weights, const int32_t *least, const int8_t *signs, void *plan);
/// The same for results in blocks of sixteen channels, finished as those of `bitline_conv_codes_run`.
void bitline_conv_bits_prepare_finish(
  bitline_isa isa, const bitline_conv_shape *shape, const int8_t *weights, const float *m, const float *c, const bitline_finish *finish,
  void *plan);
/// Bytes that `bitline_conv_bits_run` needs as workspace.
size_t bitline_conv_bits_workspace_bytes(const void *plan, int threads);
void bitline_conv_bits_run(const void *plan, int64_t batch, const uint64_t *x, void *y, void *workspace, bitline_team *team);

/// The bits of a sample in blocks of sixteen channels: 1 at `to` and above, 0 below `from`, which is no greater; where `flips` has the
/// channel's bit, the other way round. Thresholds are `[ceil(channels / 16)][16]`, infinite where there is no channel, and flips one for each
/// block. Returns 0, or 1 when some number is neither, infinite or none: then bits are unspecified.
int bitline_pack_bits_f32(
  bitline_isa isa, int64_t channels, int64_t positions, const float *from, const float *to, const uint16_t *flips, const float *x,
  uint64_t *y);
/// The bits of a sample to `[channels][positions]` of -1 and +1.
void bitline_unpack_bits(int64_t channels, int64_t positions, const uint64_t *x, int8_t *y);

/// The maximum over each window's elements inside the input, or the minimum where `flips` has the channel's bit; every window has some.
void bitline_pool_max_bits(const bitline_conv_shape *shape, int64_t samples, const uint64_t *flips, const uint64_t *x, uint64_t *y);

// --- int8 layers, from codes to codes ------------------------------------------------------------------------------------------------

/// What codes stand for: `(code - zero) * scale`, in f32. They are i8 if signed, else u8, and `zero` is one of them.
typedef struct bitline_coding {
  float scale;
  int32_t zero;
  int32_t is_signed;
} bitline_coding;

/// A layer of codes and weights of i8, as the reference computes it in numbers, byte for byte:
/// with X = (x - from.zero) * from.scale and W = w * scales[filter], each rounded to f32, y is the sum of all X * W and the bias in f64,
/// input after input, rounded to f32, times the filter's factor in f32 if there are factors; the result is
/// `clamp(roundHalfEven(y / to.scale) + to.zero, lo, hi)`. An activation is in `lo` and `hi`.
///
/// Kernels add up integers. Where their sum leaves two codes possible, the reference's own sum decides.
typedef struct bitline_int8_layer {
  bitline_coding from, to;
  int32_t lo, hi;
  /// `[filters][channels / groups][kernel_height][kernel_width]`, and `[filters]`; the last two may be null.
  const int8_t *weights;
  const float *scales;
  const double *bias;
  const float *factors;
} bitline_int8_layer;

/// Bytes of a plan of `bitline_conv_i8_prepare`. `groups` must be 1.
size_t bitline_conv_i8_plan_bytes(
  bitline_isa isa, const bitline_conv_shape *shape, const bitline_int8_layer *layer, int plain, int64_t samples, int direct);
/// Packs a convolution of codes in blocks, or of `plain` ones of at most sixteen channels; the result is in blocks.
/// `samples` says how many run together as a rule. Unless `direct`, layers may be computed by Winograd's transforms, which are exact too.
void bitline_conv_i8_prepare(
  bitline_isa isa, const bitline_conv_shape *shape, const bitline_int8_layer *layer, int plain, int64_t samples, int direct, void *plan);
/// Results along a side of the tiles by which a plan transforms; 0: it computes directly.
int bitline_conv_i8_winograd_tile(const void *plan);
/// Bytes that `bitline_conv_i8_run` needs as workspace.
size_t bitline_conv_i8_workspace_bytes(const void *plan, int64_t batch, int threads);
void bitline_conv_i8_run(const void *plan, int64_t batch, const void *codes, void *y, void *workspace, bitline_team *team);

/// A convolution of which groups, channels and filters are as many, in blocks throughout.
size_t bitline_depthwise_i8_plan_bytes(bitline_isa isa, const bitline_conv_shape *shape);
void bitline_depthwise_i8_prepare(bitline_isa isa, const bitline_conv_shape *shape, const bitline_int8_layer *layer, void *plan);
size_t bitline_depthwise_i8_workspace_bytes(const void *plan, int threads);
void bitline_depthwise_i8_run(const void *plan, int64_t batch, const void *codes, void *y, void *workspace, bitline_team *team);

/// A dense layer, `codes[batch][inputs]` to `y[batch][filters]`.
size_t bitline_dense_i8_plan_bytes(bitline_isa isa, int64_t inputs, int64_t filters);
void bitline_dense_i8_prepare(bitline_isa isa, int64_t inputs, int64_t filters, const bitline_int8_layer *layer, void *plan);
size_t bitline_dense_i8_workspace_bytes(const void *plan, int64_t batch);
void bitline_dense_i8_run(const void *plan, int64_t batch, const void *codes, void *y, void *workspace);

// --- integer layers, from codes to sums ----------------------------------------------------------------------------------------------

/// What becomes of a sum of 32 bits: itself, or `f32(sum) * factor + bias`, each step rounded to f32.
typedef struct bitline_sums_finish {
  /// Null: the sums themselves. One for each filter if `by_filter`, else one.
  const float *factors;
  int32_t by_filter;
  /// One for each filter; null: nothing is added.
  const float *bias;
} bitline_sums_finish;

/// Bytes of a plan of `bitline_conv_sums_i8_prepare`. `groups` must be 1.
size_t bitline_conv_sums_i8_plan_bytes(bitline_isa isa, const bitline_conv_shape *shape, int signed_codes);
/// Packs `weights[filters][channels][kernel_height][kernel_width]`. No sum of 255 times the magnitudes of a filter's weights may leave
/// 31 bits.
void bitline_conv_sums_i8_prepare(
  bitline_isa isa, const bitline_conv_shape *shape, int signed_codes, const int8_t *weights, void *plan);
/// Codes (u8 or i8, as prepared) less `zero`, in blocks, to finished sums in blocks, exact; padding adds nothing.
void bitline_conv_sums_i8_run(
  const void *plan, int64_t batch, const void *codes, int32_t zero, const bitline_sums_finish *finish, void *y, void *workspace,
  bitline_team *team);

/// Bytes of a plan of `bitline_matmul_sums_i8_prepare`. `rows` says how many there are as a rule.
size_t bitline_matmul_sums_i8_plan_bytes(bitline_isa isa, int64_t inputs, int64_t filters, int64_t rows);
/// Packs a matrix of which an element is `weights[filter * filter_stride + input * input_stride]`; as for convolutions.
void bitline_matmul_sums_i8_prepare(
  bitline_isa isa, int64_t inputs, int64_t filters, int64_t rows, int signed_codes, const int8_t *weights, int64_t filter_stride,
  int64_t input_stride, void *plan);
/// `codes[rows][inputs]` less `zero` to finished sums `y[rows][filters]`, exact.
void bitline_matmul_sums_i8_run(
  const void *plan, int64_t rows, const void *codes, int32_t zero, const bitline_sums_finish *finish, void *y, void *workspace,
  bitline_team *team);
/// Bytes that either needs as workspace.
size_t bitline_sums_i8_workspace_bytes(const void *plan, int threads);

/// The sum of two numbers that codes stand for, and its code: `clamp(roundHalfEven(f32(A + B) / to.scale) + to.zero, lo, hi)`.
typedef struct bitline_add_codes_plan {
  bitline_coding a, b, to;
  int32_t lo, hi;
} bitline_add_codes_plan;
void bitline_add_codes(
  bitline_isa isa, const bitline_add_codes_plan *plan, int64_t count, const void *a, const void *b, void *y, bitline_team *team);

/// The code of the mean of the numbers in each plane, summed in f64 and rounded to f32; `blocks` is samples x blocks of channels.
typedef struct bitline_mean_codes_plan {
  bitline_coding from, to;
  int32_t lo, hi;
} bitline_mean_codes_plan;
/// `[blocks][positions][16]` to `[blocks][16]`.
void bitline_mean_codes_blocked(
  bitline_isa isa, const bitline_mean_codes_plan *plan, int64_t blocks, int64_t positions, const void *x, void *y);

// --- rows ----------------------------------------------------------------------------------------------------------------------------

/// `y = activation((f32(P0) * m0 + f32(P1) * m1 + ...) + c)` over `[outer, channels, inner]`, each step rounded to f32.
/// `sums[b]` is `[outer, channels, inner]`, `scales[b]` and `offset` are `[channels]`.
void bitline_rescale(
  bitline_isa isa, int64_t outer, int64_t channels, int64_t inner, int32_t bases, const int32_t *const *sums, const float *const *scales,
  const float *offset, bitline_activation activation, float *y);

/// `clamp(roundHalfEven(x / scale) + zero, lo, hi)` over `[outer, channels, inner]`; a quotient that is NaN counts as 0.
/// `scale[channels]`, `zero[channels]` or null. The codes are stored as bytes, so `lo...hi` must fit the type that reads them.
void bitline_quantize_f32(
  bitline_isa isa, int64_t outer, int64_t channels, int64_t inner, const float *x, const float *scale, const int32_t *zero, int32_t lo,
  int32_t hi, uint8_t *codes);

/// `(f32(q) - f32(zero)) * scale` over `[outer, channels, inner]`; `zero` may be null.
void bitline_dequantize_u8(
  bitline_isa isa, int64_t outer, int64_t channels, int64_t inner, const uint8_t *q, const float *scale, const int32_t *zero, float *y);
void bitline_dequantize_i8(
  bitline_isa isa, int64_t outer, int64_t channels, int64_t inner, const int8_t *q, const float *scale, const int32_t *zero, float *y);

/// Element types of pooling.
typedef enum bitline_element {
  BITLINE_ELEMENT_F32 = 0,
  BITLINE_ELEMENT_U8 = 1,
  BITLINE_ELEMENT_I8 = 2,
} bitline_element;

/// The maximum over each window's elements inside the input; `shape.filters` is not read. `planes` is samples x channels.
/// With f32 a NaN in the window gives NaN.
void bitline_pool_max(
  bitline_isa isa, bitline_element element, const bitline_conv_shape *shape, int64_t planes, const void *x, void *y);
/// The mean over each window's elements inside the input, or with `count_padding` over the padding too, which ends `pad_bottom` and
/// `pad_right` behind the input. Summed row by row in f32, then divided.
void bitline_pool_average_f32(
  bitline_isa isa, const bitline_conv_shape *shape, int count_padding, int32_t pad_bottom, int32_t pad_right, int64_t planes,
  const float *x, float *y);

typedef enum bitline_binary_kind {
  BITLINE_BINARY_ADD = 0,
  BITLINE_BINARY_SUB = 1,
  BITLINE_BINARY_MUL = 2,
  BITLINE_BINARY_DIV = 3,
} bitline_binary_kind;

/// `y = a op b` over `[outer, channels, inner]`; `b` is the same, or `[channels]` when `per_channel`.
void bitline_binary_f32(
  bitline_isa isa, bitline_binary_kind kind, int64_t outer, int64_t channels, int64_t inner, int per_channel, const float *a,
  const float *b, float *y);
/// `y = activation(x)`.
void bitline_activation_f32(bitline_isa isa, bitline_activation activation, int64_t count, const float *x, float *y);

/// The least of all elements, or the greatest; NaN where one is, and infinite of nothing.
float bitline_extreme_f32(bitline_isa isa, int least, int64_t count, const float *x);

typedef enum bitline_elementary {
  BITLINE_ELEMENTARY_EXP = 0,
  BITLINE_ELEMENTARY_SIGMOID = 1,
  BITLINE_ELEMENTARY_TANH = 2,
} bitline_elementary;

/// An elementary function of every element, within 4 spacings of the true value.
void bitline_elementary_f32(bitline_isa isa, bitline_elementary kind, int64_t count, const float *x, float *y);
/// Over the middle axis of `[outer, length, inner]`: e^(x - greatest), over the sum of those.
void bitline_softmax_f32(bitline_isa isa, int64_t outer, int64_t length, int64_t inner, const float *x, float *y);

/// `y[extents...]`, dense, from elements of 1, 2, 4 or 8 bytes that lie `steps[axis]` elements apart in `x`: any sign, or 0 to repeat.
/// At most 8 axes.
void bitline_copy_strided(int64_t element_bytes, int32_t rank, const int64_t *extents, const int64_t *steps, const void *x, void *y);

#ifdef __cplusplus
}
#endif
#endif
