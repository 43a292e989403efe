import ApusIR
import ApusRuntime
import ApusSystem

/// What computes a batch in training: one program; or, where results do not depend on the number of ranks, one for a
/// share of the batch and one that follows the sum of all shares.
///
/// Shares are the leaves of a binary tree. Each rank has a subtree, and adds it up; ranks add up the rest
/// (``TreeSums``). So each number is added to the same one on any number of ranks, by the same programs.
struct TrainingProgram {
    let share: CompiledStep?
    let update: CompiledStep

    /// The programs, in the order in which they run.
    var steps: [CompiledStep] { [share, update].compactMap(\.self) }
    /// The program that takes the inputs of a batch, or of a share of it.
    var reader: CompiledStep { share ?? update }
    /// What the state needs.
    var parameters: [Parameter] {
        var names: Set<String> = []
        return steps.flatMap(\.program.parameters).filter { names.insert($0.name).inserted }
    }
    /// Bytes of all weights and of what the optimizer keeps about them; and of activations at a time.
    var parameterBytes: Int { parameters.reduce(0) { $0 + $1.type.byteCount } }
    var activationBytes: Int { steps.map(\.program.activationBytes).max() ?? 0 }

    /// Computes a batch of which this rank has some shares, whose inputs are asked for one after the other.
    func run(
        _ state: ProgramState, shares: Range<Int>, learningRate: Double?,
        inputs: (_ share: Int) throws -> [String: TensorData]
    ) throws -> StepReport {
        guard let share else {
            return try update.run(state, inputs(shares.lowerBound), learningRate: learningRate)
        }
        // What counts, such as the key of random draws, goes on once for all shares.
        let counters = try share.program.parameters.filter { !$0.type.element.isFloatingPoint }
            .map { ($0.name, try state.read($0.name)) }
        var sums: [(height: Int, outputs: [String: TensorData])] = []
        for number in shares {
            let inputs = try inputs(number)
            for (name, data) in counters { try state.write(name, data) }
            try state.draw(asRank: number)
            var outputs = try share.run(state, inputs).outputs, height = 0
            try state.draw(asRank: -number)
            while let last = sums.last, last.height == height {
                outputs = Self.sum(sums.removeLast().outputs, outputs)
                height += 1
            }
            sums.append((height, outputs))
        }
        return try update.run(state, sums[0].outputs, learningRate: learningRate)
    }

    private static func sum(_ a: [String: TensorData], _ b: [String: TensorData]) -> [String: TensorData] {
        Dictionary(uniqueKeysWithValues: a.map { name, numbers in (name, b[name].map(numbers.adding) ?? numbers) })
    }
}
