import ApusLLVM
import ApusObjects
import ApusRuntime
import Foundation
import Testing

/// Code in this process.
@Suite struct LoadingTests {
    /// A file of two kernels, taken apart: each has its code, its constants and what it calls, and nothing of the
    /// other.
    @Test(arguments: try availableLevels())
    func aPartHasAllThatItsFunctionNeeds(_ level: TargetDescription.Level) throws {
        let module = Module(name: "two", target: try target(level), sections: true)
        let shared = module.addFunction(
            "shared", parameters: [module.pointer], returns: module.void, isInternal: true)
        let inner = Builder(module, function: shared)
        inner.store(inner.erf(inner.load(module.f32, shared.parameters[0])), shared.parameters[0])
        inner.ret()
        for (name, bytes) in [("first", [1, 2, 3, 4]), ("second", [5, 6, 7, 8])] as [(String, [UInt8])] {
            let kernel = module.addFunction(name, parameters: [module.pointer], returns: module.void)
            let build = Builder(module, function: kernel)
            build.call(shared, [kernel.parameters[0]])
            let number = build.load(module.i32, module.constant(bytes))
            build.store(number, kernel.parameters[0], byteOffset: build.int(4, module.i64))
            build.ret()
        }
        try module.optimize(passes: "function(early-cse)")
        let whole = try ObjectFile(module.object())
        let parts = ["first", "second"].map { whole.part(of: $0) }
        for (number, name) in ["first", "second"].enumerated() {
            for objects in [[parts[number]], parts, parts.reversed()] {
                let image = try CodeImage(linking: objects), code = try LoadedCode(image)
                #expect(image.functions.count == objects.count && image.functions[name] != nil)
                var numbers: (Float, UInt32) = (0.5, 0)
                typealias Function = @convention(c) (UnsafeMutableRawPointer) -> Void
                let run = unsafeBitCast(try code.address(of: name), to: Function.self)
                withUnsafeMutableBytes(of: &numbers) { run($0.baseAddress!) }
                #expect(abs(numbers.0 - 0.5204999) < 1e-6 && numbers.1 == [0x0403_0201, 0x0807_0605][number])
            }
        }
        #expect(try CodeImage(linking: [whole.part(of: "third")]).functions.isEmpty)
    }

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
                _ = try LoadedCode(CodeImage(linking: [ObjectFile(object)])).address(of: "loaded")
            }
            // Other tests load and unload at the same time.
            #expect(try pieces() < before + 1000)
        }
    #endif
}
