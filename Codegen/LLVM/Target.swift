import CLLVM
import CRuntime

/// What is true of one machine: schedules and emitters ask this, and nothing else names a CPU.
public struct TargetDescription: Hashable, Sendable {
    /// A named amount of vector hardware, for trying the code of a lesser machine on this one.
    public enum Level: String, CaseIterable, Sendable {
        case amx, avx512, avx2, sse2, neon, scalar
    }

    /// LLVM's name of architecture and system, such as "x86_64-pc-linux-gnu".
    public var triple: String
    /// LLVM's name of the processor, such as "znver4".
    public var cpu: String
    /// The features beyond the processor's, as LLVM wants them: "+avx2,+fma,-avx512f".
    public var features: String
    /// The bytes of the widest vector worth using; 4 where there are no vectors.
    public var vectorBytes: Int
    /// Whether a·b+c is one instruction with one rounding.
    public var hasFusedMultiplyAdd: Bool
    /// Whether there is a dot product of bfloat16 pairs that accumulates in f32.
    public var hasBFloat16DotProduct: Bool
    /// Whether there are tile registers that multiply bfloat16 (Intel's AMX), and this process may use them.
    public var hasTileRegisters = false

    /// What the machine keeps near its processors.
    public var caches = Caches()

    /// The caches of one core.
    public struct Caches: Hashable, Sendable {
        /// Bytes that come from memory together.
        public var lineBytes = 64
        public var firstLevelBytes = 32 << 10
        /// Lines that a place in memory can go to.
        public var firstLevelWays = 8
        public var secondLevelBytes = 1 << 20

        public init() {}
    }

    /// How many elements of the given size one vector holds.
    public func lanes(bytesPerElement: Int = 4) -> Int { max(1, vectorBytes / bytesPerElement) }

    /// How many vectors the registers hold.
    public var vectorRegisters: Int {
        switch level {
        case .amx, .avx512, .neon: 32
        case .avx2, .sse2, .scalar: 16
        }
    }

    /// Whether rounding to a whole number is one instruction.
    public var hasRounding: Bool {
        switch level {
        case .amx, .avx512, .avx2, .neon: true
        case .sse2, .scalar: features.split(separator: ",").contains("+sse4.1") || cpu == "x86-64-v2"
        }
    }

    /// The machine this process runs on.
    public static func host() throws(LLVMError) -> TargetDescription {
        try initializeNativeTarget()
        let triple = takeString(LLVMGetDefaultTargetTriple())
        let cpu = takeString(LLVMGetHostCPUName())
        let features = takeString(LLVMGetHostCPUFeatures())
        let enabled = Set(features.split(separator: ",").filter { $0.hasPrefix("+") }.map { String($0.dropFirst()) })
        var target = TargetDescription(
            triple: triple, cpu: cpu, features: features, vectorBytes: 4,
            hasFusedMultiplyAdd: false, hasBFloat16DotProduct: false, caches: .ofThisMachine())
        switch target.architecture {
        case .x86:
            // The AVX-512 subset every server since Skylake has (x86-64-v4); less than that is treated as AVX2.
            let avx512 = enabled.isSuperset(of: ["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"])
            let avx2 = enabled.isSuperset(of: ["avx2", "fma"])
            target.vectorBytes = avx512 ? 64 : avx2 ? 32 : 16
            target.hasFusedMultiplyAdd = enabled.contains("fma")
            target.hasBFloat16DotProduct = avx512 && enabled.contains("avx512bf16")
            target.hasTileRegisters =
                target.hasBFloat16DotProduct && tileFeatures.isSubset(of: enabled)
                && tileFeatures.allSatisfy { apus_processor_has($0) == 1 }
            if !target.hasTileRegisters { target.leaveOutTiles() }
        case .arm:
            target.vectorBytes = 16
            target.hasFusedMultiplyAdd = true
            target.hasBFloat16DotProduct = enabled.contains("bf16")
        case .other:
            break
        }
        return target
    }

    /// The most vector hardware this machine has.
    public var level: Level {
        if vectorBytes < 16 { return .scalar }
        switch architecture {
        case .x86:
            if hasTileRegisters { return .amx }
            return vectorBytes >= 64 ? .avx512 : vectorBytes >= 32 ? .avx2 : .sse2
        case .arm: return .neon
        case .other: return .scalar
        }
    }

    /// The levels this machine can run, the best first.
    public var availableLevels: [Level] {
        let levels: [Level]
        switch architecture {
        case .x86: levels = [.amx, .avx512, .avx2, .sse2, .scalar]
        case .arm: levels = [.neon, .scalar]
        case .other: levels = [.scalar]
        }
        return Array(levels.drop { $0 != level })
    }

    /// This machine held to a lower level; a level that it has already, or lacks, gives the machine unchanged.
    public func restricted(to level: Level) -> TargetDescription {
        guard level != self.level, availableLevels.contains(level) else { return self }
        var target = self
        target.hasTileRegisters = false
        if level != .avx512 { target.hasBFloat16DotProduct = false }
        switch level {
        case .amx:
            break  // nothing is above it
        case .avx512:
            target.leaveOutTiles()
        case .avx2:
            (target.cpu, target.features, target.vectorBytes) = ("x86-64-v3", "", 32)
        case .sse2:
            (target.cpu, target.features, target.vectorBytes) = ("x86-64", "", 16)
            target.hasFusedMultiplyAdd = false
        case .neon:
            break  // the only level of its architecture
        case .scalar:
            target.vectorBytes = 4
            if architecture == .x86 {
                (target.cpu, target.features) = ("x86-64", "")
                target.hasFusedMultiplyAdd = false
            }
        }
        return target
    }

    /// What LLVM calls tile registers and their products.
    private static let tileFeatures: Set<String> = ["amx-tile", "amx-bf16"]

    /// Keeps code from tile registers.
    private mutating func leaveOutTiles() {
        let parts = features.split(separator: ",")
        features = parts.map { $0.hasPrefix("+amx-") ? "-" + $0.dropFirst() : $0 }.joined(separator: ",")
    }

    /// The machines that ``named(_:)`` knows: the one at hand, and the levels of x86-64 (System V Application Binary
    /// Interface, AMD64 Supplement, section 3.1.1) and 64-bit ARM with what all processors of them have.
    public static let names = ["native", "x86-64", "x86-64-v2", "x86-64-v3", "x86-64-v4", "aarch64"]

    /// A machine by its name, one of ``names``; nil for others. But for the one at hand, what is decided for it is the
    /// same on whatever machine that is decided. Throws if LLVM does not know the machine at hand.
    public static func named(_ name: String) throws(LLVMError) -> TargetDescription? {
        switch name {
        case "native": try host()
        case "x86-64", "x86-64-v2": made("x86_64-pc-linux-gnu", name, vectorBytes: 16, fused: false)
        case "x86-64-v3": made("x86_64-pc-linux-gnu", name, vectorBytes: 32, fused: true)
        case "x86-64-v4": made("x86_64-pc-linux-gnu", name, vectorBytes: 64, fused: true)
        case "aarch64": made("aarch64-unknown-linux-gnu", "generic", vectorBytes: 16, fused: true)
        default: nil
        }
    }

    private static func made(_ triple: String, _ cpu: String, vectorBytes: Int, fused: Bool) -> TargetDescription {
        TargetDescription(
            triple: triple, cpu: cpu, features: "", vectorBytes: vectorBytes, hasFusedMultiplyAdd: fused,
            hasBFloat16DotProduct: false)
    }

    /// A made-up x86-64 machine that has the vector hardware of a level and no more. Nil for levels of other
    /// architectures.
    package static func x86(_ level: Level) -> TargetDescription? {
        let name: String
        switch level {
        case .avx512: name = "x86-64-v4"
        case .avx2: name = "x86-64-v3"
        case .sse2: name = "x86-64"
        case .amx, .neon, .scalar: return nil
        }
        return try? named(name)
    }

    private enum Architecture { case x86, arm, other }

    private var architecture: Architecture {
        if triple.hasPrefix("x86_64") { return .x86 }
        if triple.hasPrefix("aarch64") || triple.hasPrefix("arm64") { return .arm }
        return .other
    }

    private static let nativeTargetFailed: Bool =
        LLVMInitializeNativeTarget() != 0 || LLVMInitializeNativeAsmPrinter() != 0
        || LLVMInitializeNativeAsmParser() != 0

    /// Registers this process's architecture with LLVM, once.
    static func initializeNativeTarget() throws(LLVMError) {
        if nativeTargetFailed { throw LLVMError("initialize native target", "this LLVM was built without it") }
    }

    private static let allTargets: Void = {
        LLVMInitializeAllTargetInfos()
        LLVMInitializeAllTargets()
        LLVMInitializeAllTargetMCs()
        LLVMInitializeAllAsmPrinters()
    }()

    /// Registers all architectures that LLVM was built for, once: for code that runs elsewhere.
    static func initializeAllTargets() { allTargets }
}
