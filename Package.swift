// swift-tools-version: 6.1
import Foundation
import PackageDescription

/// An LLVM that is installed: a folder with headers and library, and the version that the headers tell.
struct LLVM {
    let folder: String, version: Int

    init?(in folder: String) {
        // What Fedora's first one includes is the second.
        let texts = ["llvm-config.h", "llvm-config-64.h"].compactMap {
            try? String(contentsOfFile: "\(folder)/include/llvm/Config/\($0)", encoding: .utf8)
        }
        let definition = "#define LLVM_VERSION_MAJOR "
        let line = texts.joined().split(separator: "\n").first { $0.hasPrefix(definition) }
        guard let version = line.flatMap({ Int($0.dropFirst(definition.count)) }) else { return nil }
        (self.folder, self.version) = (folder, version)
    }

    static let supported = 14...22
    /// Where compilers look.
    static let plainFolders = ["/usr", "/usr/local"]
    /// Where Homebrew keeps its newest.
    static let homebrewFolders = ["/opt/homebrew/opt/llvm", "/usr/local/opt/llvm"]
    /// Those, and the folder of the system's `llvm-config`, which may be a link to it.
    static let usualFolders: [String] = {
        let tool = URL(fileURLWithPath: "/usr/bin/llvm-config").resolvingSymlinksInPath()
        return plainFolders + [tool.deletingLastPathComponent().deletingLastPathComponent().path] + homebrewFolders
    }()
    /// Where Debian, Fedora, Arch and Homebrew keep a version beside others.
    static func folders(of version: Int) -> [String] {
        ["/usr/lib/llvm-\(version)", "/usr/lib64/llvm\(version)", "/usr/lib/llvm\(version)"]
            + homebrewFolders.map { "\($0)@\(version)" }
    }

    /// That of APUS_LLVM, a version or a folder; without it the usual one, else the newest. Nil if there is none at
    /// all, which CLLVM says when it is compiled: what runs programs needs none.
    static let chosen: LLVM? = {
        let choice = Context.environment["APUS_LLVM"] ?? "", number = Int(choice)
        let everywhere = usualFolders + supported.reversed().flatMap(folders(of:))
        let own = URL(fileURLWithPath: choice).standardizedFileURL.path
        let folders =
            choice.isEmpty ? everywhere : number.map { Self.folders(of: $0) + usualFolders } ?? [own]
        let found = folders.compactMap(LLVM.init(in:))
        let fitting = found.first { $0.version >= supported.lowerBound && $0.version == number ?? $0.version }
        if choice.isEmpty || fitting != nil { return fitting }
        func list(_ lines: [String]) -> String { Set(lines).sorted().map { "\n    \($0)" }.joined() }
        let installed = found + everywhere.compactMap(LLVM.init(in:))
        let message = """
            Apus needs LLVM \(supported.lowerBound) or later, with its headers (include/llvm and include/llvm-c).
            APUS_LLVM=\(choice) names none of these. Looked for it in\(list(folders))
            Installed:\(installed.isEmpty ? " none" : list(installed.map { "\($0.version) in \($0.folder)" }))
            Name one by its version or its folder, or install one: on Debian and Ubuntu, llvm-19-dev is version 19.

            """
        FileHandle.standardError.write(Data(message.utf8))
        exit(1)
    }()

    /// Where CLLVM tells SwiftPM of headers and library, if compilers do not look there: so packages that depend on
    /// Apus get that too, which flags would not do. Each version that distributions keep beside others has a folder,
    /// with a module map of its own, since by its path compilers keep what they made of a module's headers.
    var module: String? {
        let path = "Codegen/CLLVM/llvm-\(version)"
        let isKnown = (Self.folders(of: version) + Self.homebrewFolders).contains(folder)
        return isKnown && FileManager.default.fileExists(atPath: "\(Context.packageDirectory)/\(path)") ? path : nil
    }

    /// The folder, if it has to be told by flags.
    var otherFolder: String? { Self.plainFolders.contains(folder) || module != nil ? nil : folder }

    /// The library's name, with the version where a distribution names it so.
    var library: String {
        let places = ["lib", "lib64", "lib/x86_64-linux-gnu", "lib/aarch64-linux-gnu"].flatMap {
            ["\(folder)/\($0)/libLLVM-\(version).so", "\(folder)/\($0)/libLLVM-\(version).dylib"]
        }
        return places.contains(where: FileManager.default.fileExists) ? "LLVM-\(version)" : "LLVM"
    }
}

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
            dependencies: [
                "ApusDigest", "ApusFiles", "ApusSystem", "ApusIR", "ApusRuntime", "CRuntime", "ApusRuntimeTexts",
            ],
            path: "Sources/Export"),
        // Ranks on several machines; without the trait MPI there are none, and nothing of Open MPI is needed.
        .systemLibrary(
            name: "COpenMPI", path: "Sources/COpenMPI", pkgConfig: "ompi-c", providers: [.apt(["libopenmpi-dev"])]),
        .target(
            name: "CMPI", dependencies: [.target(name: "COpenMPI", condition: .when(traits: ["MPI"]))],
            path: "Sources/CMPI", cSettings: [.define("APUS_MPI", .when(traits: ["MPI"]))]),
        .target(name: "ApusMPI", dependencies: ["ApusDigest", "ApusIR", "ApusRuntime", "CMPI"], path: "Sources/MPI"),
        .systemLibrary(
            name: "CLLVM", path: LLVM.chosen?.module ?? "Codegen/CLLVM",
            pkgConfig: LLVM.chosen?.module.map { "\(Context.packageDirectory)/\($0)/llvm.pc" },
            providers: [.apt(["llvm-dev"])]),
        .target(
            name: "ApusLLVM", dependencies: ["CLLVM", "CRuntime"], path: "Codegen/LLVM",
            linkerSettings: LLVM.chosen.map { [.linkedLibrary($0.library)] }),
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

// LLVM in some other folder needs flags in all that imports it. SwiftPM takes them from the package that is built, and
// from one that it depends on by a path or a branch.
if let folder = LLVM.chosen?.otherFolder {
    for target in package.targets where target.type != .system {
        // The definition is there for compilers to tell what they made of the headers from that of other folders'.
        let headers = ["-Xcc", "-I\(folder)/include", "-Xcc", "-DAPUS_LLVM=\(folder)"]
        target.swiftSettings = (target.swiftSettings ?? []) + [.unsafeFlags(headers)]
        let library = ["-L\(folder)/lib", "-Xlinker", "-rpath", "-Xlinker", "\(folder)/lib"]
        target.linkerSettings = (target.linkerSettings ?? []) + [.unsafeFlags(library)]
    }
}

// `Scripts/fuzz` builds the readers of outside data with libFuzzer, whose `main` no other build has.
if Context.environment["APUS_FUZZ"] != nil {
    package.targets.append(
        .executableTarget(
            name: "reader-fuzzer", dependencies: ["Apus", "ApusInspection", "ApusInterchange", "MSMAE", "ToolOptions"],
            path: "Tests/Fuzzers", swiftSettings: [.unsafeFlags(["-parse-as-library"])],
            linkerSettings: [.unsafeFlags(["-sanitize=fuzzer"])]))
}
