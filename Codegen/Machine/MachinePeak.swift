import ApusLLVM
import ApusObjects
import ApusRuntime
import Foundation

/// The most that a machine does on given threads, as measured: what the speed of programs is compared with.
public struct MachinePeak: Sendable, Hashable {
    /// How many threads it was measured on.
    public let threads: Int
    /// Floating-point operations a second of multiply-adds in f32 that stay in registers.
    public let float32: Double
    /// The same of dot products of bfloat16, where the processor has them.
    public let bfloat16: Double
    /// Bytes that a copy of large memory reads and writes in a second.
    public let bytesPerSecond: Double

    /// Floating-point operations a second with operands of a precision.
    public func operationsPerSecond(_ precision: CompilerOptions.Precision) -> Double {
        switch precision {
        case .float32: float32
        case .bfloat16: bfloat16
        }
    }

    /// The share of the peak that work has reached, by arithmetic or by traffic with the memory, whichever is more.
    ///
    /// It can exceed 1 where what is read still lies in a cache.
    public func share(operations: Int, bytes: Int, seconds: Double, _ precision: CompilerOptions.Precision) -> Double {
        let needed = max(Double(operations) / operationsPerSecond(precision), Double(bytes) / bytesPerSecond)
        return needed / max(seconds, .leastNormalMagnitude)
    }

    /// One line of JSON.
    public var json: String {
        let entries = [
            ("threads", "\(threads)"), ("fp32_gflops", String(format: "%.1f", float32 / 1e9)),
            ("bf16_gflops", String(format: "%.1f", bfloat16 / 1e9)),
            ("copy_gb_per_s", String(format: "%.1f", bytesPerSecond / 1e9)),
        ]
        return "{" + entries.map { "\"\($0)\": \($1)" }.joined(separator: ", ") + "}"
    }
}

extension MachinePeak: CustomStringConvertible {
    public var description: String {
        String(
            format: "%.0f GFLOP/s in fp32, %.0f in bf16, copies at %.1f GB/s, on %d threads", float32 / 1e9,
            bfloat16 / 1e9, bytesPerSecond / 1e9, threads)
    }
}

// MARK: Measuring

extension MachinePeak {
    /// Seconds for which each is measured again and again. The best counts: other work on the machine only ever makes
    /// it slower.
    private static let patience = 0.25
    /// Parts that the work of a repetition is handed out in, for each thread: a late one is left with fewer.
    private static let partsPerThread = 16
    private static let turnsPerPart = 50_000
    /// Bytes that are copied: far more than caches hold.
    private static let copiedBytes = 256 << 20

    /// Measures the machine in about a second. Throws if there is no memory for it.
    public init(target: TargetDescription, pool: WorkerPool) throws {
        let chains = Chains(target)
        threads = pool.threads
        let code = try LoadedCode(CodeImage(linking: [ObjectFile(chains.module().object())]))
        func speed(_ operand: Chains.Operand) throws -> Double {
            let run = unsafeBitCast(try code.address(of: operand.rawValue), to: Chains.Run.self)
            let memory = try (0..<pool.threads).map { _ in try chains.start() }
            let parts = pool.threads * Self.partsPerThread
            let seconds = Self.shortest {
                pool.run(count: parts, grain: 1) { _, worker in run(memory[worker].pointer, Self.turnsPerPart) }
            }
            return Double(chains.operationsPerTurn(operand) * Self.turnsPerPart * parts) / seconds
        }
        float32 = try speed(.float32)
        bfloat16 = chains.hasBFloat16 ? try speed(.bfloat16) : float32
        withExtendedLifetime(code) {}
        bytesPerSecond = try Self.copySpeed(pool)
    }

    private static func copySpeed(_ pool: WorkerPool) throws -> Double {
        let (source, target) = (try Memory(byteCount: copiedBytes), try Memory(byteCount: copiedBytes))
        memset(source.pointer, 1, copiedBytes)
        // A whole share at a time: the library then passes the caches by.
        let share = (copiedBytes + pool.threads - 1) / pool.threads
        let seconds = shortest {
            pool.run(count: copiedBytes, grain: share) { bytes, _ in
                memcpy(target.pointer + bytes.lowerBound, source.pointer + bytes.lowerBound, bytes.count)
            }
        }
        return Double(2 * copiedBytes) / seconds
    }

    /// The shortest time that it takes, after a first that is not counted.
    private static func shortest(_ body: () -> Void) -> Double {
        body()
        var best = Double.infinity, total = 0.0
        while total < patience {
            let start = DispatchTime.now().uptimeNanoseconds
            body()
            let seconds = Double(DispatchTime.now().uptimeNanoseconds - start) * 1e-9
            total += seconds
            best = min(best, seconds)
        }
        return best
    }
}

/// Code that does nothing but multiply and add: chains of it that do not wait for each other, in registers.
private struct Chains {
    /// What is multiplied; the name of its function.
    enum Operand: String { case float32, bfloat16 }
    typealias Run = @convention(c) (_ memory: UnsafeMutableRawPointer, _ turns: Int) -> Void

    private let target: TargetDescription
    /// Enough to hide the latency of an instruction, and few enough for the registers.
    private let count: Int

    init(_ target: TargetDescription) {
        self.target = target
        count = target.vectorRegisters == 32 ? 24 : 12
    }

    /// Whether there is an instruction to measure.
    var hasBFloat16: Bool { target.hasBFloat16DotProduct && target.vectorBytes == 64 }

    /// Where the chains of one thread begin: factors and sums of 1/2, with which they stay small and normal.
    func start() throws -> Memory {
        let numbers = (count + 2) * target.lanes()
        let memory = try Memory(byteCount: numbers * 4)
        memory.pointer.initializeMemory(as: Float.self, repeating: 0.5, count: numbers)
        return memory
    }

    func operationsPerTurn(_ operand: Operand) -> Int {
        switch operand {
        case .float32: count * target.lanes() * 2
        case .bfloat16 where target.hasTileRegisters:
            Self.tileSums * 4 * TileShape.mostRows * TileShape.mostUnits * TileShape.mostUnits
        case .bfloat16: count * target.lanes() * 4
        }
    }

    func module() throws -> Module {
        let module = Module(name: "peak", target: target)
        emit(.float32, in: module)
        if hasBFloat16 { emit(.bfloat16, in: module) }
        try module.verify()
        try module.optimize(passes: GraphCompiler.passes)
        return module
    }

    /// A function that takes the chains, which lie in memory behind two factors, through some turns.
    private func emit(_ operand: Operand, in module: Module) {
        let function = module.addFunction(
            operand.rawValue, parameters: [module.pointer, module.i64], returns: module.void)
        let builder = Builder(module, function: function)
        let (memory, turns) = (function.parameters[0], function.parameters[1])
        if operand == .bfloat16, target.hasTileRegisters { return emitTiles(builder, turns) }
        let type = module.vector(module.f32, target.lanes())
        func place(_ number: Int) -> Value { builder.int(number * target.lanes() * 4, module.i64) }
        let loaded = (0..<count + 2).map { builder.load(type, memory, byteOffset: place($0)) }
        let ends = builder.loop(
            from: builder.int(0, module.i64), to: turns, step: builder.int(1, module.i64), carrying: Array(loaded[2...])
        ) { _, chains in
            chains.map { chain in
                switch operand {
                case .float32: builder.fma(chain, loaded[0], loaded[1])
                case .bfloat16: builder.dotBFloat16(loaded[0], loaded[1], chain)
                }
            }
        }
        for (number, end) in ends.enumerated() { builder.store(end, memory, byteOffset: place(number + 2)) }
        builder.ret()
    }

    /// Tile registers of sums; the other two are factors.
    private static let tileSums = 6

    /// The same in tile registers, which begin with zeros.
    private func emitTiles(_ builder: Builder, _ turns: Value) {
        let (left, right) = (Self.tileSums, Self.tileSums + 1)
        builder.configureTiles(
            TileShape(rows: TileShape.mostRows, units: TileShape.mostUnits), sums: Self.tileSums, lefts: 1, rights: 1)
        builder.loop(from: builder.int(0, turns.type), to: turns, step: builder.int(1, turns.type)) { _, _ in
            for number in 0..<Self.tileSums { builder.multiplyTiles(number, left, right) }
            return []
        }
        builder.releaseTiles()
        builder.ret()
    }
}
