import Apus
import ApusInspection

extension StepTrial {
    /// A step of a model on random images; of ranks, each has a batch of this size.
    public convenience init(
        _ step: NamedStep, of configuration: Configuration, batch: Int, options: CompilerOptions, threads: Int?,
        pinned: Bool = false, cache: ObjectCache? = .standard, communicator: (any Communicator)? = nil,
        rankGradients: Compiler.Precision = .float32, dividesState: Bool = false, state: ProgramState? = nil
    ) throws {
        let optimizer = Optimizer.adamW(learningRate: 1e-4, betas: (0.9, 0.95), weightDecay: 0.05, decays: .all)
        let declaration = step.declaration(of: try MaskedAutoencoder(configuration), batch: batch, optimizer: optimizer)
        try self.init(
            options, threads: threads, pinned: pinned, cache: cache, communicator: communicator,
            rankGradients: rankGradients, dividesState: dividesState, state: state, compile: declaration.compiled
        ) { compiled in
            let inputs = try RandomInputs(compiled.program) { try Self.special($0, classes: configuration.classes) }
            return { run in
                // Masks are drawn anew in each run.
                guard inputs.tensors["random_key"] != nil else { return inputs.tensors }
                return try inputs.tensors.merging(["random_key": TensorData([0, Int32(run)])]) { $1 }
            }
        }
    }

    /// Inputs that are neither pixels nor plain indices.
    private static func special(_ binding: Program.Binding, classes: Int) throws -> TensorData? {
        func drawn(_ number: () -> Float) throws -> TensorData {
            try TensorData((0..<binding.type.count).map { _ in number() }, shape: binding.type.shape)
        }
        switch binding.name {
        case "labels":
            return try TensorData(
                (0..<binding.type.count).map { _ in Int32.random(in: 0..<Int32(classes)) }, shape: binding.type.shape)
        case "masks": return try drawn { Float.random(in: 0...1).rounded() }
        case "mask_weights": return try drawn { Float.random(in: 0.01...1.01) }
        default: return nil
        }
    }
}
