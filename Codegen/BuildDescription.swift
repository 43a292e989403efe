import ApusLLVM
import ApusRuntime
import Foundation

/// What decides the last bits of what a program computes, beside the graph and the options: this program, LLVM, the
/// processor, and the library where it may compute matmuls.
///
/// A run keeps it with its checkpoints, to say when it goes on with another arithmetic. `BuildIdentity`, by which
/// caches go, tells any two files apart; this goes by what is in them, so it is the same for a copy on another machine.
public struct BuildDescription: Hashable, Sendable, Codable {
    /// The version of the package.
    public static let version = "0.1.0"

    /// The version of the package, and a checksum of the file that holds its code.
    public var apus: String
    /// The name and the size of LLVM's library.
    public var llvm: String
    /// LLVM's name of the processor, the vectors that are used, and a checksum of all features.
    public var processor: String
    /// The library's description; nil where all matmuls are generated.
    public var openblas: String?

    /// Describes this process's build for a machine.
    init(_ target: TargetDescription, _ products: CompilerOptions.Products) {
        apus = "\(Self.version) (\(Self.program))"
        llvm = Self.llvmLibrary
        let features = Self.checksum(Data("\(target.triple) \(target.features)".utf8))
        processor = "\(target.cpu) with \(target.level.rawValue) (\(features))"
        openblas = products == .generated ? nil : (try? MatmulLibrary.shared())?.description
    }

    /// What another build has that this one has not, in words; nil if programs of both compute the same bits.
    public func difference(from other: BuildDescription) -> String? {
        let parts: [(name: String, own: String?, other: String?)] = [
            ("Apus", apus, other.apus), ("LLVM", llvm, other.llvm), ("the processor", processor, other.processor),
            ("OpenBLAS", openblas, other.openblas),
        ]
        let differing = parts.filter { $0.own != $0.other }.map { part in
            "\(part.name) was \(part.other ?? "not used") and is \(part.own ?? "not used")"
        }
        return differing.isEmpty ? nil : differing.joined(separator: ", ")
    }

    private static let program = BuildIdentity.files.apus.flatMap(contents).map(checksum) ?? "unknown"

    private static let llvmLibrary: String = {
        guard let path = BuildIdentity.files.llvm else { return "unknown" }
        let bytes = (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? 0
        return "\(URL(fileURLWithPath: path).lastPathComponent) (\(bytes) bytes)"
    }()

    private static func contents(_ path: String) -> Data? {
        try? Data(contentsOf: URL(fileURLWithPath: path), options: .alwaysMapped)
    }

    /// A checksum of 64 bits that takes as long as reading: it guards against mistakes, not against forgers.
    private static func checksum(_ content: Data) -> String {
        content.withUnsafeBytes { bytes in
            var hash = UInt64(bytes.count)
            func add(_ word: UInt64) { hash = ((hash << 5 | hash >> 59) ^ word) &* 0x517C_C1B7_2722_0A95 }
            let whole = bytes.count / 8 * 8
            for offset in stride(from: 0, to: whole, by: 8) {
                add(bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            }
            for offset in whole..<bytes.count { add(UInt64(bytes[offset])) }
            return String(hash, radix: 16)
        }
    }
}

extension GraphCompiler {
    /// What its programs' last bits depend on, beside their graphs.
    public var build: BuildDescription { BuildDescription(target, options.products) }
}
