import Apus
import Foundation

/// A training checkpoint of the public code: the state dict, the optimizer's state and the epoch, as PyTorch has
/// written them.
struct ForeignCheckpoint: ImportedCheckpoint {
    private let file: WeightsFile
    private let optimizer: WeightsFile.OptimizerState
    /// The epoch that had ended, counted from 0.
    private let epoch: Int

    /// Opens a file; nil for a folder, and for what PyTorch has not written. Throws if there is nothing to go on with
    /// in it.
    init?(_ path: String, _ selection: WeightsSelection) throws {
        guard Folders.isFile(path) else { return nil }
        file = try WeightsFile(contentsOf: path, groupings: .visionTransformer, selection: selection)
        guard let torch = file.torchCheckpoint else { return nil }
        guard let epoch = torch.values["epoch"].flatMap({ Int($0) }), (0..<1_000_000).contains(epoch),
            let optimizer = try file.optimizer()
        else {
            throw RunError.foreignCheckpoint(
                path: path,
                reason:
                    "it has no epoch or no state of an optimizer to go on with; begin a new run with its weights by --init"
            )
        }
        (self.epoch, self.optimizer) = (epoch, optimizer)
    }

    func load(into state: ProgramState, stepsPerEpoch: Int) throws -> Int {
        let names = Set(file.names + optimizer.names)
        var problems: [String] = [], fitting: [(name: String, type: TensorType)] = []
        for name in state.savedNames where !name.hasPrefix(ProgramState.averagePrefix) {
            guard let type = state.type(of: name), type.element == .f32 else { continue }
            guard names.contains(name) else {
                problems.append("'\(name)' is missing")
                continue
            }
            let shape = try file.shape(name)
            if shape == type.shape {
                fitting.append((name, type))
            } else {
                problems.append("'\(name)' is \(shape) in the file and \(type.shape) in the model")
            }
        }
        guard problems.isEmpty else {
            throw RunError.unfitCheckpoint(
                path: file.path, problems: problems, hint: fitting.isEmpty ? file.overview : nil)
        }
        for (name, type) in fitting {
            let numbers = try TensorData(file.floats(name), shape: type.shape),
                average = ProgramState.averagePrefix + name
            try state.write(name, numbers)
            // An average that begins only now begins with the weight.
            if state.type(of: average) != nil { try state.write(average, numbers) }
        }
        // The bias of Adam's means is that of its own steps, which the public code's mixed precision may have left out.
        state.step = optimizer.step ?? (epoch + 1) * stepsPerEpoch
        return epoch + 1
    }
}
