import Apus
import Foundation
import Testing

/// Programs of which no library can be made, and what is said then.
struct CLibraryErrorTests {
    private let folder = TemporaryFolder()

    private func message(_ body: () throws -> Void) -> String {
        do {
            try body()
            return "no error"
        } catch {
            return "\(error)"
        }
    }

    private func level(_ name: String = "native", _ graph: Graph? = nil) throws -> CLibrary.Level {
        let graph = try graph ?? ExportTests.graph("toy.graph")
        return .init(
            name: name, file: try GraphCompiler(CompilerOptions(products: .generated), cache: nil).compile(graph).file)
    }

    @Test(arguments: ["", "9lives", "_x", "a b", "a-b", "\u{e4}", "apus"])
    func names(name: String) throws {
        let level = try level()
        #expect(
            message { _ = try CLibrary(name: name, levels: [level]) }.contains("cannot be the beginning of names in C"))
        #expect(message { _ = try CLibrary(name: CLibrary.identifier(name) + "_1", levels: [level]) } == "no error")
    }

    /// `string.h` would hide that of C, `timer_create` is the system's, `x_pool_create` makes the threads of `x`.
    @Test(arguments: ["string", "timer", "pthread", "x_pool"])
    func takenNames(name: String) throws {
        let level = try level()
        #expect(message { _ = try CLibrary(name: name, levels: [level]) }.contains("take another name"))
    }

    /// A compiler for this machine puts nothing around code for another one.
    @Test func compilerOfAnotherMachine() throws {
        let native = try level(), other = native.file.target.architecture == "x86_64" ? "aarch64" : "x86-64-v2"
        let library = try CLibrary(compiling: graph("toy.graph"), for: [other], cache: nil)
        let compiler = try CCompiler(for: native.file.target.architecture)
        #expect(
            message { try library.emit(directory: folder.path, compiler: compiler) }.contains("take a compiler for it"))
        #expect(!FileManager.default.fileExists(atPath: folder.file("\(library.name).h")))
    }

    @Test func levels() throws {
        let (toy, other) = (try level(), try level("other", graph("other.graph")))
        #expect(message { _ = try CLibrary(name: "x", levels: []) } == "a library has at least one level")
        #expect(message { _ = try CLibrary(name: "x", levels: [toy, toy]) } == "the level 'native' is there twice")
        #expect(
            message { _ = try CLibrary(name: "x", levels: [toy, other]) }.hasSuffix(
                "different inputs, outputs or parameters"))
        #expect(
            message { _ = try CLibrary(compiling: graph("toy.graph"), for: ["avx9"]) }.hasPrefix("'avx9' is no machine")
        )
        var lame = toy
        lame.file.code.functions = [:]
        #expect(
            message { _ = try CLibrary(name: "x", levels: [lame]) }.hasPrefix("the code for 'native' has no kernel"))
    }

    @Test func productsOfTheLibrary() throws {
        let builder = GraphBuilder(name: "product")
        let x = builder.input(Input("x", TensorType(.f32, [512, 512])))
        builder.output("y", matmul(x, x))
        let step = try Compiler(CompilerOptions(products: .openblas)).compile(builder.finish())
        #expect(message { try step.emit(directory: folder.path) }.contains("compile it with generated products"))
    }

    @Test func sumsOverRanks() throws {
        let builder = GraphBuilder(name: "sum")
        builder.output("y", allReduce(builder.input(Input("x", TensorType(.f32, [3])))))
        let level = try level("native", builder.finish())
        #expect(
            message { _ = try CLibrary(name: "x", levels: [level]) }
                == "'sum': it works together with other ranks (all_reduce 0 over ranks of f32[3] at arena+0), which programs "
                + "in files and libraries cannot; compile it without a communicator")
    }

    @Test func weights() throws {
        var library = try CLibrary(name: "toy", levels: [level()])
        library.weights = ["v": TensorData(1)]
        #expect(
            message { try library.emit(directory: folder.path) }
                == "there is no parameter 'v', of which there are weights")
        library.weights = ["w": TensorData(1)]
        #expect(
            message { try library.emit(directory: folder.path) }
                == "the parameter 'w' is f32[6,5], its weights are f32[]")
    }

    @Test func compilers() throws {
        let library = try CLibrary(name: "toy", levels: [level()])
        #expect(
            message { _ = try CCompiler(named: "no-such-cc", for: "x86_64") }.contains(
                "(no-such-cc); install one, or name it"))
        let failing = try CCompiler(named: "false", for: "x86_64")
        #expect(
            message { try library.emit(directory: folder.path, compiler: failing) }.contains(
                "has failed with status 1:"))
        #expect(message { try library.emit(directory: "/dev/null/x") }.hasPrefix("/dev/null"))
    }
}
