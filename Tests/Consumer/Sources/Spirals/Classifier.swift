import Apus

/// Tells on which of two spirals a point of the plane lies.
///
/// *Shapes*: [batch, 2] -> logits [batch, 2].
public struct Classifier: Layer {
    public enum Activation: Sendable { case gelu, silu, tanh }

    public var width = 32, blocks = 2, dropout = 0.0
    public var activation = Activation.gelu
    public var isNormalized = true, isWide = true

    public init() {}

    public var body: some Layer {
        Waves(frequencies: 8).named("waves")  // a layer of our own, below
        Parallel {  // the results of its layers side by side
            Linear(16, width).named("straight")
            Sequential {  // a chain that counts as one layer
                Linear(16, width)
                Tanh()
            }.named("bent")
        }
        if isNormalized { LayerNorm(2 * width).named("norm") }
        ForEach(0..<blocks) { index in  // blocks.0, blocks.1, …
            Block(dim: 2 * width, activation: activation).named("blocks.\(index)")
        }
        Residual {  // the layers and the shortcut, added up
            Linear(2 * width, width).named("narrow")
            if dropout > 0 { Dropout(dropout) }
        } shortcut: {
            Linear(2 * width, width, bias: false).named("shortcut")
        }
        if isWide {
            Linear(width, 2).named("head")
        } else {
            for (input, output, name) in [(width, 4, "squeeze"), (4, 2, "head")] {
                Linear(input, output).named(name)
            }
        }
    }
}

/// What is added to each point's features.
struct Block: Layer {
    let dim: Int, activation: Classifier.Activation

    var body: some Layer {
        Residual {
            Linear(dim, dim).named("fc")
            switch activation {
            case .gelu: GELU()
            case .silu: SiLU()
            case .tanh: Apply { x in tanh(x) }  // any function of tensors is a layer
            }
        }
    }
}

/// Sines and cosines of directions that are learned: a layer with a weight of its own.
///
/// *Shapes*: [batch, 2] -> [batch, 2 * frequencies].
struct Waves: Layer {
    let frequencies: Int

    func callAsFunction(_ x: Tensor) -> Tensor {
        let directions = weight("directions", [2, frequencies], .normal(deviation: 2))
        let phases = matmul(x, directions)
        return concatenate([sin(phases), cos(phases)], axis: 1)
    }
}
