/// Columns of the implicit matrix of a convolution: one row of `b` for each tap.
BITLINE_INLINE void pack_f32_body(
  float *b, const float *source, const int32_t *taps, int64_t count, const segment *segments, int segment_count, int exact, const int cols,
  const int chunk
) {
  if (exact) {
    for (int64_t k = 0; k < count; k++, b += cols) {
      for (int s = 0; s < segment_count; s++) {
        memcpy(b + segments[s].column, source + taps[k] + segments[s].source, sizeof(float) * (size_t)segments[s].length);
      }
    }
    return;
  }
  // Whole chunks: what runs over is overwritten by the next segment or row.
  for (int64_t k = 0; k < count; k++, b += cols) {
    for (int s = 0; s < segment_count; s++) {
      const float *from = source + taps[k] + segments[s].source;
      float *to = b + segments[s].column;
      for (int32_t done = 0; done < segments[s].length; done += chunk) memcpy(to + done, from + done, sizeof(float) * (size_t)chunk);
    }
  }
}
