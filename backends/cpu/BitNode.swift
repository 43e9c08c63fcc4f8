import GraphIR

/// A node whose result is bits: codes of which every one is -1 or +1.
///
/// ```
/// %p = binary_conv %q                      %q: -1 or +1
/// %y = rescale %p
/// %m = pool max %y
/// %b = mul %m, <channel>
/// %a = add %b, <channel>                   %r = layer %q: by the sums' thresholds
/// %s = select (%a >= 0), 1, -1   becomes   %t = pool %r
/// %t = quantize %s
/// ```
///
/// Thresholds are found with the reference's own arithmetic, so that bits are the reference's codes.
enum BitNode: Sendable {
  /// Of numbers.
  case pack(Crossings<Float>)
  /// Of the sums of a binary layer of bits.
  case layer(Crossings<Int>)
  /// Of bits: by channel, whether it is the minimum instead of the maximum.
  case pool(isMinimum: [Bool])
}

/// Where codes change while a number rises, by channel: below `from` it has the first code, from `to` on the last. In between are few numbers,
/// or none, of a third.
struct Crossings<Number: Comparable & Sendable>: Sendable {
  var from: [Number]
  var to: [Number]
  /// Whether the code rises from -1 to +1; else it falls.
  var rises: [Bool]
}

/// Some number of a network has a code beside -1 and +1 after all: a zero that `sign` was given, or one that is infinite or none. The run has to start
/// anew, without bits.
struct ThirdValue: Error {}

extension Shape {
  /// Words of bits of the channels of a position.
  var channelWords: Int { (self[1] + 63) / 64 }
}
