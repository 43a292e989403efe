import ApusLLVM
import ApusRuntime

extension CodeTarget {
    /// What the code for a description may use.
    public init(_ target: TargetDescription) {
        let named = target.features.split(separator: ",").filter { $0.hasPrefix("+") }.map { String($0.dropFirst()) }
        // LLVM also lists what no kernel has a use for, such as instructions of operating systems.
        let known = named.filter { Self.isAvailable($0) != nil }
        self.init(
            architecture: target.triple.hasPrefix("x86_64") ? "x86_64" : "aarch64", processor: target.cpu,
            features: Set(known + Self.features(of: target.cpu)).sorted())
    }

    /// The features of a level of x86-64 (System V Application Binary Interface, AMD64 Supplement, section 3.1.1).
    private static func features(of level: String) -> [String] {
        let second = ["cx16", "popcnt", "sse3", "sse4.1", "sse4.2", "ssse3"]
        let third = second + ["avx", "avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe"]
        return switch level {
        case "x86-64-v2": second
        case "x86-64-v3": third
        case "x86-64-v4": third + ["avx512bw", "avx512cd", "avx512dq", "avx512f", "avx512vl"]
        default: []
        }
    }
}
