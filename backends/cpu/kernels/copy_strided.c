/// Elements taken from anywhere in steps: transposed, cut, repeated or reversed tensors.
#include "table.h"

/// One axis of a copy: so many elements, each `step` bytes further in the source.
typedef struct strided_axis {
  int64_t extent, step;
} strided_axis;

#define RUN(type)                                                                          \
  for (int64_t i = 0; i < extent; i++) {                                                   \
    type element;                                                                          \
    memcpy(&element, x + i * step, sizeof element);                                        \
    memcpy(y + i * (int64_t)sizeof element, &element, sizeof element);                     \
  }

static void run(int64_t bytes, int64_t extent, int64_t step, const char *x, char *y) {
  if (step == bytes) {
    memcpy(y, x, (size_t)(extent * bytes));
    return;
  }
  switch (bytes) {
  case 1: RUN(uint8_t) break;
  case 2: RUN(uint16_t) break;
  case 4: RUN(uint32_t) break;
  default: RUN(uint64_t) break;
  }
}

/// A plane whose rows lie along the source's lines of the inner axis: in squares, so that lines of both stay in the first cache.
#define SQUARE(type)                                                                                                       \
  for (int64_t i = i0; i < i1; i++) {                                                                                      \
    for (int64_t k = k0; k < k1; k++) memcpy(y + (i * inner.extent + k) * bytes, x + i * outer.step + k * inner.step, sizeof(type)); \
  }

static void plane(int64_t bytes, strided_axis outer, strided_axis inner, const char *x, char *y) {
  if (inner.step == bytes || outer.step != bytes) {
    for (int64_t i = 0; i < outer.extent; i++) run(bytes, inner.extent, inner.step, x + i * outer.step, y + i * inner.extent * bytes);
    return;
  }
  enum { SIDE = 16 };
  for (int64_t i0 = 0; i0 < outer.extent; i0 += SIDE) {
    const int64_t i1 = bitline_min(i0 + SIDE, outer.extent);
    for (int64_t k0 = 0; k0 < inner.extent; k0 += SIDE) {
      const int64_t k1 = bitline_min(k0 + SIDE, inner.extent);
      switch (bytes) {
      case 1: SQUARE(uint8_t) break;
      case 2: SQUARE(uint16_t) break;
      case 4: SQUARE(uint32_t) break;
      default: SQUARE(uint64_t) break;
      }
    }
  }
}

void bitline_copy_strided(int64_t element_bytes, int32_t rank, const int64_t *extents, const int64_t *steps, const void *x, void *y) {
  enum { MOST = 8 };
  strided_axis axes[MOST + 2];
  int count = 0;
  for (int i = 0; i < rank; i++) {
    if (extents[i] == 0) return;
    if (extents[i] == 1) continue;
    const strided_axis axis = {extents[i], steps[i] * element_bytes};
    // Two axes that follow each other in the source are one.
    if (count > 0 && axes[count - 1].step == axis.step * axis.extent) axes[count - 1] = (strided_axis){axes[count - 1].extent * axis.extent, axis.step};
    else axes[count++] = axis;
  }
  while (count < 2) {
    for (int i = count; i > 0; i--) axes[i] = axes[i - 1];
    axes[0] = (strided_axis){1, 0};
    count++;
  }
  int64_t at[MOST + 2] = {0};
  const char *from = x;
  char *to = y;
  const int64_t plane_bytes = axes[count - 2].extent * axes[count - 1].extent * element_bytes;
  for (;;) {
    plane(element_bytes, axes[count - 2], axes[count - 1], from, to);
    to += plane_bytes;
    int axis = count - 3;
    for (; axis >= 0; axis--) {
      from += axes[axis].step;
      if (++at[axis] < axes[axis].extent) break;
      from -= axes[axis].step * axes[axis].extent;
      at[axis] = 0;
    }
    if (axis < 0) return;
  }
}
