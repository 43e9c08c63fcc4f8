import ArgumentParser
import Driver
import GraphIR
import PluginAPI

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A command of the tool; the registry holds whatever plug-ins the program was built with.
protocol ToolCommand: ParsableCommand {
  func execute(_ registry: Registry) throws
}

/// The `bitline` command line.
public enum Tool {
  /// How many faults are printed, and how long each may be: what a file says may be as long as the file.
  private static let shownFaults = 200
  private static let shownCharacters = 2000

  private static func writeFault(_ fault: Diagnostic) {
    func cut(_ text: String, _ count: Int) -> String { text.utf8.count > count ? "\(text.prefix(count)) …" : text }
    var short = fault
    short.place = fault.place.map { cut($0, shownCharacters / 4) }
    short.message = cut(fault.message, shownCharacters)
    short.hint = fault.hint.map { cut($0, shownCharacters) }
    writeError("error: \(short)\n")
  }

  /// Runs the command line of this process and ends it. Exit codes: 0 done, 1 a comparison or check failed, 2 usage, 3 something
  /// in the model is not supported, 4 a bad input file or one that cannot be written, 5 a fault of ours.
  public static func main(_ plugins: [Plugin]) -> Never {
    do {
      var command = try Bitline.parseAsRoot()
      if let command = command as? any ToolCommand { try command.execute(Registry(plugins)) } else { try command.run() }
      exit(0)
    } catch let fault as Diagnostic {
      writeFault(fault)
      exit(fault.kind.rawValue)
    } catch let faults as Diagnostics {
      for fault in faults.all.prefix(shownFaults) { writeFault(fault) }
      if faults.all.count > shownFaults { writeError("error: and \(faults.all.count - shownFaults) more\n") }
      exit(faults.kind.rawValue)
    } catch {
      let code = Bitline.exitCode(for: error)
      let message = Bitline.fullMessage(for: error)
      if code == .success {
        writeOut(message + "\n")
        exit(0)
      }
      writeError(message + "\n")
      exit(code == .validationFailure ? Diagnostic.Kind.usage.rawValue : Diagnostic.Kind.internal.rawValue)
    }
  }
}

struct Bitline: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bitline",
    abstract: "Compiles trained neural networks for in-memory-compute chips, and says what they would do there.",
    version: "0.1.0",
    subcommands: [
      CompileCommand.self, RunCommand.self, CompareCommand.self, EvaluateCommand.self, InspectCommand.self, OptCommand.self,
      ListCommand.self, DataCommand.self, ProfileCommand.self, YieldCommand.self, CalibrateCommand.self, HardwareCommand.self,
    ])
}
