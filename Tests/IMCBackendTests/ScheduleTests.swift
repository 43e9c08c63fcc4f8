import GraphIR
import IMCBackend
import PluginAPI
import TestNetworks
import Testing

/// Schedules that a chip could follow: checked by a validator that knows nothing of how they were made.
@Suite struct ScheduleTests {
  @Test(arguments: [1, 2, 3, 5, 64, 1000]) func textbookLeNet(_ macros: Int) throws {
    let backend = IMCBackend()
    #expect(try backend.scheduleFaults(of: Networks.textbookLeNet(), options(backend, [("macros", "\(macros)")])) == [])
    #expect(try backend.scheduleFaults(of: Networks.streamedLast(), options(backend, [("macros", "\(macros)")])) == [])
  }

  @Test(arguments: 0..<40) func randomLayers(_ seed: Int) throws {
    let backend = IMCBackend()
    #expect(try backend.scheduleFaults(of: Networks.random(seed: seed), options(backend, [("macros", "\(1 + seed % 3)")])) == [])
  }
}
