import ApusLLVM
import ApusObjects
import ApusRuntime

typealias Buffer = UnsafeMutableRawPointer
typealias Kernel = @convention(c) (Buffer, Buffer, Buffer, Int) -> Void

/// A kernel `(a, b, c, count)` built, checked, optimized and loaded for one target.
struct Compiled {
    let text: String
    let code: LoadedCode
    let run: Kernel

    init(_ target: TargetDescription, _ body: (Builder, _ pointers: [Value], _ count: Value) throws -> Void) throws {
        let module = Module(name: "test", target: target)
        let kernel = module.addFunction(
            "kernel", parameters: [module.pointer, module.pointer, module.pointer, module.i64],
            returns: module.void)
        let builder = Builder(module, function: kernel)
        try body(builder, Array(kernel.parameters[..<3]), kernel.parameters[3])
        builder.ret()
        text = module.text
        try module.verify()
        try module.optimize(passes: "default<O2>")
        try module.verify()
        code = try LoadedCode(CodeImage(linking: [ObjectFile(try module.object())]))
        run = unsafeBitCast(try code.address(of: "kernel"), to: Kernel.self)
    }

    /// Runs the kernel over arrays; what it wrote to `c` is the result, which starts as `initial`.
    func callAsFunction<A, B, C>(_ a: [A], _ b: [B], into initial: [C], count: Int) -> [C] {
        var a = a, b = b, c = initial
        a.withUnsafeMutableBytes { a in
            b.withUnsafeMutableBytes { b in
                c.withUnsafeMutableBytes { c in
                    run(a.baseAddress ?? c.baseAddress!, b.baseAddress ?? c.baseAddress!, c.baseAddress!, count)
                }
            }
        }
        return c
    }
}

/// The levels this machine can be held to.
func availableLevels() throws -> [TargetDescription.Level] {
    try TargetDescription.host().availableLevels
}

/// This machine held to a level.
func target(_ level: TargetDescription.Level) throws -> TargetDescription {
    try TargetDescription.host().restricted(to: level)
}

extension Builder {
    /// Walks `count` elements of f32 in whole vectors and a masked rest.
    func overVectors(_ count: Value, _ body: (_ byteOffset: Value, _ mask: Value, _ type: Type) -> Void) {
        let lanes = module.target.lanes()
        loop(from: int(0, module.i64), to: count, step: int(lanes, module.i64)) { index, _ in
            let mask = laneMask(count: sub(count, index), lanes: lanes)
            body(mul(index, int(4, module.i64)), mask, module.vector(module.f32, lanes))
            return []
        }
    }
}
