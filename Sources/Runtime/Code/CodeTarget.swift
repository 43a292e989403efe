import CRuntime

/// The processors that machine code runs on.
public struct CodeTarget: Hashable, Sendable, Codable {
    /// Its family: `x86_64` or `aarch64`.
    public var architecture: String
    /// The processor that the code was made for, by LLVM's name, such as `znver4`.
    public var processor: String
    /// What the code may use beyond what all processors of the family have, by LLVM's names, such as `avx2`.
    public var features: [String]

    /// Processors of an architecture that have some features.
    public init(architecture: String, processor: String, features: [String]) {
        (self.architecture, self.processor, self.features) = (architecture, processor, features)
    }

    /// Whether the processor at hand has a feature; nil for one that is not known here, or not of its architecture.
    package static func isAvailable(_ feature: String) -> Bool? {
        let answer = apus_processor_has(feature)
        return answer < 0 ? nil : answer == 1
    }

    /// Why the processor at hand, or this program's architecture, cannot execute the code; nil if it can.
    public var obstacle: String? {
        let own = String(cString: apus_processor_architecture())
        guard architecture == own else { return "the code is for \(architecture), and this program for \(own)" }
        let missing = features.filter { Self.isAvailable($0) != true }
        guard !missing.isEmpty else { return nil }
        return
            "the code is for \(processor) and needs \(missing.joined(separator: ", ")), which this machine does not have"
    }
}
