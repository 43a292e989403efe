import Apus
import Foundation

/// One run of a graph, or of a program that was compiled before, on numbers from files.
public struct GraphRun {
    /// The results by name, in the order of the graph.
    public let results: [(name: String, data: TensorData)]
    /// The new content of parameters that the graph updates.
    public let updates: [(name: String, data: TensorData)]
    /// Names of the parameters that the file of weights had, and of those that their initialisers filled.
    public let given: [String], initialized: [String]
    /// Runs the program again on the same numbers.
    private let again: () throws -> Void

    /// Compiles a graph and runs it once. Parameters are read from a file of weights where it has them, else they are
    /// those that are `known`, and filled by their initialisers otherwise; `selection` says which of its tensors they
    /// are. Throws for inputs that are missing, given twice, or of another type.
    public init(
        _ graph: Graph, inputs files: [InputFile], weights: String?, selection: WeightsSelection = WeightsSelection(),
        known: [String: TensorData] = [:], seed: UInt64, by compiler: Compiler
    ) throws {
        let compiled = try compiler.compile(graph)
        let updated: [String] = graph.results.compactMap { result in
            guard case .update(let value) = result.kind else { return nil }
            return (graph[value].operation as? Parameter)?.name
        }
        let state = ProgramState()
        try state.add(compiled.program.parameters, seed: seed)
        for (name, data) in known where state.type(of: name) != nil { try state.write(name, data) }
        try self.init(
            compiled.program, state, updated: updated, inputs: files, weights: weights, selection,
            given: Set(known.keys)
        ) {
            try compiled.run($0, $1).outputs
        }
    }

    /// Runs a compiled program once, whose file is called `name`. Parameters that no file of weights has are those of
    /// the program's file, where that has them. It does not say what it updates: parameters are updated if their
    /// content has changed.
    public init(
        _ file: ProgramFile, name: String, inputs files: [InputFile], weights: String?,
        selection: WeightsSelection = WeightsSelection(), seed: UInt64, on pool: WorkerPool
    )
        throws
    {
        let runner = try ProgramRunner(file.loaded(name: name), pool: pool)
        try self.init(
            file.program, file.state(seed: seed), updated: nil, inputs: files, weights: weights, selection,
            given: Set(file.weights.keys)
        ) { try runner.run($0, $1) }
    }

    private init(
        _ program: Program, _ state: ProgramState, updated: [String]?, inputs files: [InputFile], weights: String?,
        _ selection: WeightsSelection, given known: Set<String>,
        _ run: @escaping (ProgramState, [String: TensorData]) throws -> [String: TensorData]
    ) throws {
        var inputs: [String: TensorData] = [:]
        for file in files {
            try inputs.merge(file.tensors(for: program.inputs)) { _, _ in
                throw RuntimeError(.name, "\(file.path): an input that another file gives already")
            }
        }
        var given = known
        if let weights {
            for (name, data) in try program.weights(in: weights, selection) {
                try state.write(name, data)
                given.insert(name)
            }
        }
        let parameterNames = program.parameters.map(\.name)
        self.given = parameterNames.filter { given.contains($0) }
        initialized = parameterNames.filter { !given.contains($0) }

        let names = updated ?? program.parameters.map(\.name)
        let before = try updated == nil ? names.map { try state.read($0) } : []
        let outputs = try run(state, inputs)
        results = program.outputs.compactMap { output in outputs[output.name].map { (output.name, $0) } }
        let after = try names.map { (name: $0, data: try state.read($0)) }
        updates = updated == nil ? zip(after, before).filter { $0.data != $1 }.map(\.0) : after
        again = { [inputs] in _ = try run(state, inputs) }
    }

    /// Runs the program so many times more, at least once, and tells the median of the times and the shortest, in
    /// seconds; results and updates stay those of the first run.
    public func timed(runs: Int) throws -> (median: Double, shortest: Double) {
        let clock = ContinuousClock()
        let times = try (0..<max(1, runs)).map { _ in try clock.measure { try again() } / .seconds(1) }.sorted()
        return (times[times.count / 2], times[0])
    }

    /// Writes the results.
    public func writeResults(to place: OutputPlace) throws { try place.write(results) }

    /// Writes the updated parameters under their own names: a file of weights for a later run.
    public func writeUpdates(to place: OutputPlace) throws { try place.write(updates) }

    /// A line for each result: type, smallest, largest and mean element, and the first ones.
    public var summary: String {
        var lines: [String] = []
        if !(given + initialized).isEmpty {
            lines.append(
                "parameters: \(given.count) from the file of weights, \(initialized.count) by their initialisers")
        }
        lines += results.map { "\($0.name) \(Self.summary(of: $0.data))" }
        lines += updates.map { "update of \($0.name) \(Self.summary(of: $0.data))" }
        return lines.joined(separator: "\n")
    }

    private static func summary(of data: TensorData) -> String {
        let values = data.hostTensor.values
        let mean = values.reduce(0, +) / Double(max(1, values.count))
        func text(_ value: Double) -> String { String(format: "%.6g", value) }
        let first = values.prefix(6).map(text).joined(separator: " ") + (values.count > 6 ? " …" : "")
        return "\(data.type): \(text(values.min() ?? 0)) to \(text(values.max() ?? 0)), mean \(text(mean)); \(first)"
    }
}
