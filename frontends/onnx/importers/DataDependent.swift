import GraphIR

extension OperatorTable {
  /// Operators whose result's shape depends on the elements: computed here, so what they take must be known.
  static let dataDependent: [OperatorEntry] = [
    OperatorEntry("NonZero", .since(9), inputs: 1...1) { node, builder in
      let x = try builder.tensor(node[0], "the input")
      let hits = (0..<x.count).filter { x.double(at: $0) != 0 }
      let strides = x.shape.strides
      let places = (0..<x.shape.rank).flatMap { axis in hits.map { $0 / strides[axis] % x.shape[axis] } }
      return [builder.list([x.shape.rank, hits.count], places)]
    },
    OperatorEntry("Compress", .since(9), inputs: 2...2, ["axis": .int]) { node, builder in
      var x = try node[0]
      let condition = try builder.tensor(node[1], "the condition")
      if node.attributes.values["axis"] == nil { x = try builder.reshape(x, [try builder.boundCount(x)]) }
      let axis = try normalizedAxis(node.attributes.int("axis", default: 0), rank: builder.rank(x))
      let kept = (0..<condition.count).filter { condition.double(at: $0) != 0 }
      if let last = kept.last, last >= builder.shape(x)[axis] {
        throw Diagnostic(.badInput, "the condition takes element \(last) of an axis of \(builder.shape(x)[axis])")
      }
      return [try builder.gather(x, builder.list([kept.count], kept), axis: axis)]
    },
    OperatorEntry("Unique", .since(11), inputs: 1...1, outputs: 1...4, ["axis": .int, "sorted": .int], importUnique),
    OperatorEntry("NonMaxSuppression", .since(10), inputs: 2...5, ["center_point_box": .int], importSuppression),
  ]

  private static func importUnique(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    var x = try node[0]
    if node.attributes.values["axis"] == nil { x = try builder.reshape(x, [try builder.boundCount(x)]) }
    let tensor = try builder.tensor(x, "the input")
    let axis = try normalizedAxis(node.attributes.int("axis", default: 0), rank: tensor.shape.rank)
    let inner = tensor.shape.dimensions[(axis + 1)...].reduce(1, *)
    let (extent, outer) = (tensor.shape[axis], tensor.shape.dimensions[..<axis].reduce(1, *))
    let rows = (0..<extent).map { index in
      (0..<outer).flatMap { block in (0..<inner).map { tensor.double(at: (block * extent + index) * inner + $0) } }
    }
    var (firsts, inverse, counts, known) = ([Int](), [Int](), [Int](), [[Double]: Int]())
    for (index, row) in rows.enumerated() {
      if let place = known[row] {
        inverse.append(place)
        counts[place] += 1
      } else {
        known[row] = firsts.count
        inverse.append(firsts.count)
        firsts.append(index)
        counts.append(1)
      }
    }
    var order = Array(firsts.indices)
    if try node.attributes.flag("sorted", default: true) {
      order.sort { rows[firsts[$0]].lexicographicallyPrecedes(rows[firsts[$1]]) }
    }
    var ranks = Array(repeating: 0, count: order.count)
    for (place, old) in order.enumerated() { ranks[old] = place }
    func numbers(_ values: [Int]) -> ValueID { builder.list([values.count], values) }
    let indices = numbers(order.map { firsts[$0] })
    let others = [indices, numbers(inverse.map { ranks[$0] }), numbers(order.map { counts[$0] })]
    return [try builder.gather(x, indices, axis: axis)] + others
  }

  private static func importSuppression(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let (boxes, scores) = try (builder.tensor(node[0], "the boxes"), builder.tensor(node[1], "the scores"))
    guard boxes.shape.rank == 3, scores.shape.rank == 3, boxes.shape[2] == 4, boxes.shape[0] == scores.shape[0],
      boxes.shape[1] == scores.shape[2]
    else { throw Diagnostic(.badInput, "boxes \(boxes.shape) do not fit scores \(scores.shape)") }
    let limit = try node.optional(2).map { try builder.number($0, "the number of boxes") } ?? 0
    let overlap = try node.optional(3).map { try builder.number($0, "the overlap") } ?? 0
    let threshold = try node.optional(4).map { try builder.number($0, "the threshold") }
    let isCentered = try node.attributes.flag("center_point_box", default: false)
    var chosen: [Int] = []
    let count = boxes.shape[1]
    for batch in 0..<boxes.shape[0] {
      let rectangles = (0..<count).map { Rectangle(boxes, (batch * count + $0) * 4, isCentered: isCentered) }
      for label in 0..<scores.shape[1] {
        func score(_ box: Int) -> Double { scores.double(at: (batch * scores.shape[1] + label) * count + box) }
        let candidates = (0..<count).filter { box in threshold.map { score(box) > $0 } ?? true }.sorted {
          score($0) == score($1) ? $0 < $1 : score($0) > score($1)
        }
        var kept: [Int] = []
        for box in candidates where Double(kept.count) < limit {
          if kept.allSatisfy({ rectangles[$0].overlap(with: rectangles[box]) <= overlap }) { kept.append(box) }
        }
        chosen += kept.flatMap { [batch, label, $0] }
      }
    }
    return [builder.list([chosen.count / 3, 3], chosen)]
  }
}

/// A box of a detector.
private struct Rectangle {
  var (top, left, bottom, right) = (0.0, 0.0, 0.0, 0.0)

  init(_ boxes: Tensor, _ start: Int, isCentered: Bool) {
    let numbers = (0..<4).map { boxes.double(at: start + $0) }
    if isCentered {
      (left, right) = (numbers[0] - numbers[2] / 2, numbers[0] + numbers[2] / 2)
      (top, bottom) = (numbers[1] - numbers[3] / 2, numbers[1] + numbers[3] / 2)
    } else {
      (top, bottom) = (min(numbers[0], numbers[2]), max(numbers[0], numbers[2]))
      (left, right) = (min(numbers[1], numbers[3]), max(numbers[1], numbers[3]))
    }
  }

  var area: Double { (bottom - top) * (right - left) }

  /// The part of both that they share, from 0 to 1; 0 for empty boxes.
  func overlap(with other: Rectangle) -> Double {
    let height = min(bottom, other.bottom) - max(top, other.top)
    let width = min(right, other.right) - max(left, other.left)
    guard height > 0, width > 0 else { return 0 }
    let shared = height * width
    let whole = area + other.area - shared
    return whole > 0 ? shared / whole : 0
  }
}
