import GraphIR
import PluginAPI

/// How codes are chosen for the input of a binary layer: options that `quantize` and `binarize` share.
package struct CodeSettings {
  /// Where the range of codes ends, when only data tells.
  package enum RangeMethod: String, CaseIterable {
    /// At the largest magnitude.
    case max
    /// Where the mean squared error is least.
    case error
    /// At a share of all magnitudes.
    case percentile
    /// Where the codes' distribution tells least apart from the data's (Kullback-Leibler).
    case kl
  }

  /// The largest magnitude of a code.
  package var largest: Int
  package var isSigned: Bool?
  package var method: RangeMethod
  package var percentile: Double
  package var inputRange: ValueRange?

  /// The options, in the order in which help lists them.
  package static let specs: [OptionSpec] = [
    OptionSpec("bits", .int(1...8), default: nil, "bits of a code's magnitude; what the target takes, or 6, when absent"),
    OptionSpec(
      "signed", .word(["auto", "true", "false"]), default: "auto", "codes of both signs; auto: where a range has negative numbers"),
    OptionSpec(
      "range", .word(RangeMethod.allCases.map(\.rawValue)), default: nil,
      "where codes end by calibration data: max, least squared error, percentile, kl; error when absent, percentile where one is given"),
    OptionSpec("percentile", .number, default: nil, "the share of calibration magnitudes that codes cover, in percent; 99.99 when absent"),
    OptionSpec("input-range", .text, default: nil, "lo:hi, what the graph's inputs keep to; 0:1 where codes of the model need it"),
  ]

  package init(_ context: PassContext) throws {
    let options = context.options
    largest = options[int: "bits"].map { (1 << $0) - 1 } ?? context.target?.largestCode ?? 63
    isSigned = options[text: "signed"].flatMap { $0 == "auto" ? nil : $0 == "true" }
    percentile = options[number: "percentile"] ?? 99.99
    method = options[text: "range"].flatMap(RangeMethod.init) ?? (options[number: "percentile"] == nil ? .error : .percentile)
    guard percentile > 0 && percentile <= 100 else {
      throw Diagnostic(.usage, "a percentile of \(percentile) is not a share", hint: "more than 0, at most 100")
    }
    if let text = options[text: "input-range"] {
      let ends = text.split(separator: ":").compactMap { Float(String($0)) }
      guard ends.count == 2, ends[0] < ends[1], ends.allSatisfy(\.isFinite) else {
        throw Diagnostic(.usage, "'\(text)' is not a range", hint: "write input-range=lo:hi, such as 0:1")
      }
      inputRange = ValueRange(lo: ends[0], hi: ends[1])
    }
  }
}
