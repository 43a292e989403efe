import ApusLLVM
import ApusObjects
import ApusRuntime
import Foundation
import Testing

/// Code in this process.
@Suite struct LoadingTests {
    #if os(Linux)
        /// A process has some 65,000 pieces of memory, so that none may stay behind.
        @Test func whatIsLoadedIsGivenBack() throws {
            func pieces() throws -> Int {
                try String(contentsOfFile: "/proc/self/maps", encoding: .utf8).split(separator: "\n").count
            }
            let module = Module(name: "loaded", target: try TargetDescription.host())
            let function = module.addFunction("loaded", parameters: [module.pointer], returns: module.void)
            let build = Builder(module, function: function)
            build.store(build.erf(build.load(module.f32, function.parameters[0])), function.parameters[0])
            build.ret()
            let object = try module.object(), before = try pieces()
            for _ in 0..<2000 {
                _ = try LoadedCode(CodeImage(linking: [object])).address(of: "loaded")
            }
            // Other tests load and unload at the same time.
            #expect(try pieces() < before + 1000)
        }
    #endif
}
