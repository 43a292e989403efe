import ApusCodegen
import ApusLLVM
import Foundation
import Testing

/// What a run keeps to tell whether it goes on with the same arithmetic.
@Suite struct BuildDescriptionTests {
    private func build(_ products: CompilerOptions.Products, _ level: TargetDescription.Level? = nil) throws
        -> BuildDescription
    {
        let host = try TargetDescription.host()
        return try GraphCompiler(
            CompilerOptions(products: products), target: level.map { host.restricted(to: $0) }, cache: nil
        ).build
    }

    @Test func aBuildEqualsItselfAndSurvivesJSON() throws {
        let build = try build(.generated)
        let saved = try JSONDecoder().decode(BuildDescription.self, from: JSONEncoder().encode(build))
        #expect(saved == build && build.difference(from: saved) == nil)
        #expect(build.apus.hasPrefix("\(BuildDescription.version) (") && !build.apus.contains("unknown"))
        #expect(build.llvm.hasPrefix("libLLVM") && !build.llvm.contains("(0 bytes)"))
    }

    @Test func theLibraryCountsWhereItMayCompute() throws {
        let generated = try build(.generated), library = try build(.openblas)
        #expect(generated.openblas == nil)
        let name = try #require(library.openblas)
        #expect(name.hasPrefix("OpenBLAS "))
        #expect(library.difference(from: generated) == "OpenBLAS was not used and is \(name)")
        #expect(try library == build(.auto))
    }

    @Test func aLesserInstructionSetIsAnotherProcessor() throws {
        let host = try TargetDescription.host()
        let whole = try build(.generated)
        for level in host.availableLevels.dropFirst() {
            let lesser = try build(.generated, level)
            #expect(
                lesser.difference(from: whole)
                    == "the processor was \(whole.processor) and is \(lesser.processor)")
        }
    }
}
