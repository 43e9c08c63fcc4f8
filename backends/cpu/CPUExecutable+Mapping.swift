import CCPUKernels
import GraphIR
import PluginAPI

extension CPUExecutable {
  var mapping: Table? {
    var table = Table(
      "kernels at level \(plan.settings.level)", columns: ["layer", "op", "kernel", "packed bytes", "result bytes per sample"],
      notes: [
        "planned memory: \(plan.sampleMemory.bytes) bytes for each sample of a chunk"
          + " (\(plan.sampleMemory.unsharedBytes) if no values shared memory)"
          + (plan.fixedMemory.bytes > 0 ? ", and \(plan.fixedMemory.bytes) bytes whatever the batch" : ""),
        plan.split == nil ? "the batch runs whole: some op mixes samples" : "samples in a chunk: at most \(plan.chunk)",
      ])
    for (planned, step) in zip(plan.nodes, plan.steps) {
      table.rows.append([
        .text(graph[planned.id].origin), .text(planned.isConversion ? "layout" : planned.node.op.name), .text(step.kernel),
        .int(step.packedBytes), plan.places[Int(planned.node.results[0].index)].map { .int($0.byteCount) } ?? .none,
      ])
    }
    if let times { addTimes(times, to: &table) }
    return table
  }

  /// Columns of measured time, when there has been a run with option `profile`.
  private func addTimes(_ times: StepTimes, to table: inout Table) {
    let medians = plan.steps.indices.map { times.median($0) }
    guard medians.contains(where: { $0 != nil }) else { return }
    let (peak, stream) = (bitline_peak_f32(plan.settings.level.isa) * 1e-9, bitline_peak_read() * 1e-9)
    table.columns += ["us per sample", "GMAC/s", "% of f32 peak", "bytes moved", "% of memory's rate"]
    var total = 0.0
    for (row, planned) in plan.nodes.enumerated() {
      let seconds = medians[row] ?? 0
      total += seconds
      let macs = planned.macs / (plan.split?.extent ?? 1)
      let rate = seconds > 0 ? Double(macs) / seconds * 1e-9 : 0
      let moved = (planned.node.operands + planned.node.results).reduce(plan.steps[row].packedBytes) {
        $0 + (plan.places[Int($1.index)]?.byteCount ?? 0)
      }
      table.rows[row] += [
        .number(seconds * 1e6, digits: 2), macs == 0 ? .none : .number(rate, digits: 1),
        macs == 0 ? .none : .number(100 * rate / peak, digits: 0), .int(moved),
        seconds > 0 && stream > 0 ? .number(100 * Double(moved) / seconds * 1e-9 / stream, digits: 0) : .none,
      ]
    }
    table.notes.append("sum of steps: \(Int((total * 1e6).rounded())) us per sample, median of each step")
    table.notes.append(
      "roofline of one core, measured: \(Int(peak.rounded())) GMAC/s in f32, \(Int(stream.rounded())) GB/s read from memory;"
        + " Winograd and integer kernels may exceed the one, what lies in caches the other")
  }
}
