/// Columns of the implicit matrix of a convolution of codes: four taps side by side for each column.
BITLINE_INLINE void pack_u8x4_body(
  uint8_t *b, const uint8_t *source, const int32_t *taps, int64_t words, const segment *segments, int segment_count, int exact,
  const int cols, const int chunk
) {
  for (int64_t w = 0; w < words; w++, b += 4 * cols, taps += 4) {
    for (int s = 0; s < segment_count; s++) {
      const uint8_t *from = source + segments[s].source;
      const uint8_t *from0 = from + taps[0], *from1 = from + taps[1], *from2 = from + taps[2], *from3 = from + taps[3];
      uint8_t *to = b + 4 * segments[s].column;
      if (exact) {
        for (int32_t i = 0; i < segments[s].length; i++) {
          to[4 * i] = from0[i];
          to[4 * i + 1] = from1[i];
          to[4 * i + 2] = from2[i];
          to[4 * i + 3] = from3[i];
        }
        continue;
      }
      for (int32_t done = 0; done < segments[s].length; done += chunk) {
        uint8_t words_of_chunk[4 * 16];
        for (int i = 0; i < chunk; i++) {
          words_of_chunk[4 * i] = from0[done + i];
          words_of_chunk[4 * i + 1] = from1[done + i];
          words_of_chunk[4 * i + 2] = from2[done + i];
          words_of_chunk[4 * i + 3] = from3[done + i];
        }
        memcpy(to + 4 * done, words_of_chunk, (size_t)(4 * chunk));
      }
    }
  }
}
