import Apus
import Foundation

/// How an example is trained, where it leaves that to its caller.
public struct ExampleOptions {
    /// Draws weights, the order of samples, and what is generated.
    public var seed = 0
    /// Threads to run on; nil for as many as `ThreadChoice` says.
    public var threads: Int?
    /// Whether each thread stays on a processor of its own.
    public var pinned = false
    /// Passes through the data; nil for as many as the stated number takes.
    public var epochs: Int?
    /// Where progress is shown.
    public var output = TrainingOutput.silent

    /// Options of which nothing is set.
    public init() {}

    /// What `fit` is told. Generated kernels compute all products, so that a seed gives the same weights in each call.
    func settings(epochs: Int) -> FitSettings {
        var settings = FitSettings(epochs: epochs, seed: seed)
        (settings.products, settings.checkpointInterval) = (.generated, epochs)
        (settings.threads, settings.pinned) = (threads, pinned)
        return settings
    }

    /// A compiler for what is computed with trained weights, by generated kernels too.
    func compiler() throws -> Compiler {
        try Compiler(CompilerOptions(products: .generated), threads: threads, pinned: pinned)
    }

    /// Lets a run of `fit` have a folder of its own, which is removed afterwards, and returns the trained weights.
    ///
    /// Throws ``ExampleError/stopped`` if training was asked to stop, and what the run throws.
    func trained(_ run: (_ folder: String) throws -> FitResult) throws -> ProgramState {
        let folder = FileManager.default.temporaryDirectory.appending(path: "apus-example-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let result = try run(folder.path)
        guard result.isFinished else { throw ExampleError.stopped }
        return result.state
    }
}

/// The number that an example has reached, and the one that it states.
public struct ExampleResult: Sendable, CustomStringConvertible {
    /// What a number is compared with.
    public enum Goal: Hashable, Sendable {
        case atLeast(Double)
        case atMost(Double)
    }

    /// The example's name, and what its number is.
    public let name: String, measure: String
    public let reached: Double
    public let stated: Goal
    /// What the trained model makes, as text to look at; empty if there is nothing to see.
    public let picture: String

    public init(name: String, measure: String, reached: Double, stated: Goal, picture: String = "") {
        (self.name, self.measure, self.reached) = (name, measure, reached)
        (self.stated, self.picture) = (stated, picture)
    }

    /// Whether the number is as good as stated.
    public var isReached: Bool {
        switch stated {
        case .atLeast(let number): reached >= number
        case .atMost(let number): reached <= number
        }
    }

    /// For example "digits: reached 0.9806, stated 0.9700 at least (accuracy)".
    public var description: String {
        func text(_ number: Double) -> String { String(format: "%.4f", number) }
        let goal =
            switch stated {
            case .atLeast(let number): "\(text(number)) at least"
            case .atMost(let number): "\(text(number)) at most"
            }
        return "\(name): reached \(text(reached)), stated \(goal) (\(measure))"
    }
}

/// Why an example came to no result.
public enum ExampleError: Error, Hashable, CustomStringConvertible {
    /// Training was asked to stop.
    case stopped
    /// A file, or a folder of files, that is not what the example reads.
    case data(path: String, problem: String)

    public var description: String {
        switch self {
        case .stopped: "training was stopped"
        case .data(let path, let problem): "\(path): \(problem)"
        }
    }
}

extension CounterRandom.Purpose {
    /// Data that the examples generate.
    static let exampleData = CounterRandom.Purpose(rawValue: 32)
    /// Which samples of a data set are tested with.
    static let exampleSplit = CounterRandom.Purpose(rawValue: 33)
    /// Characters that are drawn from a language model.
    static let exampleText = CounterRandom.Purpose(rawValue: 34)
}

extension CounterRandom {
    /// A number of the standard normal distribution (Box and Muller 1958).
    mutating func normal() -> Double {
        // 1 − u is in (0, 1], whose logarithm is finite.
        (-2 * Foundation.log(1 - uniform())).squareRoot() * Foundation.cos(2 * .pi * uniform())
    }
}

/// The share of predicted classes that are the labels'.
func shareOfEqual(_ predicted: TensorData?, _ labels: TensorData?) -> Double {
    let (predicted, labels) = (predicted?.integers ?? [], labels?.integers ?? [])
    return Double(zip(predicted, labels).count { $0 == $1 }) / Double(max(labels.count, 1))
}
