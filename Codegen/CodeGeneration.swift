import ApusDigest
import ApusLLVM
import ApusObjects
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
    var object: ObjectFile?

    /// How long LLVM takes for it, roughly: there is something to do for the smallest of kernels.
    var weight: Int { kernel.extent + 20 }
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
                kernel: kernel, plan: plan, key: key, symbol: "kernel_\(key.hexadecimal)",
                object: cache.object(key).flatMap { try? PackedDecoder.value(ObjectFile.self, from: $0) })
        }
    }

    /// The same with the code that was missing; kernels are compiled side by side, the longest first.
    func generated(_ codes: [KernelCode]) throws -> [KernelCode] {
        let batches = batches(codes)
        let results = Mutex([Result<[Int: ObjectFile], any Error>]())
        concurrently(batches.count) { turn in
            let result = Result { try objects(of: batches[turn], codes) }
            results.withLock { $0.append(result) }
        }
        var codes = codes
        for result in results.withLock({ $0 }) {
            for (number, object) in try result.get() { codes[number].object = object }
        }
        return codes
    }

    /// Kernels without code, in portions that each become a module: LLVM takes a while for a module before it comes to
    /// its functions, as long as for a small kernel. There are enough for all processors to end together.
    ///
    /// Matmuls and attention have modules of their own: where register blocks lie in sections of their own, matmuls of
    /// bf16 take some per cent longer.
    private func batches(_ codes: [KernelCode]) -> [[Int]] {
        let missing = codes.indices.filter { codes[$0].object == nil }.sorted { codes[$0].weight > codes[$1].weight }
        let share = missing.reduce(0) { $0 + codes[$1].weight } / (32 * Processors.available)
        var batches: [[Int]] = [], room = 0
        for number in missing {
            let isAlone = if case .loop = codes[number].kernel { false } else { true }
            if isAlone || codes[number].weight > room {
                batches.append([])
                room = isAlone ? 0 : share
            }
            batches[batches.count - 1].append(number)
            room -= min(room, codes[number].weight)
        }
        return batches
    }

    /// The code of some kernels, made together and kept one by one.
    private func objects(of numbers: [Int], _ codes: [KernelCode]) throws -> [Int: ObjectFile] {
        let kernels = numbers.map { (codes[$0].symbol, codes[$0].kernel, codes[$0].plan) }
        let whole = try ObjectFile(emit(kernels, sections: kernels.count > 1).object())
        var objects: [Int: ObjectFile] = [:]
        for number in numbers {
            let object = whole.part(of: codes[number].symbol)
            if let key = codes[number].key, let bytes = try? PackedEncoder.bytes(object) {
                cache?.store(bytes, as: key)
            }
            objects[number] = object
        }
        return objects
    }

    /// One module with the code of some kernels.
    func emit(
        _ kernels: [(symbol: String, kernel: GeneratedKernel, plan: KernelPlan)], sections: Bool = false
    ) throws -> Module {
        let module = Module(name: "apus", target: target, sections: sections)
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
