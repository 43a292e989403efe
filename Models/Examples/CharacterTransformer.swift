import Apus
import Foundation

/// A causal transformer over characters, of the kind of GPT-2 (Radford et al. 2019): each place tells the next
/// character from those up to it.
///
/// *Shapes*: i32 [batch, context] -> logits [batch, context, vocabulary].
public struct CharacterTransformer: Layer {
    /// How many characters there are.
    public let vocabulary: Int
    /// How many characters the model sees at once.
    public var context = 64
    public var dim = 96, heads = 4, blocks = 3
    /// The chance of numbers to be dropped in training.
    public var dropout = 0.1

    public init(vocabulary: Int) { self.vocabulary = vocabulary }

    public func callAsFunction(_ characters: Tensor) -> Tensor {
        let positions = weight("wpe.weight", [context, dim], .normal(deviation: 1))
        let trunk = Sequential {
            Dropout(dropout)
            for block in 0..<blocks { DecoderBlock(dim: dim, heads: heads, dropout: dropout).named("h.\(block)") }
            LayerNorm(dim).named("ln_f")
            Linear(dim, vocabulary, bias: false).named("lm_head")
        }
        return trunk(Embedding(vocabulary, dim).named("wte")(characters) + positions)
    }
}

/// Attention to earlier places and a perceptron, each after a normalisation and beside a way around it.
///
/// *Shapes*: [batch, tokens, dim] -> the same.
public struct DecoderBlock: Layer {
    public let dim: Int, heads: Int, dropout: Double

    public init(dim: Int, heads: Int, dropout: Double) { (self.dim, self.heads, self.dropout) = (dim, heads, dropout) }

    public var body: some Layer {
        Residual {
            LayerNorm(dim).named("ln_1")
            SelfAttention(dim, heads: heads, masks: [.causal]).named("attn")
            Dropout(dropout)
        }
        Residual {
            LayerNorm(dim).named("ln_2")
            Linear(dim, 4 * dim).named("mlp.c_fc")
            GELU()
            Linear(4 * dim, dim).named("mlp.c_proj")
            Dropout(dropout)
        }
    }
}

extension CharacterTransformer {
    /// Bits per character of text that the model was not trained on.
    public static let stated = ExampleResult.Goal.atMost(2.7)

    /// The loss at each place of windows of text: [batch, context].
    private func losses(_ batch: Int) -> Tensor {
        let logits = self(Input("tokens", [batch, context], .int32))
        let next = Input("next", [batch, context], .int32).reshape([-1])
        return crossEntropy(logits.reshape([-1, vocabulary]), next, reduction: .none).reshape([batch, context])
    }

    /// A step of training on `batch` windows of `TextData`.
    public func step(batch: Int) -> TrainingStep {
        TrainingStep(
            "gpt",
            optimizer: .adamW(learningRate: 2e-3, betas: (0.9, 0.99), weightDecay: 0.1).clippingGradients(toNorm: 1)
        ) { Loss(mean(losses(batch))) }
    }

    /// Trains on nine tenths of a text, measures on the rest, and writes on from a word.
    ///
    /// Throws if the text is shorter than 10,000 characters, and what `fit` throws.
    public static func train(_ text: ExampleText, _ options: ExampleOptions) throws -> ExampleResult {
        let model = CharacterTransformer(vocabulary: text.vocabulary.count)
        guard text.tokens.count >= 10_000 else {
            throw ExampleError.data(path: "the text", problem: "\(text.tokens.count) characters are too few")
        }
        let parts = text.split(), epochs = options.epochs ?? 25
        let training = try TextData(parts.training, context: model.context, randomStarts: options.seed)
        let state = try options.trained { folder in
            try fit(
                model.step(batch: 16), training, in: folder, settings: options.settings(epochs: epochs),
                schedule: .warmup(epochs: 0.5, then: .cosine(base: 2e-3, minimum: 1e-4, epochs: Double(epochs) - 0.5)),
                output: options.output)
        }

        let test = try TextData(parts.test, context: model.context)
        let losses = InferenceStep("gpt") { Output("losses", model.losses(16)) }
        let measured = try options.compiler().compile(losses).predict(
            state, test.batch(Array(0..<test.count), epoch: 0))
        let nats = measured["losses"]?.floats ?? []
        let bits = Double(nats.reduce(0, +)) / Double(max(nats.count, 1)) / Foundation.log(2)
        return ExampleResult(
            name: "gpt", measure: "bits per character", reached: bits, stated: stated,
            picture: try model.text(after: "A layer", length: 300, text, state, options))
    }

    /// Characters that the model writes after others, drawn one by one from its probabilities.
    ///
    /// - Parameters:
    ///   - start: Characters of the text's vocabulary, at least one; others are left out.
    ///   - temperature: What logits are divided by: below 1 likely characters become likelier. It is above 0.
    public func text(
        after start: String, length: Int, temperature: Double = 0.7, _ text: ExampleText, _ state: ProgramState,
        _ options: ExampleOptions
    ) throws -> String {
        let step = InferenceStep("next_character") {
            Output("logits", self(Input("tokens", [1, context], .int32)))
        }
        let program = try options.compiler().compile(step)
        var random = CounterRandom(seed: UInt64(bitPattern: Int64(options.seed)), purpose: .exampleText)
        var written = text.vocabulary.knownTokens(of: start)
        guard !written.isEmpty else { throw ExampleError.data(path: "'\(start)'", problem: "no character is known") }
        guard length >= 0, temperature > 0 else {
            throw ExampleError.data(
                path: "'\(start)'", problem: "\(length) characters at the temperature \(temperature) cannot be drawn")
        }
        for _ in 0..<length {
            // What stands behind the last character is not seen by it.
            let seen = written.suffix(context), padding = [Int](repeating: 0, count: context - seen.count)
            let outputs = try program.run(state, ["tokens": TensorData(seen + padding, shape: [1, context])])
            let logits = outputs["logits"]?.floats[(seen.count - 1) * vocabulary..<seen.count * vocabulary] ?? []
            written.append(Self.drawn(logits.map { Double($0) / temperature }, &random))
        }
        return text.vocabulary.text(of: written)
    }

    /// An index with the chance that softmax of the logits gives it.
    private static func drawn(_ logits: [Double], _ random: inout CounterRandom) -> Int {
        let largest = logits.max() ?? 0, chances = logits.map { Foundation.exp($0 - largest) }
        var rest = random.uniform() * chances.reduce(0, +)
        for (index, chance) in chances.enumerated() {
            rest -= chance
            if rest < 0 { return index }
        }
        return chances.count - 1
    }
}
