import Driver
import GraphIR
import PluginAPI

extension Conformance.Stage {
  /// After the canonical passes that a registry has.
  public static func canonical(_ registry: Registry) -> Conformance.Stage {
    Conformance.Stage(Stage.canonical.rawValue) { item in
      var session = session(registry, item)
      return try session.canonical()
    }
  }

  /// After the canonical passes and those of the standard lowering for a target, calibrated on the case's own inputs.
  public static func lowered(_ registry: Registry, for target: Target?, _ options: LoweringOptions) -> Conformance.Stage {
    Conformance.Stage(Stage.lowered.rawValue) { item in
      var session = session(registry, item)
      session.calibration = [item.inputs]
      return try session.lowered(for: target, options)
    }
  }

  private static func session(_ registry: Registry, _ item: ConformanceCase) -> Session {
    Session(registry, model: ImportedModel(graph: item.graph))
  }
}
