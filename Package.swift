// swift-tools-version: 6.1
import Foundation
import PackageDescription

/// The LLVM library that belongs to the installed headers: `/usr/include/llvm-c` is a link into the folder of one LLVM
/// version, such as `/usr/include/llvm-c-14/llvm-c` or `/usr/lib/llvm-14/include/llvm-c`; its number names the library.
func installedLLVMVersion() -> Int {
    let headers = URL(fileURLWithPath: "/usr/include/llvm-c").resolvingSymlinksInPath().path
    for component in headers.split(separator: "/") where component.hasPrefix("llvm-") {
        if let version = component.split(separator: "-").last.flatMap({ Int($0) }) { return version }
    }
    return 14
}

let llvmVersion = installedLLVMVersion()

/// Conditions such as `LLVM_AT_LEAST_17` for the few calls that came or changed after LLVM 14.
let llvmConditions: [SwiftSetting] = (15...19).filter { llvmVersion >= $0 }.map { .define("LLVM_AT_LEAST_\($0)") }

let package = Package(
    name: "Apus",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "Apus", targets: ["Apus"]),
        .library(name: "ApusRuntime", targets: ["ApusRuntime"]),
        .library(name: "ApusMPI", targets: ["ApusMPI"]),
        .library(name: "MSMAE", targets: ["MSMAE"]),
        .executable(name: "msmae", targets: ["msmae-tool"]),
        .executable(name: "apus", targets: ["apus-tool"]),
        .executable(name: "apus-examples", targets: ["apus-examples"]),
    ],
    traits: [.trait(name: "MPI", description: "Training on several machines by Open MPI (libopenmpi-dev).")],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
    ],
    targets: [
        // The framework, in the order of its pipeline. Arrows point to earlier rooms only.
        .target(name: "ApusDigest", path: "Sources/Digest"),
        .target(name: "ApusFiles", path: "Sources/Files"),
        // What programs need where they run, in Swift and in C: no compiler, and no library but the system's.
        .target(name: "CRuntime", path: "Sources/CRuntime", exclude: ["library", "RuntimeTexts.swift"]),
        .target(name: "ApusSystem", dependencies: ["CRuntime"], path: "Sources/System"),
        .target(name: "ApusIR", path: "Sources/IR"),
        .target(name: "ApusTransforms", dependencies: ["ApusIR"], path: "Sources/Transforms"),
        .target(name: "ApusLayers", dependencies: ["ApusIR"], path: "Sources/Layers"),
        // The files of CRuntime as texts, which a library for C is made of.
        .target(
            name: "ApusRuntimeTexts", path: "Sources/CRuntime", sources: ["RuntimeTexts.swift"],
            resources: [
                "include/apus_processor.h", "include/apus_pool.h", "include/apus_threads.h", "include/apus_sort.h",
                "include/apus_initial.h", "include/apus_memory.h", "processor.c", "pool.c", "threads.c", "sort.c",
                "initial.c", "memory.c",
                "library/apus_library.h", "library/apus_model.h", "library/apus_instance.h", "library/instance.c",
                "library/run.c", "library/weights.c", "library/main.c",
            ].map { .embedInCode($0) }),
        .target(
            name: "ApusRuntime", dependencies: ["ApusDigest", "ApusFiles", "ApusSystem", "ApusIR", "CRuntime"],
            path: "Sources/Runtime"),
        // Compiled programs as libraries for C.
        .target(
            name: "ApusExport",
            dependencies: ["ApusFiles", "ApusSystem", "ApusIR", "ApusRuntime", "CRuntime", "ApusRuntimeTexts"],
            path: "Sources/Export"),
        // Ranks on several machines; without the trait MPI there are none, and nothing of Open MPI is needed.
        .systemLibrary(
            name: "COpenMPI", path: "Sources/COpenMPI", pkgConfig: "ompi-c", providers: [.apt(["libopenmpi-dev"])]),
        .target(
            name: "CMPI", dependencies: [.target(name: "COpenMPI", condition: .when(traits: ["MPI"]))],
            path: "Sources/CMPI", cSettings: [.define("APUS_MPI", .when(traits: ["MPI"]))]),
        .target(name: "ApusMPI", dependencies: ["ApusIR", "ApusRuntime", "CMPI"], path: "Sources/MPI"),
        .systemLibrary(name: "CLLVM", path: "Codegen/CLLVM", providers: [.apt(["llvm-dev"])]),
        .target(
            name: "ApusLLVM", dependencies: ["CLLVM"], path: "Codegen/LLVM",
            swiftSettings: llvmConditions, linkerSettings: [.linkedLibrary("LLVM-\(llvmVersion)")]),
        .target(name: "ApusObjects", dependencies: ["ApusRuntime"], path: "Codegen/Objects"),
        .target(
            name: "ApusCodegen",
            dependencies: [
                "ApusDigest", "ApusSystem", "ApusIR", "ApusTransforms", "ApusRuntime", "ApusLLVM", "ApusObjects",
            ],
            path: "Codegen", exclude: ["CLLVM", "LLVM", "Objects"]),
        .systemLibrary(name: "CZlib", path: "Sources/CZlib", providers: [.apt(["zlib1g-dev"])]),
        .target(
            name: "ApusTraining",
            dependencies: [
                "ApusDigest", "ApusFiles", "ApusSystem", "ApusIR", "ApusTransforms", "ApusLayers", "ApusRuntime",
                "ApusCodegen", "CZlib",
            ],
            path: "Sources/Training"),
        .target(
            name: "CImageCodecs", path: "Sources/CImageCodecs",
            linkerSettings: ["png", "turbojpeg", "tiff", "webp"].map { .linkedLibrary($0) }),
        .target(
            name: "ApusData", dependencies: ["ApusDigest", "ApusFiles", "ApusSystem", "CImageCodecs"],
            path: "Sources/Data"),
        .target(
            name: "Apus",
            dependencies: [
                "ApusFiles", "ApusSystem", "ApusIR", "ApusTransforms", "ApusLayers", "ApusRuntime", "ApusExport",
                "ApusCodegen", "ApusTraining", "ApusData",
            ],
            path: "Sources/Apus"),

        // What command lines show of a compilation, of any graph.
        .target(name: "ApusInspection", dependencies: ["Apus"], path: "Sources/Inspection"),

        // Graphs as ONNX files and back; only command lines and tests use it.
        .target(
            name: "ApusInterchange",
            dependencies: ["ApusFiles", "ApusIR", .product(name: "SwiftProtobuf", package: "swift-protobuf")],
            path: "Sources/Interchange", exclude: ["Messages/onnx.proto"]),

        // Charts and pages, which know nothing of models; and PNG files of charts, which only command lines need.
        .target(name: "ApusReport", path: "Sources/Report"),
        .systemLibrary(
            name: "CLibrsvg", path: "Sources/CLibrsvg", pkgConfig: "cairo", providers: [.apt(["librsvg2-dev"])]),
        .target(name: "ApusRendering", dependencies: ["ApusReport", "CLibrsvg"], path: "Sources/Rendering"),

        // Random graphs, compared with the interpreter.
        .target(
            name: "ApusFuzzing", dependencies: ["ApusIR", "ApusTransforms", "ApusRuntime", "ApusLLVM", "ApusCodegen"],
            path: "Sources/Fuzzing"),

        // The reference model and the command lines.
        .target(name: "MSMAE", dependencies: ["Apus", "ApusInspection", "ApusReport"], path: "Models/MSMAE"),
        .target(
            name: "MSMAERecipes", path: "Models/Recipes",
            resources: [
                "messidor2", "btmd", "ham10000", "deeplesion", "chestxray2017", "busi", "busi-segmentation", "elpv",
                "phantom",
            ].map { .embedInCode("\($0).yaml") }),
        // Options that both command lines take.
        .target(
            name: "ToolOptions",
            dependencies: [
                "MSMAE", "MSMAERecipes", "Yams", .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Models/Tools/Options"),
        .executableTarget(
            name: "msmae-tool",
            dependencies: [
                "MSMAE", "ApusMPI", "ApusInterchange", "ToolOptions", "ApusRendering",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Models/Tools/msmae"),
        .executableTarget(
            name: "apus-tool",
            dependencies: [
                "MSMAE", "ApusInspection", "ApusInterchange", "ApusFuzzing", "ToolOptions",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Models/Tools/apus"),

        // Models to read, written against what `import Apus` gives.
        .target(name: "ApusExamples", dependencies: ["Apus"], path: "Models/Examples"),
        .executableTarget(
            name: "apus-examples",
            dependencies: [
                "ApusExamples", "ApusInspection", "ToolOptions",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Models/Tools/examples"),

        // What the tests of several rooms share, random graphs and seeded numbers among it.
        .target(name: "ApusTestSupport", dependencies: ["ApusFuzzing"], path: "Tests/Support"),
        .testTarget(name: "SystemTests", dependencies: ["ApusSystem"], path: "Tests/SystemTests"),
        .testTarget(name: "DigestTests", dependencies: ["ApusDigest"], path: "Tests/DigestTests"),
        .testTarget(
            name: "IRTests", dependencies: ["ApusIR", "ApusTestSupport"], path: "Tests/IRTests", exclude: ["Errors"]),
        .testTarget(
            name: "TransformsTests", dependencies: ["ApusTransforms", "ApusTestSupport"], path: "Tests/TransformsTests",
            exclude: ["Cases"]),
        .testTarget(name: "LayersTests", dependencies: ["ApusLayers"], path: "Tests/LayersTests"),
        .testTarget(
            name: "RuntimeTests", dependencies: ["ApusRuntime", "ApusSystem", "ApusMPI"], path: "Tests/RuntimeTests"),
        .testTarget(
            name: "LLVMTests", dependencies: ["ApusLLVM", "ApusObjects", "ApusRuntime", "ApusSystem"],
            path: "Tests/LLVMTests"),
        .testTarget(
            name: "CodegenTests",
            dependencies: ["ApusCodegen", "ApusDigest", "ApusFiles", "ApusLayers", "ApusTestSupport"],
            path: "Tests/CodegenTests", exclude: ["Cases", "Errors"]),
        .testTarget(
            name: "ExportTests", dependencies: ["Apus", "ApusLLVM", "ApusTestSupport"], path: "Tests/ExportTests",
            exclude: ["Programs"]),
        .testTarget(
            name: "FuzzingTests", dependencies: ["ApusFuzzing", "ApusCodegen", "ApusTransforms"],
            path: "Tests/FuzzingTests"),
        .testTarget(
            name: "TrainingTests", dependencies: ["Apus", "ApusTestSupport"], path: "Tests/TrainingTests",
            exclude: ["Errors"]),
        .testTarget(
            name: "InspectionTests", dependencies: ["ApusInspection", "ApusTestSupport"], path: "Tests/InspectionTests"),
        .testTarget(
            name: "InterchangeTests", dependencies: ["ApusInterchange", "Apus", "ApusExamples", "MSMAE"],
            path: "Tests/InterchangeTests"),
        .testTarget(
            name: "DataTests", dependencies: ["ApusData", "ApusFiles", "ApusSystem", "ApusTraining"],
            path: "Tests/DataTests"),
        .testTarget(name: "ToolOptionsTests", dependencies: ["ToolOptions"], path: "Tests/ToolOptionsTests"),
        .testTarget(name: "ReportTests", dependencies: ["ApusReport", "ApusRendering"], path: "Tests/ReportTests"),
        // Pages show code that is compiled and run there.
        .testTarget(
            name: "DocumentationTests", dependencies: ["Apus", "ApusInspection", "ApusLLVM"],
            path: "Tests/DocumentationTests"),
        .testTarget(name: "ExamplesTests", dependencies: ["ApusExamples"], path: "Tests/ExamplesTests"),
        .testTarget(
            name: "MSMAETests", dependencies: ["MSMAE", "ApusReport", "ApusTestSupport"], path: "Tests/MSMAETests",
            exclude: ["CompilationCounts.txt"]),
    ],
    swiftLanguageModes: [.v6]
)

// `Scripts/fuzz` builds the readers of outside data with libFuzzer, whose `main` no other build has.
if Context.environment["APUS_FUZZ"] != nil {
    package.targets.append(
        .executableTarget(
            name: "reader-fuzzer", dependencies: ["Apus", "ApusInspection", "ApusInterchange", "MSMAE", "ToolOptions"],
            path: "Tests/Fuzzers", swiftSettings: [.unsafeFlags(["-parse-as-library"])],
            linkerSettings: [.unsafeFlags(["-sanitize=fuzzer"])]))
}
