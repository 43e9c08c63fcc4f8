/// Numbers to bits.

/// Sixteen channels of each position. A lane that holds a third value, or no finite number, is a fault. Returns whether there is one.
BITLINE_INLINE BITLINE_TARGET int pack_bits_body(
  const float *from_each, const float *to_each, uint16_t flips, int64_t positions, const float *x, uint8_t *y, int64_t row
) {
  const v16f from = LOAD16(from_each), to = LOAD16(to_each);
  const int has_third = BITLINE_BITS16(from < to);
  v16i third = SPLAT16I(0), most = SPLAT16I(0);
  for (int64_t i = 0; i < positions; i++, x += 16, y += row) {
    const v16f number = LOAD16(x);
    const v16i above = number >= to, magnitude = (v16i)number & SPLAT16I(0x7fffffff);
    if (has_third) third |= (number >= from) ^ above;
    most = magnitude > most ? magnitude : most;
    const uint16_t bits = BITLINE_BITS16(above) ^ flips;
    memcpy(y, &bits, 2);
  }
  // Infinity and what is no number lie behind the greatest finite one.
  return BITLINE_BITS16(third | (most > SPLAT16I(0x7f7fffff)));
}
