import Dispatch
import GraphIR

/// Makes a chip for the graph's outputs when it is first asked for one.
///
/// A class because it keeps what it made; a queue guards that.
final class ChipMaker: @unchecked Sendable {
  private let program: Program
  private let graph: Graph
  private let errors: ErrorModel
  private let draws: Draws
  private let queue = DispatchQueue(label: "bitline.imc.chip")
  private var plan: Plan?
  private var made: MadeChip??

  init(_ program: Program, _ graph: Graph, errors: ErrorModel, draws: Draws, plan: Plan? = nil) {
    (self.program, self.graph, self.errors, self.draws, self.plan) = (program, graph, errors, draws, plan)
  }

  /// nil for a graph that no plan takes.
  var chip: MadeChip? {
    queue.sync {
      if let made { return made }
      plan = plan ?? Plan(program, graph, wanted: graph.outputs.map(\.value))
      let chip = plan.map { MadeChip($0, program, errors: errors, draws: draws) }
      made = .some(chip)
      return chip
    }
  }
}
