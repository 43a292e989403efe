import Apus

/// A multilayer perceptron that tells handwritten digits.
///
/// *Shapes*: [batch, 64] -> logits [batch, 10].
public struct DigitClassifier: Layer {
    public var width = 128

    public init() {}

    public var body: some Layer {
        Linear(Digits.pixelCount, width).named("fc1")
        ReLU()
        Dropout(0.2)
        Linear(width, width).named("fc2")
        ReLU()
        Dropout(0.2)
        Linear(width, Digits.classCount).named("fc3")
    }
}

extension DigitClassifier {
    /// The accuracy on digits that the model was not trained on.
    public static let stated = ExampleResult.Goal.atLeast(0.96)

    /// A step of training on `batch` images.
    public static func step(batch: Int) -> TrainingStep {
        TrainingStep("digits", optimizer: .adamW(learningRate: 2e-3)) {
            let labels = Input("labels", [batch], .int32)
            let logits = DigitClassifier()(Input("images", [batch, Digits.pixelCount]))
            Loss(crossEntropy(logits, labels))
            Metric("accuracy", accuracy(logits, labels))
        }
    }

    /// Trains on four fifths of the digits, and measures on the others.
    ///
    /// Throws if there are fewer digits to train on than a batch has, and what `fit` throws.
    public static func train(_ digits: Digits, _ options: ExampleOptions) throws -> ExampleResult {
        let (training, test) = try digits.split()
        let epochs = options.epochs ?? 40
        let state = try options.trained { folder in
            try fit(
                step(batch: 32), training, in: folder, settings: options.settings(epochs: epochs),
                schedule: .cosine(base: 2e-3, epochs: Double(epochs)), output: options.output)
        }

        let classes = InferenceStep("digits") {
            Output("class", argmax(DigitClassifier()(Input("images", [60, Digits.pixelCount]))))
        }
        let predicted = try options.compiler().compile(classes).predict(state, test.tensors)
        return ExampleResult(
            name: "digits", measure: "accuracy", reached: shareOfEqual(predicted["class"], test.tensors["labels"]),
            stated: stated)
    }
}
