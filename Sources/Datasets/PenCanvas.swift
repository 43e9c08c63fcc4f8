/// A grey page on which round-nibbed pens draw, antialiased: white on black, 0 to 1.
struct PenCanvas {
  let side: Int
  private(set) var ink: [Double]

  init(side: Int) {
    self.side = side
    ink = [Double](repeating: 0, count: side * side)
  }

  /// Draws a straight piece of a stroke. Coordinates are in pixels, the first pixel's centre at 0.5; parts off the page are cut.
  ///
  /// A pixel takes the ink that its distance from the pen's edge says, over one pixel; where pieces overlap, the darker wins.
  mutating func draw(from a: Point, to b: Point, radius: Double) {
    let reach = radius + 0.5
    let columns = visible(min(a.x, b.x) - reach, max(a.x, b.x) + reach)
    for row in visible(min(a.y, b.y) - reach, max(a.y, b.y) + reach) {
      for column in columns {
        let distance = PenCanvas.distance(from: Point(Double(column) + 0.5, Double(row) + 0.5), toPiece: a, b)
        let coverage = min(max(reach - distance, 0), 1)
        ink[row * side + column] = max(ink[row * side + column], coverage)
      }
    }
  }

  /// The centre of mass of the ink, in pixels; the middle of an empty page.
  var centreOfMass: Point {
    var (mass, x, y) = (0.0, 0.0, 0.0)
    for row in 0..<side {
      for column in 0..<side {
        let weight = ink[row * side + column]
        mass += weight
        x += weight * (Double(column) + 0.5)
        y += weight * (Double(row) + 0.5)
      }
    }
    return mass > 0 ? Point(x / mass, y / mass) : Point(Double(side) / 2, Double(side) / 2)
  }

  /// The page as bytes, rounded to nearest.
  var bytes: [UInt8] { ink.map { UInt8($0 * 255 + 0.5) } }

  private func visible(_ low: Double, _ high: Double) -> Range<Int> {
    let first = Int(min(max(low, 0), Double(side)))
    return first..<max(first, Int(min(max(high + 1, 0), Double(side))))
  }

  private static func distance(from point: Point, toPiece a: Point, _ b: Point) -> Double {
    let (dx, dy) = (b.x - a.x, b.y - a.y)
    let (px, py) = (point.x - a.x, point.y - a.y)
    let length = dx * dx + dy * dy
    let along = length > 0 ? min(max((px * dx + py * dy) / length, 0), 1) : 0
    let (ex, ey) = (px - along * dx, py - along * dy)
    return (ex * ex + ey * ey).squareRoot()
  }
}
