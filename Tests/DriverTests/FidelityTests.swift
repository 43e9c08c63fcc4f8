import Driver
import GraphIR
import Testing

/// What unlabelled decisions are counted as.
@Suite struct FidelityTests {
  private func scores(_ rows: [[Float]]) -> Tensor { Tensor(.float32, [rows.count, rows[0].count], rows.flatMap { $0 }) }

  @Test func aChangedDecisionCostsTheOddsOfItsTwoAnswers() {
    var fidelity = Fidelity()
    fidelity.add(original: scores([[0.5, 0.3, 0.2], [0.7, 0.2, 0.1]]), other: scores([[0.4, 0.5, 0.1], [0.4, 0.3, 0.3]]))
    fidelity.add(original: scores([[0.1, 0.2, 0.7], [0.1, 0.2, 0.7]]), other: scores([[0.1, 0.2, 0.7], [0.3, 0.3, 0.4]]))
    #expect(fidelity.samples == 4 && fidelity.agreeing == 3)
    // (0.5 - 0.3) / (0.5 + 0.3) on one sample of four.
    let each = 0.25
    #expect((fidelity.loss - 100 * each / 4).magnitude < 1e-5)
    // The variance of one such number among zeros is 0.0117; one lost half of a decision counts for more.
    #expect((fidelity.standardError - 100 * 0.5 / 4).magnitude < 1e-9)
    #expect((fidelity.cautiousLoss - fidelity.loss - 3 * fidelity.standardError).magnitude < 1e-9)
  }

  @Test func theStandardErrorIsThatOfAMean() {
    var fidelity = Fidelity()
    for _ in 0..<50 {
      fidelity.add(original: scores([[0.9, 0.1], [0.9, 0.1]]), other: scores([[0.1, 0.9], [0.9, 0.1]]))
    }
    // Half of 100 samples at 0.8, half at 0: a deviation of 0.4.
    #expect((fidelity.loss - 40).magnitude < 1e-4)
    #expect((fidelity.standardError - 100 * 0.4 / 10).magnitude < 1e-4)
  }

  @Test func logitsAreTakenAsProbabilities() {
    var fidelity = Fidelity()
    fidelity.add(original: scores([[-1, 1]]), other: scores([[1, -1]]))
    // Odds of e^2: their difference over their sum is tanh 1.
    #expect((fidelity.loss - 76.159416).magnitude < 1e-4)
    // 2 tanh 1 nats.
    #expect((fidelity.divergence - 1.52318831).magnitude < 1e-6)
  }

  @Test func equalNetworksLoseNothing() {
    var fidelity = Fidelity()
    fidelity.add(original: scores([[3, 1, 2]]), other: scores([[3, 1, 2]]))
    #expect(fidelity.loss == 0 && fidelity.divergence == 0 && fidelity.agreement == 1)
  }
}
