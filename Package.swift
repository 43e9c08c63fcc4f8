// swift-tools-version: 6.0
import PackageDescription

/// Every target of the house: its name, its room, and the arrows out of it.
/// No plug-in depends on another plug-in; `make check-imports` holds that wall.
func room(_ name: String, _ path: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = []) -> Target {
  .target(name: name, dependencies: dependencies, path: path, exclude: exclude, swiftSettings: swiftSettings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
  .testTarget(name: name, dependencies: dependencies, path: "Tests/\(name)", exclude: exclude, swiftSettings: swiftSettings)
}

let swiftSettings: [SwiftSetting] = [.swiftLanguageMode(.v6)]
let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

let hardwareFiles = [
  "c3sram", "cap-ram", "colonnade", "conv-ram-isscc2018", "conv-sram-jssc2019", "dong-7nm", "ideal", "jia-65nm", "processor-65nm-int8",
  "processor-65nm-int8x8", "valavi-65nm", "xnor-sram",
]

let plugins: [Target.Dependency] = [
  "OnnxFrontend", "TextFrontend",
  "CanonicalizePasses", "BinarizePasses", "QuantizePasses", "TilePasses",
  "BaselineBackend", "CPUBackend", "IMCBackend", "NullBackend",
]

let package = Package(
  name: "bitline",
  platforms: [.macOS(.v14)],
  products: [
    .executable(name: "bitline", targets: ["bitline"]),
    .library(name: "BitlineAPI", targets: ["GraphIR", "ReferenceKernels", "PluginAPI", "Hardware", "Driver", "Tool"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
  ],
  targets: [
    // The language and its meaning.
    room("GraphIR", "Sources/GraphIR"),
    room("ReferenceKernels", "Sources/ReferenceKernels", ["GraphIR"]),
    room("PluginAPI", "Sources/PluginAPI", ["GraphIR"]),
    .systemLibrary(
      name: "CYAML", path: "Sources/CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"]), .brew(["libyaml"])]),
    .target(
      name: "Hardware", dependencies: ["GraphIR", "PluginAPI", "CYAML"], path: "Sources/Hardware",
      resources: hardwareFiles.map { .embedInCode("../../hardware/\($0).yaml") },
      swiftSettings: swiftSettings),

    // Plug-ins.
    .systemLibrary(
      name: "CProtobufC", path: "Sources/CProtobufC", pkgConfig: "libprotobuf-c",
      providers: [.apt(["libprotobuf-c-dev"]), .brew(["protobuf-c"])]),
    .target(name: "COnnxSchema", dependencies: ["CProtobufC"], path: "frontends/onnx/schema", exclude: ["onnx.proto"]),
    room("OnnxFrontend", "frontends/onnx", ["GraphIR", "ReferenceKernels", "PluginAPI", "COnnxSchema"], exclude: ["schema"]),
    room("TextFrontend", "frontends/text", ["GraphIR", "PluginAPI"]),
    room("CanonicalizePasses", "passes/canonicalize", ["GraphIR", "ReferenceKernels", "PluginAPI"]),
    room("Calibration", "passes/calibration", ["GraphIR", "PluginAPI"]),
    .target(name: "CBinarizeKernels", path: "passes/binarize/kernels"),
    room(
      "BinarizePasses", "passes/binarize", ["GraphIR", "ReferenceKernels", "PluginAPI", "Calibration", "CBinarizeKernels"],
      exclude: ["kernels"]),
    room("QuantizePasses", "passes/quantize", ["GraphIR", "PluginAPI", "Calibration"]),
    room("TilePasses", "passes/tile", ["GraphIR", "ReferenceKernels", "PluginAPI", "Calibration"]),
    room("BaselineBackend", "backends/baseline", ["GraphIR", "ReferenceKernels", "PluginAPI", "Hardware"]),
    .target(name: "CCPUKernels", path: "backends/cpu/kernels"),
    room("CPUBackend", "backends/cpu", ["GraphIR", "ReferenceKernels", "PluginAPI", "CCPUKernels"], exclude: ["kernels"]),
    .target(name: "CIMCKernels", path: "backends/imc/kernels"),
    room("IMCBackend", "backends/imc", ["GraphIR", "ReferenceKernels", "PluginAPI", "Hardware", "CIMCKernels"], exclude: ["kernels"]),
    room("NullBackend", "backends/null", ["GraphIR", "PluginAPI"]),

    // What drives them.
    .systemLibrary(name: "CZlib", path: "Sources/CZlib", providers: [.apt(["zlib1g-dev"])]),
    room("Datasets", "Sources/Datasets", ["GraphIR", "PluginAPI", "CZlib"]),
    room("Driver", "Sources/Driver", ["GraphIR", "ReferenceKernels", "PluginAPI", "Datasets"]),
    room("Conformance", "Sources/Conformance", ["GraphIR", "ReferenceKernels", "PluginAPI", "Driver"]),
    room("Tool", "Sources/Tool", ["GraphIR", "ReferenceKernels", "PluginAPI", "Hardware", "Datasets", "Driver", argumentParser]),
    .executableTarget(
      name: "bitline", dependencies: ["Tool", "PluginAPI", "Datasets"] + plugins, path: "Sources/bitline",
      swiftSettings: swiftSettings),

    // Tests.
    room("TestNetworks", "Tests/TestNetworks", ["GraphIR", "PluginAPI"]),
    tests("GraphIRTests", ["GraphIR"]),
    tests("OnnxFrontendTests", ["GraphIR", "PluginAPI", "ReferenceKernels", "OnnxFrontend"]),
    tests("CPUBackendTests", ["CPUBackend", "CCPUKernels", "GraphIR", "PluginAPI", "ReferenceKernels"]),
    tests("ReferenceKernelsTests", ["GraphIR", "ReferenceKernels"]),
    tests("ConformanceTests", ["Conformance", "Driver", "GraphIR", "PluginAPI", "ReferenceKernels"] + plugins),
    tests("HardwareTests", ["Hardware", "GraphIR", "PluginAPI"]),
    tests("IMCBackendTests", ["IMCBackend", "CIMCKernels", "Hardware", "GraphIR", "PluginAPI", "ReferenceKernels", "TestNetworks"]),
    tests("BaselineBackendTests", ["BaselineBackend", "Hardware", "GraphIR", "PluginAPI", "ReferenceKernels", "TestNetworks"]),
    tests("ToolTests", ["bitline", "Datasets", "GraphIR", "OnnxFrontend"]),
    tests("DriverTests", ["Driver", "GraphIR", "PluginAPI", "ReferenceKernels"]),
    tests("DatasetsTests", ["Datasets", "GraphIR", "PluginAPI", "CZlib"]),
    tests(
      "PassesTests",
      [
        "GraphIR", "ReferenceKernels", "PluginAPI", "Calibration", "CanonicalizePasses", "BinarizePasses", "CBinarizeKernels",
        "QuantizePasses", "TilePasses",
      ]),
  ]
)
