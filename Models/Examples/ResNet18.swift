import Apus

/// A residual network of 18 layers (He, Zhang, Ren, Sun 2015), with the structure of torchvision's `resnet18` and its
/// names of weights, so that checkpoints go both ways.
///
/// *Shapes*: [batch, 3, height, width] -> logits [batch, classes].
public struct ResNet18: Layer {
    /// Classes, and channels of the first stage; each stage after it has twice as many.
    public let classes: Int, width: Int

    /// A network as published: 1000 classes and 64 channels.
    public init(classes: Int = 1000, width: Int = 64) { (self.classes, self.width) = (classes, width) }

    public var body: some Layer {
        Conv2D(3, width, kernel: 7, stride: 2, padding: 3, bias: false).named("conv1")
        BatchNorm(width).named("bn1")
        ReLU()
        MaxPool2D(3, stride: 2, padding: 1)
        stage(width, width, stride: 1).named("layer1")
        stage(width, 2 * width, stride: 2).named("layer2")
        stage(2 * width, 4 * width, stride: 2).named("layer3")
        stage(4 * width, 8 * width, stride: 2).named("layer4")
        GlobalAveragePool()
        Linear(8 * width, classes).named("fc")
    }

    /// Two blocks, called `0` and `1` by their places.
    private func stage(_ input: Int, _ output: Int, stride: Int) -> Sequential {
        Sequential {
            BasicBlock(input, output, stride: stride)
            BasicBlock(output, output, stride: 1)
        }
    }
}

/// Two convolutions around which the image goes, too.
///
/// *Shapes*: [batch, input, height, width] -> [batch, output, height / stride, width / stride].
public struct BasicBlock: Layer {
    public let input: Int, output: Int, stride: Int

    public init(_ input: Int, _ output: Int, stride: Int) {
        (self.input, self.output, self.stride) = (input, output, stride)
    }

    public var body: some Layer {
        Residual {
            Conv2D(input, output, kernel: 3, stride: stride, padding: 1, bias: false).named("conv1")
            BatchNorm(output).named("bn1")
            ReLU()
            Conv2D(output, output, kernel: 3, padding: 1, bias: false).named("conv2")
            BatchNorm(output).named("bn2")
        } shortcut: {
            if stride != 1 || input != output {
                Sequential {
                    Conv2D(input, output, kernel: 1, stride: stride, bias: false)
                    BatchNorm(output)
                }.named("downsample")
            }
        }
        ReLU()
    }
}

extension ResNet18 {
    /// The accuracy on images that the model was not trained on.
    public static let stated = ExampleResult.Goal.atLeast(0.96)

    /// A step of training on `batch` images of ``ColouredShapes``.
    public static func step(batch: Int, width: Int = 16) -> TrainingStep {
        TrainingStep("resnet", optimizer: .sgd(learningRate: 0.05, momentum: 0.9, weightDecay: 5e-4)) {
            let labels = Input("labels", [batch], .int32)
            let model = ResNet18(classes: ColouredShapes.classes.count, width: width)
            let logits = model(Input("images", [batch, 3, ColouredShapes.side, ColouredShapes.side]))
            Loss(crossEntropy(logits, labels))
            Metric("accuracy", accuracy(logits, labels))
        }
    }

    /// Trains a narrow network on generated images, and measures on others.
    public static func train(_ options: ExampleOptions) throws -> ExampleResult {
        let epochs = options.epochs ?? 12
        let state = try options.trained { folder in
            try fit(
                step(batch: 32), ColouredShapes(count: 2400, seed: options.seed), in: folder,
                settings: options.settings(epochs: epochs),
                schedule: .oneCycle(peak: 0.05, epochs: Double(epochs)), output: options.output)
        }

        let test = try ColouredShapes(count: 500, seed: ~options.seed).batch(Array(0..<500), epoch: 0)
        let classes = InferenceStep("resnet") {
            let images = Input("images", [50, 3, ColouredShapes.side, ColouredShapes.side])
            Output("class", argmax(ResNet18(classes: ColouredShapes.classes.count, width: 16)(images)))
        }
        let predicted = try options.compiler().compile(classes).predict(state, test)
        return ExampleResult(
            name: "resnet", measure: "accuracy", reached: shareOfEqual(predicted["class"], test["labels"]),
            stated: stated)
    }
}

/// Generated images of a figure in any colour, place and size, on a ground of any other, with noise: `images` f32
/// [n, 3, 32, 32] and `labels` i32 [n], the figure.
///
/// An image is made when it is asked for, of nothing but seed and number.
public struct ColouredShapes: DataSource {
    /// Width and height of an image.
    public static let side = 32
    /// The figures, in the order of their labels.
    public static let classes = ["disc", "square", "triangle", "ring"]

    public let count: Int, seed: Int

    public init(count: Int, seed: Int) { (self.count, self.seed) = (count, seed) }

    public func batch(_ samples: [Int], epoch: Int) throws -> [String: TensorData] {
        let drawn = samples.map(image)
        return [
            "images": try TensorData(drawn.flatMap(\.pixels), shape: [samples.count, 3, Self.side, Self.side]),
            "labels": try TensorData(drawn.map(\.label)),
        ]
    }

    private func image(_ sample: Int) -> (pixels: [Float], label: Int) {
        var random = CounterRandom(seed: UInt64(bitPattern: Int64(seed)), index: sample, purpose: .exampleData)
        let label = random.integer(below: Self.classes.count), radius = random.uniform(in: 6...11)
        let centre = (x: random.uniform(in: 11...20), y: random.uniform(in: 11...20))
        var pixels: [Float] = []
        for _ in 0..<3 {
            // In each colour, figure and ground differ, one way or the other.
            let ground = random.uniform(in: -1...1), difference = random.uniform(in: 0.3...1)
            let figure = ground > 0 ? ground - difference : ground + difference
            for place in 0..<Self.side * Self.side {
                let (row, column) = (Double(place / Self.side), Double(place % Self.side))
                let isInside = Self.contains(label, (column - centre.x) / radius, (row - centre.y) / radius)
                pixels.append(Float((isInside ? figure : ground) + 0.1 * random.normal()))
            }
        }
        return (pixels, label)
    }

    /// Whether a point lies in the figure that touches the square from −1 to 1 from inside.
    private static func contains(_ label: Int, _ x: Double, _ y: Double) -> Bool {
        switch classes[label] {
        case "disc": x * x + y * y < 1
        case "square": max(abs(x), abs(y)) < 0.85
        case "triangle": y < 0.8 && y > 2 * abs(x) - 1
        default: 0.3..<1 ~= x * x + y * y
        }
    }
}
