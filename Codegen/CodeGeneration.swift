import ApusDigest
import ApusLLVM
import ApusSystem
import Synchronization

/// A kernel of a program on its way to native code.
struct KernelCode {
    let kernel: GeneratedKernel
    let plan: KernelPlan
    /// What its code goes by in the cache; nil without one.
    let key: Digest?
    /// The name of its function.
    let symbol: String
    /// Its relocatable code, once there is some.
    var object: [UInt8]?
}

extension GraphCompiler {
    /// LLVM's passes that kernels go through. They come as straight-line code in loops that are as they should be, so
    /// that a few passes do; the standard ones take four times as long, and make nothing faster.
    static let passes =
        "function(early-cse<memssa>,simplifycfg,loop-mssa(licm),loop(loop-unroll-full),\(Module.instcombine),adce)"

    /// The kernels of a program, with the code of those that the cache has.
    ///
    /// Each kernel is an entry of its own: a model that was changed a little finds most of its kernels.
    func lookedUp(_ table: KernelTable, _ plans: [KernelPlan]) -> [KernelCode] {
        table.kernels.indices.map { number in
            let (kernel, plan, symbol) = (table.kernels[number], plans[number], KernelTable.symbol(number))
            let text = "\(kernel)\n\(tuning)"
            guard let cache, let key = ObjectCache.key(kernel: text, target: target, passes: Self.passes) else {
                return KernelCode(kernel: kernel, plan: plan, key: nil, symbol: symbol)
            }
            // In a name that belongs to the kernel alone, its code fits every program.
            return KernelCode(
                kernel: kernel, plan: plan, key: key, symbol: "kernel_\(key.hexadecimal)", object: cache.object(key))
        }
    }

    /// The same with the code that was missing; kernels are compiled side by side, the longest first.
    func generated(_ codes: [KernelCode]) throws -> [KernelCode] {
        let missing = codes.indices.filter { codes[$0].object == nil }
            .sorted { codes[$0].kernel.extent > codes[$1].kernel.extent }
        let results = Mutex([Int: Result<[UInt8], any Error>]())
        concurrently(missing.count) { turn in
            let code = codes[missing[turn]]
            let result = Result { try emit([(code.symbol, code.kernel, code.plan)]).object() }
            if let key = code.key, let object = try? result.get() { cache?.store(object, as: key) }
            results.withLock { $0[missing[turn]] = result }
        }
        var codes = codes
        for (number, result) in results.withLock({ $0 }) { codes[number].object = try result.get() }
        return codes
    }

    /// One module with the code of some kernels.
    func emit(_ kernels: [(symbol: String, kernel: GeneratedKernel, plan: KernelPlan)]) throws -> Module {
        let module = Module(name: "apus", target: target)
        for (symbol, kernel, plan) in kernels {
            switch (kernel, plan.division) {
            case (.loop(let loop), _): KernelEmitter(loop, plan, named: symbol, in: module).emit()
            case (.matmul(let matmul), .matmul(let tiling)):
                MatmulEmitter(matmul, tiling, tuning, named: symbol, in: module).emit()
            case (.attention(let attention), .attention(let tiling)):
                AttentionEmitter(attention, tiling, tuning, named: symbol, in: module).emit()
            case (.matmul, _), (.attention, _): preconditionFailure("the plan of \(symbol) is that of another kernel")
            }
        }
        try module.verify()
        try module.optimize(passes: Self.passes)
        return module
    }
}
