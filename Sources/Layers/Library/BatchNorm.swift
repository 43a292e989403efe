import ApusIR

/// Batch normalisation of each channel (Ioffe and Szegedy 2015), exactly as PyTorch's `BatchNorm1d` and `BatchNorm2d`.
///
/// In a ``TrainingStep`` it normalises with mean and biased variance of the batch and moves the running statistics
/// towards mean and unbiased variance by `momentum`, once in every run of the step. In an ``InferenceStep`` it
/// normalises with the running statistics. The batch is that of all ranks that train together, as by PyTorch's
/// `SyncBatchNorm`: a rank alone normalises its part by the statistics of the whole. Weights: `weight` [dim] and `bias`
/// [dim] if `affine`; state that is not trained: `running_mean` [dim], `running_var` [dim] and `num_batches_tracked`
/// (i32, a scalar).
///
/// *Shapes*: [n, dim, ...] -> the same; with another `axis`, that one has the channels.
public struct BatchNorm: Layer {
    /// Channels and their axis, what is added to variances, how fast running statistics move, and whether there are
    /// weights.
    public let dim: Int, axis: Int, epsilon: Double, momentum: Double, isAffine: Bool
    private let file: String, line: Int

    /// The layer for `dim` channels; its defaults are PyTorch's.
    public init(
        _ dim: Int, axis: Int = 1, epsilon: Double = 1e-5, momentum: Double = 0.1, affine: Bool = true,
        file: String = #fileID, line: Int = #line
    ) {
        self.dim = dim
        self.axis = axis
        self.epsilon = epsilon
        self.momentum = momentum
        isAffine = affine
        self.file = file
        self.line = line
    }

    public func callAsFunction(_ x: Tensor) -> Tensor {
        located(file, line) {
            guard x.isValid else { return x }
            let builder = x.builder
            func mistake(_ message: String) -> Tensor {
                builder.report(GraphError(.shape, operation: "BatchNorm", message, location: builder.location))
            }
            guard x.shape.indices.contains(axis), x.shape[axis] == dim else {
                return mistake("takes \(dim) channels along axis \(axis), has \(shapeText(x.shape))")
            }
            let scale = isAffine ? weight("weight", [dim], .ones) : nil,
                shift = isAffine ? weight("bias", [dim], .zeros) : nil
            let runningMean = weight("running_mean", [dim], .zeros, trainable: false)
            let runningVariance = weight("running_var", [dim], .ones, trainable: false)
            let batches = weight("num_batches_tracked", [], .zeros, .int32, trainable: false)
            guard Trace.active.isTraining else {
                return batchNormalization(
                    x, mean: runningMean, variance: runningVariance, weight: scale, bias: shift, axis: axis,
                    epsilon: epsilon)
            }
            let count = Double(x.type.count / dim * builder.ranks)
            guard count > 1 else {
                return mistake("one number for each channel has no variance to train with: \(shapeText(x.shape))")
            }
            let (mean, variance) = channelMoments(x, axis: axis, ranks: builder.ranks)
            builder.update(runningMean, with: runningMean * (1 - momentum) + mean * momentum)
            builder.update(
                runningVariance, with: runningVariance * (1 - momentum) + variance * (momentum * count / (count - 1)))
            builder.update(batches, with: batches + 1)
            return batchNormalization(x, weight: scale, bias: shift, axis: axis, epsilon: epsilon)
        }
    }
}
