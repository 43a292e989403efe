import Apus
import Foundation
import Testing

/// What C sees: the header, error codes, two models in one program.
struct InterfaceTests {
    private let folder = TemporaryFolder()

    private func toy() throws -> CLibrary {
        var library = try CLibrary(compiling: graph("toy.graph"), cache: nil)
        library.weights = ["w": try TensorData((0..<30).map { Float(($0 * 7) % 11) - 5 }, shape: [6, 5])]
        return library
    }

    /// Everything is refused that has to be, with a status and a text, and threads share an instance in turns.
    @Test func whatIsRefused() throws {
        try folder.emit(toy())
        for library in [["toy/libtoy.a"], ["-Ltoy", "-ltoy", "-Wl,-rpath,\(folder.path)/toy"]] {
            let arguments =
                cc + warnings + [program("api.c"), "-Itoy"] + library + ["-pthread", "-lm", "-o", "api"]
            let compiled = try Command.run(arguments, in: folder.path).get()
            try #require(compiled.status == 0, "\(compiled.output)")
            #expect(try folder.run("./api", "toy/toy.weights") == "native: 0 failures\n")
        }
    }

    @Test func twoModelsInOneProgram() throws {
        try folder.emit(toy())
        try folder.emit(CLibrary(compiling: graph("other.graph"), cache: nil))
        let arguments =
            cc + warnings + [program("two.c"), "-Itoy", "-Iother", "toy/libtoy.a", "other/libother.a"]
            + ["-pthread", "-lm", "-o", "two"]
        let compiled = try Command.run(arguments, in: folder.path).get()
        try #require(compiled.status == 0, "\(compiled.output)")
        #expect(try folder.run("./two") == "two models\n")
    }

    /// What is computed of weights once for many runs is computed anew for others.
    @Test func weightsArePreparedAnew() throws {
        var library = try CLibrary(compiling: graph("prepared.graph"), cache: nil)
        try #require(library.levels.allSatisfy { $0.file.program.preparationCount > 0 })
        library.weights = ["w": try TensorData([Float](repeating: 1, count: 64 * 128), shape: [64, 128])]
        try folder.emit(library)
        let files = [program("prepared.c"), "-Iprepared", "prepared/libprepared.a"]
        let compiled = try Command.run(cc + warnings + files + ["-pthread", "-lm", "-o", "run"], in: folder.path).get()
        try #require(compiled.status == 0, "\(compiled.output)")
        #expect(try folder.run("./run", "prepared/prepared.weights") == "prepared\n")
    }

    /// Instances have weights that no run changes once, and those that one of them is given for itself.
    @Test(arguments: [false, true])
    func instancesShareWeights(areInside: Bool) throws {
        var library = try CLibrary(compiling: graph("shared.graph"), cache: nil)
        library.weights = [
            "w": try TensorData([Float](repeating: 1, count: 1 << 20), shape: [1024, 1024]), "runs": TensorData(40),
        ]
        library.holdsWeights = areInside
        try folder.emit(library)
        let arguments =
            cc + warnings + [program("shared.c"), "-Ishared", "shared/libshared.a"] + ["-pthread", "-lm", "-o", "run"]
        let compiled = try Command.run(arguments, in: folder.path).get()
        try #require(compiled.status == 0, "\(compiled.output)")
        let output = areInside ? try folder.run("./run") : try folder.run("./run", "shared/shared.weights")
        let words = output.split(separator: " ").map(String.init)
        try #require(words.count == 3 && words[0] == "shared:", "\(words)")
        #if os(Linux)
            // Two instances more take 8 MiB for themselves if they share nothing, beside scratch memory, and setting
            // weights takes 4.
            let (more, set) = (try #require(Int(words[1])), try #require(Int(words[2])))
            #expect(areInside ? more < 3 << 20 : more > 7 << 20, "\(more) bytes")
            #expect(areInside ? set > 3 << 20 : set < 1 << 20, "\(set) bytes")
        #endif
        let header = try String(decoding: contents(of: folder.file("shared/shared.h")), as: UTF8.self)
        #expect(header.contains("of which 4194304 are those in the library until") == areInside)
    }

    /// A library shows its own names only.
    @Test func names() throws {
        try folder.emit(toy())
        let header = try String(decoding: contents(of: folder.file("toy/toy.h")), as: UTF8.self)
        let declared = header.split(separator: "\n").count { $0.hasPrefix("TOY_PUBLIC ") }
        let shown = try folder.run("nm", "-D", "--defined-only", "toy/libtoy.so").split(separator: "\n")
        // Some linkers show where their sections end, too.
        let functions = shown.filter { $0.contains(" T ") }
        #expect(functions.count == declared && functions.allSatisfy { $0.contains(" T toy_") }, "\(shown)")
        #expect(shown.allSatisfy { $0.contains(" T ") || $0.contains(" _") }, "\(shown)")
        let all = try folder.run("nm", "--defined-only", "toy/libtoy.a").split(separator: "\n")
        #expect(all.allSatisfy { !$0.contains(" T ") || $0.contains(" T toy_") })
        // What changes belongs to an instance: there are no variables.
        let sections = try folder.run("objdump", "-h", "toy/libtoy.a").split(separator: "\n").map {
            $0.split(separator: " ")
        }
        let named = sections.filter { $0.count > 2 && $0[1].hasPrefix(".") }
        let variables = named.filter { [".data", ".bss"].contains($0[1]) }
        #expect(named.contains { $0[1].hasPrefix(".text") })
        #expect(variables.allSatisfy { $0[2].allSatisfy { $0 == "0" } }, "\(variables)")
    }

    /// Code for features that no machine has is refused by name, and not executed.
    @Test func aProcessorThatLacksSomething() throws {
        var level = try toy().levels[0]
        level.file.target.features += ["made-up-1", "made-up-2"]
        let library = try CLibrary(name: "toy", levels: [level])
        try folder.emit(library)
        let (status, output) = try Command.run(["toy/main"], in: folder.path).get()
        #expect(status == 1)
        #expect(
            output.hasPrefix("the processor lacks what the code needs: the code for ")
                && output.contains("\(level.file.target.processor) needs made-up-1, made-up-2, which"),
            "\(output)")
        level.file.target.architecture = "other"
        #expect(throws: CLibraryError.self) { try CLibrary(name: "toy", levels: [level, toy().levels[0]]) }
    }

    @Test func theHeaderSaysAll() throws {
        try toy().emit(directory: folder.path)
        let header = try String(decoding: contents(of: folder.file("toy.h")), as: UTF8.self)
        for part in [
            "TOY_INPUT_X,", "/// \"x\", f32[4,6], 96 bytes.", "/// \"rows\", i32[3], 12 bytes, from 0 to 3 or -1.",
            "TOY_OUTPUT_ORDER,", "TOY_OUTPUTS\n", "toy.weights, which toy_load_weights reads",
        ] {
            #expect(header.contains(part), "\(part)")
        }
    }
}
