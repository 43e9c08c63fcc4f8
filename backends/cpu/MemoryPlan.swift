/// Where values lie in an arena: values that are never alive together may share bytes.
package struct MemoryPlan: Sendable {
  /// One value's need: its bytes, and the steps from which and to which it must stay.
  package struct Request {
    package var bytes: Int
    package var first: Int
    package var last: Int

    package init(bytes: Int, first: Int, last: Int) {
      self.bytes = bytes
      self.first = first
      self.last = last
    }
  }

  /// Every place is a multiple of this, in bytes.
  package static let alignment = 64

  /// The offset of each request, in bytes.
  package private(set) var offsets: [Int]
  /// The size of the arena, in bytes.
  package private(set) var bytes = 0
  /// What all values take when none shares, in bytes.
  package let unsharedBytes: Int

  /// Places the largest values first, each at the lowest offset that is free while it is alive.
  package init(_ requests: [Request]) {
    offsets = [Int](repeating: 0, count: requests.count)
    let sizes = requests.map { ($0.bytes + MemoryPlan.alignment - 1) / MemoryPlan.alignment * MemoryPlan.alignment }
    unsharedBytes = sizes.reduce(0, +)
    var placed: [Int] = []
    for index in requests.indices.sorted(by: { (sizes[$1], $0) < (sizes[$0], $1) }) {
      let alive = placed.filter { requests[$0].first <= requests[index].last && requests[index].first <= requests[$0].last }
      var offset = 0
      for other in alive.sorted(by: { offsets[$0] < offsets[$1] }) {
        if offset + sizes[index] <= offsets[other] { break }
        offset = max(offset, offsets[other] + sizes[other])
      }
      offsets[index] = offset
      bytes = max(bytes, offset + sizes[index])
      placed.append(index)
    }
  }
}
