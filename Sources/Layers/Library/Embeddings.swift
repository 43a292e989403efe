import ApusIR

/// A learned vector for each of `count` indices, with the weight `weight` [count, dim].
///
/// Indices that a program is given are checked before each run, as PyTorch does; computed ones are clamped.
///
/// *Shapes*: i32 [...] -> [..., dim].
public struct Embedding: Layer {
    /// How many indices there are, and how long each vector is.
    public let count: Int, dim: Int
    private let initializer: Initializer
    private let file: String, line: Int

    /// The layer for indices in 0..<count and vectors of `dim` numbers.
    ///
    /// - Parameter initializer: How `weight` starts; as in PyTorch in the standard normal distribution if nothing else
    ///   is said.
    public init(
        _ count: Int, _ dim: Int, initializer: Initializer = .normal(deviation: 1), file: String = #fileID,
        line: Int = #line
    ) {
        self.count = count
        self.dim = dim
        self.initializer = initializer
        self.file = file
        self.line = line
    }

    public func callAsFunction(_ x: Tensor) -> Tensor {
        located(file, line) {
            x.builder.expectIndices(x, below: count)
            return gather(weight("weight", [count, dim], initializer), x)
        }
    }
}

/// Cuts images into patches and maps each to a token (Dosovitskiy et al. 2020), with the convolution `proj`
/// (`proj.weight` [dim, channels, patch, patch], `proj.bias` [dim]).
///
/// *Shapes*: [batch, channels, height, width] -> [batch, height / patch · width / patch, dim], row by row.
public struct PatchEmbedding: Layer {
    /// The side of a patch, channels of the images, and how long each token is.
    public let patch: Int, channels: Int, dim: Int
    private let initializer: Initializer?
    private let file: String, line: Int

    /// - Parameter initializer: How `proj.weight` starts, and `proj.bias` with zeros; if nil, both as a convolution's.
    public init(
        patch: Int, channels: Int = 3, dim: Int, initializer: Initializer? = nil, file: String = #fileID,
        line: Int = #line
    ) {
        self.patch = patch
        self.channels = channels
        self.dim = dim
        self.initializer = initializer
        self.file = file
        self.line = line
    }

    public func callAsFunction(_ x: Tensor) -> Tensor {
        located(file, line) {
            guard x.isValid else { return x }
            guard patch > 0, x.rank == 4, x.shape[1] == channels, x.shape[2] % patch == 0, x.shape[3] % patch == 0
            else {
                return x.builder.report(
                    GraphError(
                        .shape, operation: "PatchEmbedding",
                        "takes [batch,\(channels),height,width] with sides that are multiples of \(patch), has \(shapeText(x.shape))",
                        location: x.builder.location))
            }
            return scope("proj") {
                let start = Initializer.uniform(fanIn: channels, patch, patch)
                let kernel = weight("weight", [dim, channels, patch, patch], initializer ?? start)
                let grid = x.reshape([x.shape[0], channels, x.shape[2] / patch, patch, x.shape[3] / patch, patch])
                let tokens = dot(grid, kernel, contracting: [(1, 1), (3, 2), (5, 3)])  // [b, rows, columns, dim]
                return tokens.reshape([x.shape[0], -1, dim])
                    + weight("bias", [dim], initializer == nil ? start : .zeros)
            }
        }
    }
}
