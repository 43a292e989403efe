import Apus
import Foundation

/// A network that goes down to small images with many channels and up again, and hands details across (Ronneberger,
/// Fischer, Brox 2015), with group normalisation.
///
/// *Shapes*: [batch, inputs, height, width] with sides that 2^(levels − 1) divides -> logits [batch, outputs, height,
/// width].
public struct UNet: Layer {
    public let inputs: Int, outputs: Int
    /// Channels of each level, from the largest images to the smallest; multiples of 8.
    public let widths: [Int]

    public init(inputs: Int = 1, outputs: Int = 1, widths: [Int] = [64, 128, 256, 512]) {
        (self.inputs, self.outputs, self.widths) = (inputs, outputs, widths)
    }

    public func callAsFunction(_ images: Tensor) -> Tensor {
        var x = images, channels = inputs, details: [Tensor] = []
        for (level, width) in widths.enumerated() {
            if level > 0 { x = MaxPool2D(2)(x) }
            x = TwoConvolutions(channels, width).named("down.\(level)")(x)
            details.append(x)
            channels = width
        }
        for level in widths.indices.dropLast().reversed() {
            let width = widths[level]
            x = ConvTranspose2D(channels, width, kernel: 2, stride: 2).named("enlarge.\(level)")(x)
            x = TwoConvolutions(2 * width, width).named("up.\(level)")(concatenate([details[level], x], axis: 1))
            channels = width
        }
        return Conv2D(channels, outputs, kernel: 1).named("head")(x)
    }
}

/// Twice a convolution, a normalisation and a ReLU.
///
/// *Shapes*: [batch, input, height, width] -> [batch, output, height, width].
public struct TwoConvolutions: Layer {
    public let input: Int, output: Int

    public init(_ input: Int, _ output: Int) { (self.input, self.output) = (input, output) }

    public var body: some Layer {
        for channels in [input, output] {
            Conv2D(channels, output, kernel: 3, padding: 1, bias: false)
            GroupNorm(groups: 8, output)
            ReLU()
        }
    }
}

extension UNet {
    /// Dice's coefficient of all pixels of images that the model was not trained on.
    public static let stated = ExampleResult.Goal.atLeast(0.95)
    /// The widths that are trained here.
    public static let narrow = [8, 16, 32]

    /// A step of training on `batch` images of ``Phantoms``.
    public static func step(batch: Int) -> TrainingStep {
        TrainingStep("unet", optimizer: .adamW(learningRate: 0.02)) {
            let shape = [batch, 1, Phantoms.side, Phantoms.side]
            let masks = Input("masks", shape)
            let logits = UNet(widths: narrow)(Input("images", shape))
            Loss(binaryCrossEntropy(logits, masks) + diceLoss(sigmoid(logits), masks))
        }
    }

    /// Trains a narrow network on generated images, and measures on others.
    public static func train(_ options: ExampleOptions) throws -> ExampleResult {
        let epochs = options.epochs ?? 9
        let state = try options.trained { folder in
            try fit(
                step(batch: 4), Phantoms(count: 400, seed: options.seed), in: folder,
                settings: options.settings(epochs: epochs),
                schedule: .oneCycle(peak: 0.02, epochs: Double(epochs)), output: options.output)
        }

        let test = try Phantoms(count: 100, seed: ~options.seed).batch(Array(0..<100), epoch: 0)
        let probabilities = InferenceStep("unet") {
            let images = Input("images", [20, 1, Phantoms.side, Phantoms.side])
            Output("probabilities", sigmoid(UNet(widths: narrow)(images)))
        }
        let predicted = try options.compiler().compile(probabilities).predict(state, test)
        return ExampleResult(
            name: "unet", measure: "Dice", reached: dice(predicted["probabilities"], test["masks"]), stated: stated)
    }

    /// 2 |A ∩ B| / (|A| + |B|), where A has the pixels above ½, and B the masks.
    private static func dice(_ probabilities: TensorData?, _ masks: TensorData?) -> Double {
        let a = probabilities?.floats.map { $0 > 0.5 } ?? [], b = masks?.floats.map { $0 > 0.5 } ?? []
        let common = zip(a, b).count { $0 && $1 }
        return 2 * Double(common) / Double(max(a.count { $0 } + b.count { $0 }, 1))
    }
}

/// Generated images of a body with organs and one to three bright spots, which the masks show: `images` and `masks` f32
/// [n, 1, 64, 64]. All of them are ellipses, and there is noise; the organs are brighter than the spots at times.
public struct Phantoms: DataSource {
    /// Width and height of an image.
    public static let side = 64

    public let count: Int, seed: Int

    public init(count: Int, seed: Int) { (self.count, self.seed) = (count, seed) }

    public func batch(_ samples: [Int], epoch: Int) throws -> [String: TensorData] {
        let drawn = samples.map(image), shape = [samples.count, 1, Self.side, Self.side]
        return [
            "images": try TensorData(drawn.flatMap(\.pixels), shape: shape),
            "masks": try TensorData(drawn.flatMap(\.mask), shape: shape),
        ]
    }

    private func image(_ sample: Int) -> (pixels: [Float], mask: [Float]) {
        var random = CounterRandom(seed: UInt64(bitPattern: Int64(seed)), index: sample, purpose: .exampleData)
        let body = Ellipse(0.7...0.95, offset: 0, &random)
        let organs = (0..<3).map { _ in Ellipse(0.15...0.4, offset: 0.5, &random) }
        let brightness = organs.map { _ in random.uniform(in: -0.3...0.3) }
        let spots = (0...random.integer(below: 3)).map { _ in Ellipse(0.06...0.15, offset: 0.5, &random) }
        var pixels: [Float] = [], mask: [Float] = []
        for place in 0..<Self.side * Self.side {
            let half = Double(Self.side) / 2
            let x = (Double(place % Self.side) + 0.5) / half - 1, y = (Double(place / Self.side) + 0.5) / half - 1
            let isSpot = spots.contains { $0.contains(x, y) }
            var value = body.contains(x, y) ? 0.4 : 0
            for (organ, brightness) in zip(organs, brightness) where organ.contains(x, y) { value += brightness }
            if isSpot { value += 0.4 }
            pixels.append(Float(value + 0.08 * random.normal()))
            mask.append(isSpot ? 1 : 0)
        }
        return (pixels, mask)
    }

    /// An ellipse in any direction around (x, y), with half axes a and b.
    private struct Ellipse {
        let x: Double, y: Double, a: Double, b: Double, sine: Double, cosine: Double

        init(_ sizes: ClosedRange<Double>, offset: Double, _ random: inout CounterRandom) {
            (x, y) = (random.uniform(in: -offset...offset), random.uniform(in: -offset...offset))
            (a, b) = (random.uniform(in: sizes), random.uniform(in: sizes))
            let angle = random.uniform(in: 0...(.pi))
            (sine, cosine) = (Foundation.sin(angle), Foundation.cos(angle))
        }

        func contains(_ px: Double, _ py: Double) -> Bool {
            let u = ((px - x) * cosine + (py - y) * sine) / a, v = ((py - y) * cosine - (px - x) * sine) / b
            return u * u + v * v < 1
        }
    }
}
