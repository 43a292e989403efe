import Apus
import ApusExamples
import ArgumentParser
import ToolOptions

/// The examples by the names that they have on the command line.
enum ExampleName: String, CaseIterable, ExpressibleByArgument {
    case digits, resnet, unet, gpt, vae, gru
}

@main
struct ExamplesTool: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apus-examples", abstract: "Train and time the example models.",
        subcommands: [Train.self, Bench.self], defaultSubcommand: Train.self)
}

struct Train: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Train the example models, and compare what they reach with what is stated.",
        discussion: """
            Prints one line for each model, and ends with status 1 if one of them has not reached its number. Without names, all \
            are trained for which there is data.
            """)

    @Argument(help: "Which models to train.")
    var names: [ExampleName] = []

    @Option(help: "Draws weights, the order of samples, and what is generated.")
    var seed = 0

    @OptionGroup var workers: ThreadOptions

    @Option(help: "Passes through the data. (default: as many as the stated number takes)")
    var epochs: Int?

    @Option(
        help: ArgumentHelp(
            "scikit-learn's digits.csv, unpacked, for digits and vae; without it, vae has generated images.",
            valueName: "file"))
    var digits: String?

    @Option(
        help: ArgumentHelp(
            "A folder whose Markdown files, and those of Docs in it, gpt is trained on.", valueName: "folder"))
    var texts = "."

    @Flag(help: "Show progress, and what the trained models make.")
    var show = false

    func validate() throws {
        if let epochs, !(1...10_000).contains(epochs) {
            throw ValidationError("--epochs is \(epochs); it must be from 1 to 10000.")
        }
        if names.contains(.digits), digits == nil {
            throw ValidationError("digits takes --digits FILE, scikit-learn's digits.csv; Scripts/examples finds it.")
        }
    }

    func run() throws {
        var options = ExampleOptions()
        (options.seed, options.epochs) = (seed, epochs)
        (options.threads, options.pinned) = (workers.threads, workers.pinned)
        if show { options.output = .standard }
        Interrupt.install()
        let all = ExampleName.allCases.filter { $0 != .digits || digits != nil }
        var haveReached = true
        for name in names.isEmpty ? all : names {
            let result: ExampleResult
            do {
                result = try trained(name, options)
            } catch ExampleError.stopped {
                throw ExitCode(128 + (Interrupt.signal ?? 0))
            }
            // Line by line, also into a pipe.
            TrainingOutput.standard.say("\(result)")
            if show, !result.picture.isEmpty { TrainingOutput.standard.say(result.picture) }
            haveReached = haveReached && result.isReached
        }
        if !haveReached { throw ExitCode.failure }
    }

    private func trained(_ name: ExampleName, _ options: ExampleOptions) throws -> ExampleResult {
        switch name {
        case .digits: try DigitClassifier.train(images(), options)
        case .resnet: try ResNet18.train(options)
        case .unet: try UNet.train(options)
        case .gpt: try CharacterTransformer.train(ExampleText(documentsIn: texts), options)
        case .vae: try VariationalAutoencoder.train(images(), areSpots: digits == nil, options)
        case .gru: try SeriesForecaster.train(options)
        }
    }

    /// The handwritten digits, or generated images where their file is not given.
    private func images() throws -> Digits {
        try digits.map { try Digits(contentsOf: $0) } ?? Digits(spots: 1800, seed: seed)
    }
}
