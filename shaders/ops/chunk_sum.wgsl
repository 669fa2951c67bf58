// Needs Sum, part_at(chunk, index) -> Sum, and `params` with chunks.

/// Over the chunks, in their order. A GPU waits long for a read: eight are under way at once.
fn chunk_sum(index: u32) -> Sum {
  var sum = Sum();
  var chunk = 0u;
  while (chunk + 7u < params.chunks) {
    var parts: array<Sum, 8>;
    for (var k = 0u; k < 8u; k++) { // unroll
      parts[k] = part_at(chunk + k, index);
    }
    for (var k = 0u; k < 8u; k++) { // unroll
      sum += parts[k];
    }
    chunk += 8u;
  }
  for (; chunk < params.chunks; chunk++) {
    sum += part_at(chunk, index);
  }
  return sum;
}
