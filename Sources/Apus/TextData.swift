import ApusData
import ApusFiles
import ApusRuntime
import ApusTraining

/// Windows of a text, each with the token that follows at each of its places, as a language model learns from them.
///
/// *Shapes*: `tokens` i32 [n, context], and `next` of the same shape, which is one token further.
///
/// ```swift
/// let text = try TextFile.read("book.txt"), vocabulary = Vocabulary(charactersOf: text)
/// let data = try TextData(vocabulary.tokens(of: text), context: 64, randomStarts: 0)
/// ```
public struct TextData: DataSource {
    /// The tokens of the whole text.
    public let tokens: [Int32]
    /// Tokens of a window.
    public let context: Int
    public let count: Int
    private let seed: UInt64?
    private let inputs: (tokens: String, next: String)

    /// Windows that cover a text once.
    ///
    /// - Parameters:
    ///   - tokens: What a ``Vocabulary`` makes of the text, or any other tokens.
    ///   - context: Tokens of a window.
    ///   - seed: Draws where windows begin, at other places in each epoch; nil for one window after the other.
    ///   - inputs: What the step calls the two.
    /// - Throws: ``DataSourceError/noSamples(_:)`` if there are not enough tokens for a window and one more, or if a
    ///   token is no number of i32 from 0 on.
    public init(
        _ tokens: [Int], context: Int, randomStarts seed: Int? = nil,
        inputs: (tokens: String, next: String) = ("tokens", "next")
    ) throws(DataSourceError) {
        guard context > 0, tokens.count > context else {
            throw .noSamples("the text has \(tokens.count) tokens, and a window of \(context) takes \(context + 1)")
        }
        self.tokens = tokens.compactMap { $0 < 0 ? nil : Int32(exactly: $0) }
        guard self.tokens.count == tokens.count else {
            let place = tokens.firstIndex { !(0...Int(Int32.max) ~= $0) } ?? 0
            throw .noSamples("token \(place) of the text is \(tokens[place]), and tokens are numbers of i32 from 0 on")
        }
        (self.context, self.inputs) = (context, inputs)
        self.seed = seed.map { UInt64(bitPattern: Int64($0)) }
        count = (tokens.count - 1) / context
    }

    public func batch(_ samples: [Int], epoch: Int) throws -> [String: TensorData] {
        if let missing = samples.first(where: { !(0..<count ~= $0) }) {
            throw DataSourceError.noSamples("there is no window \(missing) among \(count)")
        }
        let starts = samples.map { sample in
            guard let seed else { return sample * context }
            var random = CounterRandom(seed: seed, epoch: epoch, index: sample, purpose: .window)
            return random.integer(below: tokens.count - context)
        }
        let shape = [samples.count, context]
        return [
            inputs.tokens: try TensorData(starts.flatMap { tokens[$0..<$0 + context] }, shape: shape),
            inputs.next: try TensorData(starts.flatMap { tokens[$0 + 1..<$0 + 1 + context] }, shape: shape),
        ]
    }

    public func name(of sample: Int) -> String {
        seed == nil ? "the window at token \(sample * context)" : "window \(sample)"
    }

    public var identity: DataIdentity? {
        DataIdentity(classes: [], images: "\(tokens.count) tokens in windows of \(context)")
    }
}

extension CounterRandom.Purpose {
    /// Where a window of a text begins.
    fileprivate static let window = CounterRandom.Purpose(rawValue: 5)
}
