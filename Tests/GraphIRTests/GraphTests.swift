import GraphIR
import Testing

@Suite struct GraphTests {
  @Test func rewritingDropsWhatNobodyNeeds() throws {
    var graph = Graph(name: "g")
    let x = graph.addInput("x", TensorType(.float32, [2]))
    let unused = try graph.append1(.unary(.exp), [x], origin: "unused")
    _ = try graph.append1(.unary(.neg), [unused], origin: "unused too")
    let y = try graph.append1(.unary(.relu), [x], origin: "kept")
    graph.addOutput("y", try graph.append1(.unary(.relu), [y], origin: "doubled"))
    let new = try graph.rewritten { candidate, _, _ in candidate.node.origin == "doubled" ? candidate.operands : nil }
    #expect(new.nodes.map(\.origin) == ["kept"])
    #expect(new.inputs.count == 1)
    #expect(Verifier.faults(in: new).isEmpty)
  }

  @Test func aFreeBatchIsCarriedAndBound() throws {
    let graph = try Parser.parse(TextFormTests.sample)
    let bound = try graph.bound(batch: 7)
    #expect(bound.type(of: bound.outputs[0].value) == TensorType(.int8, [7, 12]) || bound.type(of: bound.outputs[0].value).shape[0] == 7)
    #expect(Verifier.faults(in: bound).isEmpty)
  }

  @Test(arguments: [
    ([2, 3], [3], [2, 3]), ([1], [4, 1], [4, 1]), ([-1, 3], [3], [-1, 3]), ([5, 1, 2], [4, 1], [5, 4, 2]), ([], [2], [2]),
  ])
  func broadcasting(_ a: [Int], _ b: [Int], _ result: [Int]) {
    #expect(Shape(a).broadcast(with: Shape(b)) == Shape(result))
    #expect(Shape(b).broadcast(with: Shape(a)) == Shape(result))
  }

  @Test func shapesThatDoNotFit() {
    #expect(Shape([2, 3]).broadcast(with: [2]) == nil)
    #expect(Shape.product([1 << 40, 1 << 40]) == nil)
    #expect(Shape.product([0, 1 << 62, 4]) == nil)
    #expect(Shape.product([0, 5]) == 0)
  }

  /// Operand types that an op must refuse, and words of the reason.
  @Test(arguments: [
    (Op.conv(Conv()), ["f32[1x3x8x8]", "f32[4x2x3x3]"], "channels"),
    (Op.conv(Conv()), ["f32[1x3x2x2]", "f32[4x3x3x3]"], "larger than the padded input"),
    (Op.dense(Dense()), ["f32[1x3]", "f32[4x2]"], "does not fit"),
    (Op.matmul, ["f32[2x3]", "f32[4x2]"], "inner extents"),
    (Op.binary(.add), ["f32[2]", "i32[2]"], "must agree"),
    (Op.quantize(Quantize(to: .uint8, lo: -1, hi: 9)), ["f32[2]", "f32[]"], "do not fit u8"),
    (Op.reshape(Reshape(shape: [3])), ["f32[2]"], "counts of elements differ"),
    (Op.reshape(Reshape(shape: [6])), ["f32[?x3]"], "a free batch stays"),
    (Op.transpose(Transpose(order: [1, 0])), ["f32[?x3]"], "dimension 0"),
    (Op.expand(Reshape(shape: [-1, 5])), ["f32[1x5]"], "a free batch cannot be made"),
    (Op.unary(.relu), ["bit[2]"], "does not take bit"),
    (Op.concat(AxisAttribute(axis: 0)), ["u8[9223372036854775807]", "u8[1]"], "too long"),
    (Op.rescale(Rescale()), ["i32[1x2]", "f32[3]", "f32[2]"], "not f32[2]"),
    (Op.unary(.exp), ["i32[2]"], "not a floating-point type"),
    (Op.softmax(AxisAttribute(axis: 2)), ["f32[1x2]"], "axis 2"),
    (Op.select, ["f32[2]", "f32[2]", "f32[2]"], "not bool"),
  ])
  func opsRefuseWhatDoesNotFit(_ op: Op, _ operands: [String], _ words: String) throws {
    let types = try operands.map { try TensorType(text: $0) }
    let fault = #expect(throws: Diagnostic.self) { try op.resultTypes(for: types) }
    #expect(fault?.message.contains(words) == true, "\(fault?.message ?? "")")
  }

  @Test func poolingRoundsUpByTheRuleOfOnnx() throws {
    var pool = Pool()
    pool.kernel = [3]
    pool.window = Window(strides: [2], pads: [1, 1])
    pool.roundUp = true
    // 4 inputs, padded to 6: starts at -1, 1, 3; the fourth would start in the padding.
    #expect(try Op.pool(pool).resultTypes(for: [TensorType(.float32, [1, 1, 4])])[0].shape == [1, 1, 3])
  }
}
