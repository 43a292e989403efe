import Apus
import Foundation

/// Weights out of any checkpoint, written as a safetensors file with the names of the state dict.
public struct WeightsConversion: Sendable {
    /// Whether half and double precision stay; otherwise, all floating-point numbers become f32. Integers stay what
    /// they are.
    public var keepsPrecision = false
    /// Whether the optimizer's state is written too, as `optimizer.exp_avg.NAME` and the like.
    public var includesOptimizer = false
    /// Whether the averages of the weights, which a run can keep, take the weights' place.
    public var takesAverages = false

    /// The keys that lead to the state dict in a file of PyTorch; nil where only one can be meant.
    public var key: String?
    /// What the names of the weights begin with in the file; nil where only one can be meant.
    public var prefix: String?

    public init() {}

    /// What was written.
    public struct Report: Hashable, Sendable {
        /// Weights, and the numbers that they consist of.
        public let weights: Int, numbers: Int
        /// Tensors of the optimizer's state.
        public let optimizerTensors: Int
        /// How often the optimizer had updated the weights, where that is known and asked for.
        public let step: Int?
        /// What was taken of the file, where it holds more than weights under their own names.
        public let choice: String?
        /// What the file holds that was not read.
        public let skipped: [String]
    }

    /// Reads one file and writes the other, which may not be the same; nothing is left of that if `shouldStop` says so
    /// before a tensor. Throws ``ConversionError``, or what is wrong with a file.
    public func convert(_ input: String, to output: String, shouldStop: @escaping @Sendable () -> Bool = { false })
        throws -> Report
    {
        guard ExactText(Folders.resolved(input)) != ExactText(Folders.resolved(output)) else {
            throw ConversionError.sameFile(path: output)
        }
        guard ![".pth", ".pt", ".bin"].contains(where: output.hasSuffix) else {
            throw ConversionError.torchOutput(path: output)
        }
        let file = try WeightsFile(
            contentsOf: input, groupings: .visionTransformer,
            selection: .visionTransformer(key: key, prefix: prefix))
        let optimizer = includesOptimizer ? try file.optimizer() : nil
        guard !includesOptimizer || optimizer != nil else { throw ConversionError.noOptimizer(path: input) }
        let weights = file.names.filter { $0 != AttentionMaps.tensorName }
        guard !takesAverages || weights.contains(where: { file.contains("ema.\($0)") }) else {
            throw ConversionError.noAverages(path: input)
        }

        // Weights that are not trained have no average.
        var tensors = try weights.map { name in
            try tensor(
                name, of: takesAverages && file.contains("ema.\(name)") ? "ema.\(name)" : name, in: file, shouldStop)
        }
        tensors += try (optimizer?.names ?? []).map { try tensor($0, of: $0, in: file, shouldStop) }
        // Libraries that load safetensors files ask for this entry.
        var metadata = ["format": "pt"]
        if let step = optimizer?.step { metadata["step"] = String(step) }
        do {
            try SafetensorsWriter.write(to: output, metadata: metadata, tensors: tensors)
        } catch let error {
            throw shouldStop() ? ConversionError.interrupted(path: output) : error
        }
        return Report(
            weights: weights.count, numbers: try weights.reduce(0) { $0 + (try file.shape($1)).reduce(1, *) },
            optimizerTensors: optimizer?.names.count ?? 0, step: optimizer?.step,
            choice: file.choice, skipped: file.skipped)
    }

    private func tensor(
        _ name: String, of source: String, in file: WeightsFile, _ shouldStop: @escaping @Sendable () -> Bool
    ) throws -> SafetensorsWriter.Tensor {
        let type = try file.elementType(source), shape = try file.shape(source)
        let keepsType = !type.isFloatingPoint || keepsPrecision
        return .init(name, keepsType ? type : .f32, shape) {
            if shouldStop() { throw CancellationError() }
            return keepsType ? try file.bytes(source) : try file.floats(source).withUnsafeBytes { Array($0) }
        }
    }
}

/// Why weights cannot be converted as asked.
public enum ConversionError: Error, Hashable, Sendable, CustomStringConvertible {
    case sameFile(path: String)
    case torchOutput(path: String)
    case noOptimizer(path: String)
    case noAverages(path: String)
    /// It was asked to stop.
    case interrupted(path: String)

    public var description: String {
        switch self {
        case .sameFile(let path):
            "\(path): the converted weights would replace the file that they come from; choose another name"
        case .torchOutput(let path):
            "\(path): only safetensors files are written; PyTorch reads them by safetensors.torch.load_file, for model.load_state_dict"
        case .noOptimizer(let path): "\(path): no optimizer's state in this file; leave out --optimizer"
        case .noAverages(let path):
            "\(path): no averages of weights in this file; leave out --ema, or choose them by --weights-key or --weights-prefix"
        case .interrupted(let path): "\(path): stopped before it was complete; nothing of it is left"
        }
    }
}
