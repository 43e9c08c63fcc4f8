import GraphIR

/// How a resized element is made of those of the input.
struct ResizeRule {
  enum Mode: String { case nearest, linear, cubic }

  enum Coordinates: String {
    case halfPixel = "half_pixel"
    case halfPixelSymmetric = "half_pixel_symmetric"
    case pytorchHalfPixel = "pytorch_half_pixel"
    case alignCorners = "align_corners"
    case asymmetric
    case halfPixelForNearest = "tf_half_pixel_for_nn"
    case cropAndResize = "tf_crop_and_resize"
  }

  var mode = Mode.nearest
  var coordinates = Coordinates.halfPixel
  var rounding = "round_prefer_floor"
  var cubicFactor = -0.75
  var excludesOutside = false
  var isAntialiased = false
  /// What stands beyond the region of `cropAndResize`.
  var outsideValue: Float = 0
  /// The region of `cropAndResize`, by axis, as parts of the extent.
  var starts: [Double] = []
  var ends: [Double] = []

  init(_ node: ImportedNode) throws {
    let attributes = node.attributes
    mode = try ResizeRule.word(node, "mode", Mode.nearest)
    coordinates = try ResizeRule.word(node, "coordinate_transformation_mode", Coordinates.halfPixel)
    rounding = attributes.string("nearest_mode", default: "round_prefer_floor")
    guard ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"].contains(rounding) else {
      throw Diagnostic(.badInput, "attribute 'nearest_mode' is '\(rounding)'")
    }
    cubicFactor = Double(attributes.float("cubic_coeff_a", default: -0.75))
    excludesOutside = try attributes.flag("exclude_outside", default: false)
    isAntialiased = try attributes.flag("antialias", default: false)
    outsideValue = attributes.float("extrapolation_value", default: 0)
  }

  /// Version 10 does not say how it rounds: its test data and onnxruntime round down where an axis grows, and up where it shrinks.
  private static let roundingOfVersion10 = "floor, ceil when shrinking"

  /// The one rule of older versions.
  init(asymmetric node: ImportedNode) throws {
    let word = node.attributes.string("mode", default: "nearest")
    mode = word == "bilinear" ? .linear : try ResizeRule.word(node, "mode", Mode.nearest)
    guard mode != .cubic else { throw Diagnostic(.badInput, "attribute 'mode' is 'cubic'") }
    coordinates = .asymmetric
    rounding = node.version == 10 ? ResizeRule.roundingOfVersion10 : "floor"
  }

  private static func word<Word: RawRepresentable>(_ node: ImportedNode, _ name: String, _ fallback: Word) throws -> Word
  where Word.RawValue == String {
    let word = node.attributes.string(name, default: fallback.rawValue)
    guard let known = Word(rawValue: word) else { throw Diagnostic(.badInput, "attribute '\(name)' is '\(word)'") }
    return known
  }

  /// Whether an axis changes though its extent does not.
  func crops(_ axis: Int) -> Bool { coordinates == .cropAndResize && (starts[axis] != 0 || ends[axis] != 1) }

  /// The place in the input that a place in the result shows.
  func source(of place: Int, axis: Int, extent: Int, result: Int, scale: Double) -> Double {
    let position = Double(place)
    let length = scale * Double(extent)
    switch coordinates {
    case .asymmetric: return position / scale
    case .halfPixel: return (position + 0.5) / scale - 0.5
    case .halfPixelForNearest: return (position + 0.5) / scale
    case .pytorchHalfPixel: return length == 1 ? -0.5 : (position + 0.5) / scale - 0.5
    case .alignCorners: return length == 1 ? 0 : position * Double(extent - 1) / (length - 1)
    case .halfPixelSymmetric: return Double(extent) / 2 * (1 - Double(result) / length) + (position + 0.5) / scale - 0.5
    case .cropAndResize:
      let last = Double(extent - 1)
      let span = (ends[axis] - starts[axis]) * last
      return starts[axis] * last + (length == 1 ? span / 2 : position * span / (length - 1))
    }
  }

  /// The element of the input that is nearest.
  func nearest(_ exact: Double, extent: Int, scale: Double) -> Int {
    let rounded =
      switch rounding {
      case ResizeRule.roundingOfVersion10: exact.rounded(scale < 1 ? .up : .down)
      case "floor": exact.rounded(.down)
      case "ceil": exact.rounded(.up)
      case "round_prefer_ceil": (exact + 0.5).rounded(.down)
      default: (exact - 0.5).rounded(.up)
      }
    return Int(min(max(rounded, 0), Double(extent - 1)))
  }

  /// The factor of an element at a distance, before all are made to add up to 1.
  func weight(at distance: Double) -> Double {
    let x = distance.magnitude
    switch mode {
    case .nearest: return x == 0 ? 1 : 0
    case .linear: return max(1 - x, 0)
    case .cubic:
      let a = cubicFactor
      if x <= 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
      return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0
    }
  }
}

/// What the elements along one axis of a resized tensor are made of.
struct ResizedAxis {
  let axis: Int
  /// For each element: which of the input's, and by what factor.
  private(set) var taps: [[(index: Int, weight: Double)]] = []
  /// Whether an element shows what is beyond the region.
  private(set) var isOutside: [Bool] = []

  /// Whether each element is one of the input's.
  var isPlain: Bool { taps.allSatisfy { $0.count == 1 && $0[0].weight == 1 } }

  init(_ rule: ResizeRule, axis: Int, extent: Int, to result: Int, scale: Double) throws {
    guard extent > 0, (1...1 << 24).contains(result) else {
      throw Diagnostic(.badInput, "an axis of \(extent) cannot be resized to \(result)")
    }
    self.axis = axis
    // An antialiasing filter is stretched over as many elements as one of the result covers.
    let stretch = rule.isAntialiased ? max(1 / scale, 1) : 1
    let reach = (rule.mode == .cubic ? 2 : 1) * stretch
    guard Double(result) * (2 * reach + 1) <= Double(placeTableLimit) else { throw Diagnostic(.unsupported, "an axis of \(result)") }
    for place in 0..<result {
      let exact = rule.source(of: place, axis: axis, extent: extent, result: result, scale: scale)
      let isInside = exact >= 0 && exact <= Double(extent - 1)
      isOutside.append(rule.coordinates == .cropAndResize && !isInside)
      taps.append(
        rule.mode == .nearest
          ? [(rule.nearest(exact, extent: extent, scale: scale), 1)]
          : ResizedAxis.taps(rule, at: exact, extent: extent, reach: reach, stretch: stretch))
    }
  }

  private static func taps(_ rule: ResizeRule, at exact: Double, extent: Int, reach: Double, stretch: Double) -> [(
    index: Int, weight: Double
  )] {
    // Beyond the input by more than the filter reaches, all is the border.
    let center = min(max(exact, -2 * reach - 2), Double(extent) + 2 * reach + 2)
    let width = 2 * Int(reach.rounded(.up))
    let first = Int(center.rounded(.down)) - width / 2 + 1
    var taps = (first..<first + width).map { place -> (index: Int, weight: Double) in
      let isOutside = place < 0 || place >= extent
      let weight = rule.excludesOutside && isOutside ? 0 : rule.weight(at: (Double(place) - center) / stretch)
      return (min(max(place, 0), extent - 1), weight)
    }
    let sum = taps.reduce(0) { $0 + $1.weight }
    if (rule.excludesOutside || rule.isAntialiased) && sum != 0 { for index in taps.indices { taps[index].weight /= sum } }
    return taps
  }
}
