/// Which tensors of a file are the weights, where the file leaves a choice, and what the model's code calls them.
public struct WeightsSelection: Hashable, Sendable {
    /// The keys that lead to the state dict in a file of PyTorch, such as `model_ema`, with dots between them; nil
    /// takes the one that can be meant.
    public var key: String?
    /// What the names of the weights begin with in the file, such as `module.`; nil takes what can be meant, and an
    /// empty text the names as they are.
    public var prefix: String?
    /// Names that a state dict of the model has in any case, by which prefixes are found.
    public var landmarks: [String]

    /// A choice of which each part may be left open.
    public init(key: String? = nil, prefix: String? = nil, landmarks: [String] = []) {
        (self.key, self.prefix, self.landmarks) = (key, prefix, landmarks)
    }
}

/// The names of a file's weights without what wrappers, such as `DataParallel` or `torch.compile`, put before them.
struct WeightsNames {
    struct Ambiguity: Error { let message: String }

    /// What was taken from the names.
    let prefix: String
    /// The weights as the model calls them and as the file does, in the file's order. Names without the prefix stay as
    /// they are, and those of other models in the file are left out.
    let all: [(name: String, source: String)]

    /// The most models in one file among which one is found.
    private static let maximumModels = 20

    /// Throws if no name has the prefix that is asked for, or if several prefixes can be meant.
    init(_ sources: [String], _ selection: WeightsSelection) throws(Ambiguity) {
        let candidates = Self.prefixes(sources, selection.landmarks)
        if let asked = selection.prefix {
            let whole = asked.isEmpty || asked.hasSuffix(".") ? asked : asked + "."
            guard sources.contains(where: { $0.hasPrefix(whole) }) else {
                throw Ambiguity(
                    message:
                        "no name begins with '\(TorchCheckpointError.shown(whole))', which --weights-prefix asks for; "
                        + "the file has \(Self.overview(sources))")
            }
            prefix = whole
        } else if candidates.isEmpty || candidates.contains("") {
            prefix = ""
        } else {
            let plain = candidates.filter { !Self.meansAverage($0) }
            guard let only = plain.first ?? candidates.first, plain.count == 1 || candidates.count == 1,
                candidates.count <= Self.maximumModels
            else {
                throw Ambiguity(
                    message: "it holds several models, whose names begin with "
                        + candidates.prefix(10).map { "'\(TorchCheckpointError.shown($0))'" }.joined(separator: ", ")
                        + "; choose one by --weights-prefix")
            }
            prefix = only
        }
        all = prefix.isEmpty ? sources.map { ($0, $0) } : Self.renamed(sources, without: prefix, candidates)
    }

    private static func renamed(
        _ sources: [String], without prefix: String, _ candidates: [String]
    ) -> [(name: String, source: String)] {
        let rivals = candidates.prefix(maximumModels).filter { $0 != prefix && !$0.isEmpty && !prefix.hasPrefix($0) }
        let names = sources.map { $0.hasPrefix(prefix) ? String($0.dropFirst(prefix.count)) : nil }
        let taken = Set(names.compactMap(\.self))
        return zip(sources, names).compactMap { source, name in
            if let name { return (name, source) }
            let isOthers = rivals.contains(where: source.hasPrefix) || taken.contains(source)
            return isOthers ? nil : (source, source)
        }
    }

    /// All that the names of a whole set of landmarks begin with, in the file's order.
    private static func prefixes(_ sources: [String], _ landmarks: [String]) -> [String] {
        guard let first = landmarks.first else { return [] }
        let names = Set(sources)
        return sources.filter { $0.hasSuffix(first) }.map { String($0.dropLast(first.count)) }.filter { prefix in
            (prefix.isEmpty || prefix.hasSuffix(".")) && landmarks.allSatisfy { names.contains(prefix + $0) }
        }
    }

    /// Whether a key or prefix is that of averages of a model's weights.
    static func meansAverage(_ name: String) -> Bool {
        name.lowercased().split { !$0.isLetter }.contains { ["ema", "swa", "averaged"].contains($0) }
    }

    /// A number of tensors, in words.
    static func count(_ number: Int) -> String { number == 1 ? "1 tensor" : "\(number) tensors" }

    /// What a file has, in words.
    static func overview(_ names: [String]) -> String {
        let shown = names.prefix(4).map { TorchCheckpointError.shown($0) }
        let list = shown.joined(separator: ", ") + (names.count > shown.count ? ", …" : "")
        return count(names.count) + (names.isEmpty ? "" : ": \(list)")
    }
}
