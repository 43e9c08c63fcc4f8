import Driver
import GraphIR
import Testing

/// What unlabelled decisions are counted as.
@Suite struct FidelityTests {
  private func scores(_ rows: [[Float]]) -> Tensor { Tensor(.float32, [rows.count, rows[0].count], rows.flatMap { $0 }) }

  @Test func aChangedDecisionCostsTheSquaredOddsOfItsTwoAnswers() {
    var fidelity = Fidelity()
    fidelity.add(original: scores([[0.5, 0.3, 0.2], [0.7, 0.2, 0.1]]), other: scores([[0.4, 0.5, 0.1], [0.4, 0.3, 0.3]]))
    fidelity.add(original: scores([[0.1, 0.2, 0.7], [0.1, 0.2, 0.7]]), other: scores([[0.1, 0.2, 0.7], [0.3, 0.3, 0.4]]))
    #expect(fidelity.samples == 4 && fidelity.agreeing == 3)
    // (0.25 - 0.09) / (0.25 + 0.09) on one sample of four.
    let each = 0.16 / 0.34
    #expect((fidelity.loss - 100 * each / 4).magnitude < 1e-5)
    // The deviation of one such number among zeros is 0.204, over the root of 4; one lost half of a decision counts for more.
    #expect((fidelity.standardError - 100 * 0.5 / 4).magnitude < 1e-9)
    #expect((fidelity.cautiousLoss - fidelity.loss - 3 * fidelity.standardError).magnitude < 1e-9)
  }

  @Test func theStandardErrorIsThatOfAMean() {
    var fidelity = Fidelity()
    for _ in 0..<50 {
      fidelity.add(original: scores([[0.9, 0.1], [0.9, 0.1]]), other: scores([[0.1, 0.9], [0.9, 0.1]]))
    }
    // Half of 100 samples at 0.80 / 0.82, half at 0: the deviation is half of that.
    #expect((fidelity.loss - 50 * 0.8 / 0.82).magnitude < 1e-4)
    #expect((fidelity.standardError - 50 * 0.8 / 0.82 / 10).magnitude < 1e-4)
  }

  @Test func logitsAreTakenAsProbabilities() {
    var fidelity = Fidelity()
    fidelity.add(original: scores([[-1, 1]]), other: scores([[1, -1]]))
    // Odds of e^2, squared: their difference over their sum is tanh 2.
    #expect((fidelity.loss - 96.402758).magnitude < 1e-4)
    // 2 tanh 1 nats.
    #expect((fidelity.divergence - 1.52318831).magnitude < 1e-6)
  }

  @Test func equalNetworksLoseNothing() {
    var fidelity = Fidelity()
    fidelity.add(original: scores([[3, 1, 2]]), other: scores([[3, 1, 2]]))
    #expect(fidelity.loss == 0 && fidelity.divergence == 0 && fidelity.agreement == 1)
  }
}
