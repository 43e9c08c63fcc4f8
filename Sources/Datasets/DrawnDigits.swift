/// Digits that this program draws: 28 x 28 grey, white on black, strokes of a round pen, each a little different in shape, shift, slant,
/// width, thickness and steadiness. **Drawn digits, not MNIST**: they need no download, and an accuracy on them says nothing about MNIST.
///
/// They are framed as MNIST's are (the digit fits 20 x 20 pixels and stands with its centre of mass in the middle, give or take a shift of
/// half a pixel), so a network trained on MNIST reads them. Digit `index` depends on the seed and the index alone. Arithmetic is integer,
/// + - x / and square root on doubles, all exactly rounded, so every machine draws the same bytes. Cost: some 25 microseconds a digit.
public struct DrawnDigits: Sendable {
  /// Pixels on each side.
  public static let side = 28
  /// The seed where none is said.
  public static let usualSeed: UInt64 = 1
  /// How many may be asked for at once.
  static let counts = 1...100_000

  /// The size of the box that holds the digit, in pixels, as in MNIST.
  private static let box = 20.0
  private static let piecesPerCurve = 6

  /// Decides every digit.
  public let seed: UInt64

  /// Digits under a seed.
  public init(seed: UInt64) { self.seed = seed }

  /// What digit `index` shows: 0 to 9 in turn.
  public func label(of index: Int) -> Int { index % 10 }

  /// The pixels of digit `index`, row by row.
  public func pixels(of index: Int) -> [UInt8] {
    var generator = SeededGenerator(seed: seed, stream: UInt64(index))
    let variants = DigitShapes.variants(of: label(of: index))
    let shape = variants[generator.choice(of: variants.count)]
    let hand = Handwriting(&generator)
    let radius = generator.uniform(0.75, 1.85)
    let shift = Point(generator.uniform(-0.5, 0.5), generator.uniform(-0.5, 0.5))
    let size = generator.uniform(0.92, 1) * Self.box
    let strokes = Self.fitted(shape.map { Self.curve(through: $0.map(hand.place)) }, size: size - 2 * radius)
    let middle = Double(Self.side) / 2
    let centre = Self.drawn(strokes, radius: radius, at: Point(middle, middle)).centreOfMass
    let place = Point(2 * middle - centre.x + shift.x, 2 * middle - centre.y + shift.y)
    return Self.drawn(strokes, radius: radius, at: place).bytes
  }

  /// Strokes scaled so that the longer side of their box is `size`, with the box's middle at 0.
  private static func fitted(_ strokes: [[Point]], size: Double) -> [[Point]] {
    let points = strokes.joined()
    let (left, right) = extent(points.map(\.x))
    let (top, bottom) = extent(points.map(\.y))
    let scale = size / max(right - left, bottom - top)
    let middle = Point((left + right) / 2, (top + bottom) / 2)
    return strokes.map { $0.map { Point(($0.x - middle.x) * scale, ($0.y - middle.y) * scale) } }
  }

  private static func extent(_ numbers: [Double]) -> (Double, Double) {
    numbers.reduce((.infinity, -.infinity)) { (min($0.0, $1), max($0.1, $1)) }
  }

  private static func drawn(_ strokes: [[Point]], radius: Double, at place: Point) -> PenCanvas {
    var canvas = PenCanvas(side: side)
    for stroke in strokes {
      for (a, b) in zip(stroke, stroke.dropFirst()) {
        canvas.draw(from: Point(a.x + place.x, a.y + place.y), to: Point(b.x + place.x, b.y + place.y), radius: radius)
      }
    }
    return canvas
  }

  /// A Catmull-Rom curve through the points, as straight pieces.
  private static func curve(through points: [Point]) -> [Point] {
    var curve = [points[0]]
    for index in points.indices.dropLast() {
      let (a, b) = (points[index], points[index + 1])
      let (before, after) = (points[max(index - 1, 0)], points[min(index + 2, points.count - 1)])
      for piece in 1...piecesPerCurve {
        let t = Double(piece) / Double(piecesPerCurve)
        curve.append(Point(between(before.x, a.x, b.x, after.x, t), between(before.y, a.y, b.y, after.y, t)))
      }
    }
    return curve
  }

  private static func between(_ p0: Double, _ p1: Double, _ p2: Double, _ p3: Double, _ t: Double) -> Double {
    let linear = p2 - p0
    let square = 2 * p0 - 5 * p1 + 4 * p2 - p3
    let cube = 3 * p1 - 3 * p2 + p3 - p0
    return 0.5 * (2 * p1 + linear * t + square * t * t + cube * t * t * t)
  }
}
