import Apus
import ApusExamples
import ApusInspection
import ArgumentParser
import ToolOptions

/// Steps that are compared with PyTorch (Tests/Benchmarks): examples at sizes of practice, and parts of models.
enum ModelTask: String, CaseIterable, ExpressibleByArgument {
    case resnet18
    case resnet18Inference = "resnet18-infer"
    case unet, separable, transformer, lstm

    /// The compiled step; `size` is the side of images, or the length of sequences.
    func compiled(size: Int, batch: Int, by compiler: Compiler) throws -> CompiledStep {
        let sgd = Optimizer.sgd(learningRate: 0.01, momentum: 0.9)
        switch self {
        case .resnet18:
            return try compiler.compile(
                TrainingStep(rawValue, optimizer: sgd) {
                    let labels = Input("labels", [batch], .int32)
                    Loss(crossEntropy(ResNet18()(Input("images", [batch, 3, size, size])), labels))
                })
        case .resnet18Inference:
            return try compiler.compile(
                InferenceStep(rawValue) { Output("logits", ResNet18()(Input("images", [batch, 3, size, size]))) })
        case .unet:
            return try compiler.compile(
                TrainingStep(rawValue, optimizer: sgd) {
                    let masks = Input("masks", [batch, 1, size, size])
                    Loss(binaryCrossEntropy(UNet()(Input("images", [batch, 1, size, size])), masks))
                })
        case .separable:
            return try compiler.compile(
                TrainingStep(rawValue, optimizer: sgd) {
                    let y = SeparableBlock(channels: 32)(Input("images", [batch, 32, size, size]))
                    Loss(mean(y * y))
                })
        case .transformer:
            return try compiler.compile(
                TrainingStep(rawValue, optimizer: .adamW(learningRate: 1e-4)) {
                    var model = CharacterTransformer(vocabulary: 96)
                    (model.context, model.dim, model.heads, model.blocks, model.dropout) = (size, 384, 6, 6, 0)
                    let logits = model(Input("characters", [batch, size], .int32)).reshape([-1, 96])
                    Loss(crossEntropy(logits, Input("next", [batch, size], .int32).reshape([-1])))
                })
        case .lstm:
            return try compiler.compile(
                TrainingStep(rawValue, optimizer: sgd) {
                    let states = LSTM(256, 256, layers: 2).named("lstm")(Input("series", [batch, size, 256]))
                    let y = Linear(256, 1).named("head")(states.slice(size - 1..<size, axis: 1))
                    Loss(mean(y * y))
                })
        }
    }
}

/// An inverted residual of MobileNetV2 (Sandler et al. 2018) of as many channels as it gets.
///
/// *Shapes*: [batch, channels, height, width] -> the same.
struct SeparableBlock: Layer {
    let channels: Int
    var expansion = 6

    var body: some Layer {
        Residual {
            Conv2D(channels, expansion * channels, kernel: 1, bias: false)
            BatchNorm(expansion * channels)
            ReLU6()
            Conv2D(
                expansion * channels, expansion * channels, kernel: 3, padding: 1, groups: expansion * channels,
                bias: false)
            BatchNorm(expansion * channels)
            ReLU6()
            Conv2D(expansion * channels, channels, kernel: 1, bias: false)
            BatchNorm(channels)
        }
    }
}

struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Time a step of a model on random inputs.")

    @Option(help: "What to run.")
    var task = ModelTask.resnet18

    @Option(help: "The side of images, or the length of sequences.")
    var preset = 64

    @Option(help: "Samples in a batch.")
    var batch = 32

    @Option(help: "Runs to time, after two that are not.")
    var steps = 5

    @OptionGroup var machine: MachineOptions

    @Flag(help: "Print one line of JSON.")
    var json = false

    @Flag(help: "Also print the time that each step of the program takes.")
    var profile = false

    func validate() throws {
        for (name, value) in [("preset", preset), ("batch", batch), ("steps", steps)] {
            guard (1...65536).contains(value) else {
                throw ValidationError("--\(name) is \(value); it must be from 1 to 65536.")
            }
        }
    }

    func run() throws {
        let trial = try StepTrial(
            machine.options, threads: machine.workers.threads, pinned: machine.workers.pinned, cache: machine.cache
        ) {
            try task.compiled(size: preset, batch: batch, by: $0)
        }
        let result = try trial.benchmark(
            task: task.rawValue, preset: String(preset), batch: batch, steps: steps, observing: profile)
        print(json ? result.json(version: BuildDescription.version) : result.table)
        if let profile = result.profile { print("\nmachine: \(profile.peak)\n\(profile.table)\n\n\(profile.layers)") }
    }
}
