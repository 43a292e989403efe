import ApusCodegen
import ApusIR
import ApusLayers
import ApusRuntime
import ApusSystem
import Foundation

/// Compiles the programs of a run, and says how long that took.
public final class RunCompiler {
    /// The ranks that train together.
    public let ranks: TrainingRanks
    private let compiler: Compiler
    private let output: TrainingOutput
    private let answers: RunAnswers

    /// A compiler whose programs run on so many threads, or on as many as `ThreadChoice` says.
    public convenience init(
        _ options: CompilerOptions, threads: Int?, pinned: Bool = false, _ output: TrainingOutput
    ) throws {
        try self.init(
            options, threads: threads, pinned: pinned, output, answers: [:], communicator: nil, TrainingRanks(nil),
            gradients: .float32, dividesState: false)
    }

    /// A compiler whose programs run on so many threads, or on this rank's share of those that `ThreadChoice` says, and
    /// train with the ranks of a communicator, between which `gradients` says as what gradients travel, and
    /// `dividesState` whether each keeps a part of the optimizer's state. A run that goes on gives the answers that its
    /// folder keeps.
    ///
    /// Ranks need the same program, and measurements differ between machines: of several, kernels compute all matmuls
    /// where the choice would be measured. Ranks that share a machine would be pinned to the same processors, which is
    /// left to the launcher.
    init(
        _ options: CompilerOptions, threads: Int?, pinned: Bool, _ output: TrainingOutput, answers: [String: String],
        communicator: (any Communicator)?, _ ranks: TrainingRanks, gradients: CompilerOptions.Precision,
        dividesState: Bool
    ) throws {
        self.ranks = ranks
        self.answers = RunAnswers(answers)
        var options = options
        if options.products == .auto, ranks.count > 1 || ranks.isReproducible { options.products = .generated }
        let isShared = communicator?.localCount ?? 1 > 1
        var compiler = try Compiler(
            options, threads: threads ?? Self.share(of: communicator), pinned: pinned && !isShared,
            answers: self.answers.given, communicator: communicator, rankGradients: gradients,
            dividesState: dividesState)
        compiler.holdsWeightsAsBFloat16 = true
        self.compiler = compiler
        self.output = output
        output.say("\(compiler.pool)")
        if pinned, isShared {
            output.warn("threads are not pinned, since ranks share this machine; have mpirun do it (--bind-to core)")
        }
        for warning in compiler.pool.warnings { output.warn(warning) }
    }

    /// Threads for a rank that shares its machine; nil for as many as programs have otherwise.
    private static func share(of communicator: (any Communicator)?) throws -> Int? {
        guard let communicator, communicator.localCount > 1 else { return nil }
        let environment = ProcessInfo.processInfo.environment
        if environment["APUS_NUM_THREADS"] != nil || environment["OMP_NUM_THREADS"] != nil { return nil }
        let processors = Processors.current, count = try ThreadChoice().count
        // A launcher that binds ranks has given each its processors; what all may use is divided.
        let most = processors.allowed < processors.online ? processors.online : count
        return min(count, max(1, most / communicator.localCount))
    }

    /// What the last bits of its programs depend on.
    var build: BuildDescription { compiler.build }

    /// Keeps in the folder of a run who computes which matmul: what is known by now, and from here on each answer
    /// before the program that is built on it runs.
    func keepAnswers(in folder: RunFolder) throws {
        answers.folder = folder
        try answers.save()
    }

    /// Compiles a computation; `what` names it.
    public func compile(_ what: String, _ step: InferenceStep) throws -> CompiledStep {
        try timed(what) { try compiler.compile(step) }
    }

    /// Compiles a graph silently.
    func compile(_ graph: Graph) throws -> CompiledStep { try answers.saved { try compiler.compile(graph) } }

    /// The programs of an update from so many batches.
    func compile(
        _ what: String, _ step: TrainingStep, batches count: Int, learningRateScale: (String) -> Double
    ) throws -> TrainingPrograms {
        let uses: [Set<TracedStep.GradientUse>] =
            count > 1 ? [[.accumulate(of: count)], [.updateWithAccumulated(of: count)]] : [[.update]]
        let programs = try timed(what) { () -> [TrainingProgram] in
            guard ranks.isReproducible else {
                return try uses.map { use in
                    TrainingProgram(
                        share: nil, update: try compiler.compile(step, use, learningRateScale: learningRateScale))
                }
            }
            let (share, sums) = try compiler.compile(
                step, shares: ranks.shares, uses, learningRateScale: learningRateScale)
            return sums.map { TrainingProgram(share: share, update: $0) }
        }
        return TrainingPrograms(accumulate: count > 1 ? programs[0] : nil, update: programs[count > 1 ? 1 : 0])
    }

    private func timed<Result>(_ what: String, _ compile: () throws -> Result) throws -> Result {
        let (result, seconds) = try Clock.time { try answers.saved(compile) }
        output.say("compiled \(what) in \(String(format: "%.1f", seconds)) s")
        return result
    }
}

/// One program for all batches of an update but the last, one for the last.
struct TrainingPrograms {
    let accumulate: TrainingProgram?
    let update: TrainingProgram

    /// The program of a batch, by its number among so many, from 1.
    func program(ofBatch number: Int, of count: Int) -> TrainingProgram {
        number == count ? update : accumulate ?? update
    }

    /// What the state needs.
    var parameters: [Parameter] {
        var names: Set<String> = []
        let all = [accumulate, update].flatMap { $0?.parameters ?? [] }
        return all.filter { names.insert($0.name).inserted }
    }

    /// Gives the state the parameters that these programs need and it has not got.
    func addParameters(to state: ProgramState, seed: Int) throws {
        for program in [accumulate, update] {
            for step in program?.steps ?? [] { try step.addParameters(to: state, seed: seed) }
        }
    }
}

extension CompiledStep {
    /// Those of some inputs that the program looks at: where nothing is random, for example, there is no random key.
    func taken(from inputs: [String: TensorData]) -> [String: TensorData] {
        inputs.filter { inputNames.contains($0.key) }
    }

    /// Ones for those of the floating-point inputs that are missing in some.
    func ones(beside inputs: [String: TensorData]) throws -> [String: TensorData] {
        let missing = program.inputs.filter { inputs[$0.name] == nil && $0.type.element == .f32 }
        return Dictionary(
            uniqueKeysWithValues: try missing.map { input in
                (input.name, try TensorData([Float](repeating: 1, count: input.type.count), shape: input.type.shape))
            })
    }

    /// Gives the state the parameters that this program needs and it has not got. What layers draw is of this rank, and
    /// so are parts of weights.
    public func addParameters(to state: ProgramState, seed: Int) throws {
        let draws = state.type(of: Parameter.randomKeyName) != nil
        let masters = program.parameters.map(\.name).filter {
            $0.hasPrefix(StateDivision.masterPrefix) && state.type(of: $0) == nil
        }
        try state.add(program.parameters, seed: UInt64(seed))
        if !draws { try state.draw(asRank: rank) }
        for master in masters {
            let name = String(master.dropFirst(StateDivision.masterPrefix.count)), whole = ProgramState()
            guard var weight = program.parameters.first(where: { $0.name == name }) else { continue }
            weight.type = weight.type.with(.f32)
            try whole.add([weight], seed: UInt64(seed))
            try whole.withBytes(name) { try state.writePart(master, number: rank, of: $0) }
        }
    }
}
