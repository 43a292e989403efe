import ApusFiles
import Foundation

/// Several runs that differ in their seeds alone, in the folders RUN/seed-0, RUN/seed-1 and so on; RUN/summary.json
/// compares them.
public struct SeedRuns<Task: TrainingTask> {
    private let path: String
    private let plans: [(seed: Int, plan: RunPlan<Task.Settings>)]
    /// Texts that are kept in the folder, by the names of their files.
    public var documents: [String: String] = [:]

    /// Plans new runs with consecutive seeds from the given one on. Throws what ``RunPlan/init(startingIn:given:)``
    /// throws.
    public init(startingIn out: String, count: Int, given: [String: SettingValue]) throws {
        let first = try Task.Settings().changed(by: given).seed
        try self.init(startingIn: out, seeds: Self.seeds(from: first, count: count), given: given)
    }

    /// Plans new runs with some seeds. Throws what ``RunPlan/init(startingIn:given:)`` throws.
    init(startingIn out: String, seeds: [Int], given: [String: SettingValue]) throws {
        path = out
        plans = try seeds.map { seed in
            (
                seed,
                try RunPlan(startingIn: Self.folder(out, seed), given: given.merging(["seed": .integer(seed)]) { $1 })
            )
        }
    }

    /// Plans to go on with runs that have been begun, and to begin those that are missing, from the smallest seed there
    /// is on.
    ///
    /// Throws ``RunError/noRuns(path:)`` for a folder without runs, and what
    /// ``RunPlan/init(resuming:out:given:allowingChanges:holding:)`` throws.
    public init(resuming resumed: String, count: Int, given: [String: SettingValue], allowingChanges: Bool = false)
        throws
    {
        try self.init(resuming: resumed, given: given, allowingChanges: allowingChanges) {
            Self.seeds(from: $0, count: count)
        }
    }

    /// Plans to go on with runs that have been begun, and to begin those that are missing. `seeds` gets the smallest
    /// one that has been begun.
    init(
        resuming resumed: String, given: [String: SettingValue], allowingChanges: Bool, seeds: (_ first: Int) -> [Int]
    ) throws {
        let begun = try Folders.names(in: RunFolder(opening: resumed).path)
            .compactMap { $0.hasPrefix("seed-") ? Int($0.dropFirst("seed-".count)) : nil }.sorted()
        guard let first = begun.first else { throw RunError.noRuns(path: resumed) }
        let settings = try RunPlan<Task.Settings>(
            resuming: Self.folder(resumed, first), given: given, allowingChanges: allowingChanges, holding: false
        ).settings
        path = resumed
        plans = try seeds(first).map { seed in
            let folder = Self.folder(resumed, seed)
            if begun.contains(seed) {
                let given = given.merging(["seed": .integer(seed)]) { $1 }
                return (seed, try RunPlan(resuming: folder, given: given, allowingChanges: allowingChanges))
            }
            return (
                seed, try RunPlan(startingIn: folder, given: settings.values.merging(["seed": .integer(seed)]) { $1 })
            )
        }
    }

    /// Trains one run after the other; the summary is written once all have finished, and nil if one was asked to stop.
    ///
    /// `results` says by which numbers of a run that has finished they are compared.
    func run(
        output: TrainingOutput, shouldStop: @escaping (_ step: Int) -> Bool,
        makeTask: (Task.Settings, RunCompiler, TrainingOutput) throws -> Task,
        results: (Trainer<Task>) -> [String: Double]
    ) throws -> SeedSummary? {
        let lock = try FolderLock(creating: path)
        defer { lock.release() }
        for (name, text) in documents { try AtomicFile.write(text, to: "\(path)/\(name)") }
        var all: [[String: Double]] = []
        for (seed, plan) in plans {
            output.say("seed \(seed): \(plan.path)")
            let trainer = try Trainer(plan, output: output, shouldStop: shouldStop, makeTask: makeTask)
            guard try trainer.run() == .finished else { return nil }
            all.append(results(trainer))
        }
        let summary = SeedSummary(task: Task.Settings.workflow.name, seeds: plans.map(\.seed), all)
        try summary.write(to: path + "/summary.json")
        output.say(summary.text)
        return summary
    }

    private static func folder(_ path: String, _ seed: Int) -> String { "\(path)/seed-\(seed)" }

    private static func seeds(from first: Int, count: Int) -> [Int] { (0..<count).map { first &+ $0 } }
}

extension SeedRuns where Task: ConfiguredTask {
    /// Trains one run after the other; the summary is written once all have finished.
    public func run(
        output: TrainingOutput = .standard, shouldStop: @escaping (_ step: Int) -> Bool = { _ in Interrupt.requested }
    ) throws -> TrainingOutcome {
        let summary = try run(output: output, shouldStop: shouldStop, makeTask: Task.init, results: \.results)
        return summary == nil ? .stopped : .finished
    }
}

/// Mean and deviation of the results of several seeds.
public struct SeedSummary: Codable, Hashable, Sendable {
    /// One number of all runs.
    public struct Spread: Codable, Hashable, Sendable {
        /// The arithmetic mean.
        public var mean: Double
        /// The standard deviation of a sample, which divides by one less than the number of runs; nil for a single one.
        public var deviation: Double?
        /// In the order of the seeds.
        public var values: [Double]

        /// A mean and deviation that are known.
        public init(mean: Double, deviation: Double?, values: [Double]) {
            (self.mean, self.deviation, self.values) = (mean, deviation, values)
        }

        /// Mean and deviation of some numbers, of which there is at least one.
        public init(of values: [Double]) {
            let mean = values.reduce(0, +) / Double(values.count)
            let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
            self.init(
                mean: mean, deviation: values.count > 1 ? (squares / Double(values.count - 1)).squareRoot() : nil,
                values: values)
        }
    }

    /// What was trained.
    public var task: String
    /// The seeds of the runs, in order.
    public var seeds: [Int]
    /// By checkpoint, path and metric, such as `best.all.accuracy`; of pre-training by metric.
    public var results: [String: Spread]

    /// Compares results that all runs have.
    public init(task: String, seeds: [Int], _ runs: [[String: Double]]) {
        (self.task, self.seeds) = (task, seeds)
        results = [:]
        for name in runs.first?.keys.map(\.self) ?? [] {
            let values = runs.compactMap { $0[name] }
            guard values.count == runs.count else { continue }
            results[name] = Spread(of: values)
        }
    }

    /// A table of the means and deviations.
    public var text: String {
        let names = results.keys.sorted(), width = names.map(\.count).max() ?? 0
        return
            (["\(seeds.count) seeds: mean and standard deviation"]
            + names.compactMap { name in
                results[name].map { spread in
                    "  " + name + String(repeating: " ", count: width - name.count)
                        + String(format: "  %.4f", spread.mean)
                        + (spread.deviation.map { String(format: " ± %.4f", $0) } ?? "")
                }
            }).joined(separator: "\n")
    }

    /// Writes the summary as JSON.
    func write(to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        try AtomicFile.write(String(decoding: encoder.encode(self), as: UTF8.self) + "\n", to: path)
    }
}
