import Apus

/// A variational autoencoder (Kingma and Welling 2013): an encoder that tells of an image the mean and the variance of
/// a code, and a decoder that makes an image of a code.
public struct VariationalAutoencoder {
    public var width = 128, codes = 8

    public init() {}

    /// *Shapes*: images [n, 64] -> means and logarithms of variances, [n, 2 · codes].
    public var encoder: some Layer {
        Sequential {
            Linear(Digits.pixelCount, width).named("fc1")
            ReLU()
            Linear(width, 2 * codes).named("fc2")
        }.named("encoder")
    }

    /// *Shapes*: codes [n, codes] -> logits of pixels, [n, 64].
    public var decoder: some Layer {
        Sequential {
            Linear(codes, width).named("fc1")
            ReLU()
            Linear(width, Digits.pixelCount).named("fc2")
        }.named("decoder")
    }

    /// The evidence lower bound of the logarithm of each image's probability, with one draw of its code.
    ///
    /// *Shapes*: images [n, 64] -> [n].
    public func evidenceLowerBound(_ images: Tensor) -> Tensor {
        let code = split(encoder(images), into: 2, axis: 1), mean = code[0], logVariance = code[1]
        let logits = decoder(mean + exp(logVariance * 0.5) * randomNormal(mean.shape))
        let reconstruction = sum(binaryCrossEntropy(logits, images, reduction: .none), axes: [1])
        // Kullback-Leibler divergence of the code from the standard normal distribution.
        let divergence = sum(mean * mean + exp(logVariance) - logVariance - 1, axes: [1]) * 0.5
        return -(reconstruction + divergence)
    }
}

extension VariationalAutoencoder {
    /// The evidence lower bound in nats, of digits that the model was not trained on, and of generated spots.
    public static let stated = ExampleResult.Goal.atLeast(-25), statedOfSpots = ExampleResult.Goal.atLeast(-10.5)

    /// A step of training on `batch` images.
    public static func step(batch: Int) -> TrainingStep {
        TrainingStep("vae", optimizer: .adamW(learningRate: 2e-3)) {
            let images = Input("images", [batch, Digits.pixelCount])
            Loss(-mean(VariationalAutoencoder().evidenceLowerBound(images)))
        }
    }

    /// Trains on four fifths of the images, measures on the others, and makes new ones.
    ///
    /// - Parameter areSpots: Whether the images are generated, of which another number is stated.
    public static func train(_ digits: Digits, areSpots: Bool = false, _ options: ExampleOptions) throws
        -> ExampleResult
    {
        let (training, test) = try digits.split()
        let images = try ArrayData(training.tensors.filter { $0.key == "images" })
        let epochs = options.epochs ?? 60
        let state = try options.trained { folder in
            try fit(
                step(batch: 32), images, in: folder, settings: options.settings(epochs: epochs),
                schedule: .cosine(base: 2e-3, epochs: Double(epochs)), output: options.output)
        }

        let bounds = InferenceStep("vae") {
            Output("bound", VariationalAutoencoder().evidenceLowerBound(Input("images", [60, Digits.pixelCount])))
        }
        let measured = try options.compiler().compile(bounds).predict(state, test.tensors)
        let nats = measured["bound"]?.floats ?? []
        return ExampleResult(
            name: "vae", measure: "evidence lower bound in nats",
            reached: Double(nats.reduce(0, +)) / Double(max(nats.count, 1)), stated: areSpots ? statedOfSpots : stated,
            picture: try picture(images: 6, state, options))
    }

    /// New images beside each other, made of codes of the standard normal distribution, as lines of characters.
    public static func picture(images count: Int, _ state: ProgramState, _ options: ExampleOptions) throws -> String {
        let model = VariationalAutoencoder()
        let step = InferenceStep("decoder") {
            Output("images", sigmoid(model.decoder(Input("codes", [count, model.codes]))))
        }
        var random = CounterRandom(seed: UInt64(bitPattern: Int64(options.seed)), purpose: .exampleData)
        let codes = (0..<count * model.codes).map { _ in random.normal() }
        let outputs = try options.compiler().compile(step).predict(
            state, ["codes": TensorData(codes, shape: [count, model.codes])])
        let pixels = outputs["images"]?.floats ?? [], shades = Array(" .:-=+*#%@")
        return (0..<Digits.side).map { row in
            (0..<count).map { image in
                let first = image * Digits.pixelCount + row * Digits.side
                return String(pixels[first..<first + Digits.side].map { shades[min(Int($0 * 10), 9)] })
            }.joined(separator: "  ")
        }.joined(separator: "\n")
    }
}
