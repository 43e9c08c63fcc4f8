/// A place on the page: x to the right, y down.
struct Point: Hashable, Sendable {
  var x: Double
  var y: Double

  init(_ x: Double, _ y: Double) {
    self.x = x
    self.y = y
  }
}

/// The pen's ways through each digit: control points in a box of 1 x 1, joined by smooth curves; a new stroke begins at each corner.
///
/// Our own drawings, made by eye after how digits are written by hand.
enum DigitShapes {
  typealias Stroke = [Point]

  /// The ways in which people write `digit`; the usual one stands more than once.
  static func variants(of digit: Int) -> [[Stroke]] { all[digit] }

  private static let all: [[[Stroke]]] = [
    [zero, zero, zeroClosedAtSide], [bar, bar, barWithFlag], [two, two, twoWithLoop], [three, threeFlatTop],
    [fourOpen, fourOpen, fourClosed],
    [five, fiveRound], [six, sixSteep], [seven, seven, sevenCrossed], [eight, eightTwoLoops], [nine, nine, nineCurved],
  ]

  private static let zero: [Stroke] = [
    points(0.58, 0.02, 0.30, 0.08, 0.10, 0.36, 0.08, 0.68, 0.28, 0.96, 0.56, 0.98, 0.82, 0.76, 0.92, 0.42, 0.80, 0.10, 0.54, 0.01)
  ]
  private static let zeroClosedAtSide: [Stroke] = [
    points(0.78, 0.14, 0.52, 0.00, 0.22, 0.14, 0.08, 0.50, 0.20, 0.88, 0.48, 1.00, 0.78, 0.84, 0.92, 0.50, 0.82, 0.18, 0.66, 0.06)
  ]
  private static let bar: [Stroke] = [points(0.52, 0.00, 0.50, 0.34, 0.49, 0.68, 0.48, 1.00)]
  private static let barWithFlag: [Stroke] = [
    points(0.36, 0.16, 0.46, 0.09, 0.54, 0.00), points(0.54, 0.00, 0.52, 0.34, 0.51, 0.68, 0.50, 1.00),
  ]
  private static let two: [Stroke] = [
    points(0.12, 0.24, 0.26, 0.06, 0.52, 0.00, 0.76, 0.12, 0.76, 0.36, 0.56, 0.62, 0.30, 0.84, 0.06, 0.97),
    points(0.06, 0.97, 0.34, 0.93, 0.66, 0.95, 0.95, 0.92),
  ]
  private static let twoWithLoop: [Stroke] = [
    points(
      0.14, 0.20, 0.34, 0.02, 0.62, 0.03, 0.78, 0.20, 0.72, 0.44, 0.50, 0.70, 0.26, 0.94, 0.08, 0.96, 0.08, 0.82, 0.26, 0.76, 0.48, 0.86,
      0.70, 0.97, 0.96, 0.90)
  ]
  private static let three: [Stroke] = [
    points(0.16, 0.12, 0.40, 0.00, 0.70, 0.06, 0.76, 0.24, 0.60, 0.41, 0.36, 0.47),
    points(0.36, 0.47, 0.64, 0.50, 0.84, 0.66, 0.78, 0.88, 0.50, 1.00, 0.22, 0.96, 0.08, 0.86),
  ]
  private static let threeFlatTop: [Stroke] = [
    points(0.14, 0.06, 0.46, 0.03, 0.78, 0.04), points(0.78, 0.04, 0.62, 0.22, 0.42, 0.40),
    points(0.42, 0.40, 0.68, 0.45, 0.84, 0.62, 0.78, 0.86, 0.50, 1.00, 0.22, 0.97, 0.08, 0.86),
  ]
  private static let fourOpen: [Stroke] = [
    points(0.18, 0.04, 0.12, 0.26, 0.12, 0.46, 0.30, 0.53, 0.56, 0.52, 0.82, 0.48), points(0.84, 0.00, 0.80, 0.34, 0.76, 0.66, 0.72, 1.00),
  ]
  private static let fourClosed: [Stroke] = [
    points(0.66, 0.00, 0.46, 0.22, 0.26, 0.44, 0.06, 0.64), points(0.06, 0.64, 0.36, 0.63, 0.66, 0.62, 0.94, 0.61),
    points(0.66, 0.00, 0.65, 0.34, 0.64, 0.66, 0.63, 1.00),
  ]
  private static let five: [Stroke] = [
    points(0.88, 0.02, 0.62, 0.04, 0.34, 0.05), points(0.34, 0.05, 0.28, 0.22, 0.23, 0.40),
    points(0.23, 0.40, 0.48, 0.38, 0.74, 0.50, 0.80, 0.72, 0.64, 0.92, 0.36, 1.00, 0.08, 0.93),
  ]
  private static let fiveRound: [Stroke] = [
    points(
      0.84, 0.00, 0.60, 0.03, 0.36, 0.06, 0.24, 0.18, 0.22, 0.34, 0.40, 0.42, 0.64, 0.52, 0.76, 0.70, 0.66, 0.92, 0.38, 1.00,
      0.10, 0.94)
  ]
  private static let six: [Stroke] = [
    points(
      0.66, 0.00, 0.42, 0.16, 0.22, 0.42, 0.12, 0.70, 0.22, 0.93, 0.48, 1.00, 0.74, 0.90, 0.82, 0.70, 0.66, 0.54, 0.42, 0.56, 0.22, 0.70,
      0.17, 0.82)
  ]
  private static let sixSteep: [Stroke] = [
    points(
      0.44, 0.00, 0.30, 0.22, 0.20, 0.48, 0.18, 0.76, 0.30, 0.96, 0.54, 0.99, 0.74, 0.86, 0.74, 0.68, 0.58, 0.58, 0.38, 0.64, 0.22, 0.78)
  ]
  private static let seven: [Stroke] = [
    points(0.06, 0.10, 0.34, 0.07, 0.62, 0.06, 0.88, 0.04), points(0.88, 0.04, 0.72, 0.30, 0.56, 0.64, 0.46, 1.00),
  ]
  private static let sevenCrossed: [Stroke] = [
    points(0.06, 0.10, 0.34, 0.07, 0.62, 0.06, 0.88, 0.04), points(0.88, 0.04, 0.72, 0.30, 0.56, 0.64, 0.44, 1.00),
    points(0.38, 0.52, 0.60, 0.50, 0.84, 0.48),
  ]
  private static let eight: [Stroke] = [
    points(
      0.76, 0.10, 0.54, 0.00, 0.30, 0.06, 0.24, 0.24, 0.44, 0.42, 0.64, 0.58, 0.74, 0.80, 0.56, 0.98, 0.30, 0.96, 0.20, 0.78, 0.34, 0.60,
      0.58, 0.44, 0.76, 0.26, 0.74, 0.08)
  ]
  private static let eightTwoLoops: [Stroke] = [
    points(0.50, 0.00, 0.26, 0.09, 0.24, 0.32, 0.48, 0.46, 0.74, 0.32, 0.74, 0.09, 0.50, 0.00),
    points(0.48, 0.46, 0.20, 0.60, 0.18, 0.86, 0.48, 1.00, 0.78, 0.86, 0.76, 0.60, 0.48, 0.46),
  ]
  private static let nine: [Stroke] = [
    points(0.80, 0.16, 0.58, 0.01, 0.32, 0.06, 0.18, 0.26, 0.28, 0.45, 0.52, 0.44, 0.74, 0.28, 0.80, 0.16),
    points(0.80, 0.16, 0.78, 0.42, 0.72, 0.70, 0.64, 1.00),
  ]
  private static let nineCurved: [Stroke] = [
    points(0.80, 0.18, 0.60, 0.01, 0.34, 0.05, 0.20, 0.26, 0.32, 0.45, 0.58, 0.42, 0.80, 0.18),
    points(0.80, 0.18, 0.82, 0.46, 0.76, 0.76, 0.56, 0.97, 0.28, 0.98),
  ]

  private static func points(_ numbers: Double...) -> Stroke {
    stride(from: 0, to: numbers.count, by: 2).map { Point(numbers[$0], numbers[$0 + 1]) }
  }
}
