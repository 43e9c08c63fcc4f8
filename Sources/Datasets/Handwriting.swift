/// How one hand bends a digit's shape on one occasion: slant, turn, width, and a slow waviness of the whole page.
///
/// The page is bent, not the strokes, so strokes that meet still meet.
struct Handwriting {
  private let slant: Double
  private let turn: Double
  private let width: Double
  /// Displacements at the knots of a grid over the page, interpolated between them.
  private let waves: [Point]

  private static let knots = 4

  init(_ generator: inout SeededGenerator) {
    slant = generator.bell(deviation: 0.18) + 0.08
    turn = generator.bell(deviation: 0.06)
    width = generator.uniform(0.58, 1.0)
    waves = (0..<(Self.knots * Self.knots)).map { _ in Point(generator.bell(deviation: 0.055), generator.bell(deviation: 0.045)) }
  }

  /// Where a point of the model shape comes to lie.
  func place(_ point: Point) -> Point {
    let wave = waveAt(point)
    let (x, y) = ((point.x + wave.x - 0.5) * width, point.y + wave.y - 0.5)
    let slanted = x - slant * y
    return Point(slanted - turn * y, y + turn * slanted)
  }

  private func waveAt(_ point: Point) -> Point {
    let last = Double(Self.knots - 1)
    let (gx, gy) = (min(max(point.x, 0), 1) * last, min(max(point.y, 0), 1) * last)
    let (column, row) = (min(Int(gx), Self.knots - 2), min(Int(gy), Self.knots - 2))
    let (fx, fy) = (Self.ease(gx - Double(column)), Self.ease(gy - Double(row)))
    func mixed(_ part: (Point) -> Double) -> Double {
      let corner = row * Self.knots + column
      let above = part(waves[corner]) * (1 - fx) + part(waves[corner + 1]) * fx
      let below = part(waves[corner + Self.knots]) * (1 - fx) + part(waves[corner + Self.knots + 1]) * fx
      return above * (1 - fy) + below * fy
    }
    return Point(mixed(\.x), mixed(\.y))
  }

  /// A step from 0 to 1 with level ends, so that bends have no kinks at the knots.
  private static func ease(_ t: Double) -> Double { t * t * (3 - 2 * t) }
}
