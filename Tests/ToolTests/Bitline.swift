import Foundation
import Testing

/// Runs the program under test as users do.
struct Bitline {
  struct Outcome {
    let status: Int32
    let output: String
    let error: String
    /// Whether the program ended by a signal.
    let crashed: Bool
  }

  /// The repository's root.
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// The program stands beside the test runner.
  private static var program: URL {
    URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath().deletingLastPathComponent().appendingPathComponent("bitline")
  }

  static func run(
    _ arguments: [String], input: String? = nil, in folder: URL = root, environment: [String: String] = [:]
  ) throws -> Outcome {
    try run(program, arguments, input: input, in: folder, environment: environment)
  }

  /// Runs the program within a second of the processor's time and 100 MB beside what the program and its libraries take themselves.
  static func limited(_ arguments: [String]) throws -> Outcome {
    let script = "ulimit -v 180000; ulimit -t 1; ulimit -c 0; exec \"$0\" \"$@\""
    return try run(URL(fileURLWithPath: "/bin/sh"), ["-c", script, program.path] + arguments, input: nil, in: root)
  }

  /// Runs a script of the shell, which has the program as `$0` and its arguments as `$@`.
  static func shell(_ script: String, _ arguments: [String]) throws -> Outcome {
    try run(URL(fileURLWithPath: "/bin/sh"), ["-c", script, program.path] + arguments, input: nil, in: root)
  }

  private static func run(
    _ program: URL, _ arguments: [String], input: String?, in folder: URL, environment: [String: String] = [:]
  ) throws -> Outcome {
    let process = Process()
    if !environment.isEmpty { process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 } }
    process.executableURL = program
    process.arguments = arguments
    process.currentDirectoryURL = folder
    let (out, err, into) = (Pipe(), Pipe(), Pipe())
    process.standardOutput = out
    process.standardError = err
    process.standardInput = into
    try process.run()
    if let input { into.fileHandleForWriting.write(Data(input.utf8)) }
    into.fileHandleForWriting.closeFile()
    // Standard error is read on another thread, so that neither pipe can fill up while the other is waited for.
    nonisolated(unsafe) var errorData = Data()
    let group = DispatchGroup()
    DispatchQueue.global().async(group: group) { errorData = err.fileHandleForReading.readDataToEndOfFile() }
    let data = out.fileHandleForReading.readDataToEndOfFile()
    group.wait()
    process.waitUntilExit()
    return Outcome(
      status: process.terminationStatus, output: String(decoding: data, as: UTF8.self), error: String(decoding: errorData, as: UTF8.self),
      crashed: process.terminationReason == .uncaughtSignal)
  }

  /// A fresh folder for one test.
  static func folder() throws -> URL {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("bitline-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    return folder
  }
}
