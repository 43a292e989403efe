import ApusIR

/// A recurrent network of tanh units (Elman 1990), as PyTorch's `RNN`; see ``RecurrentLayer``.
public typealias RNN = RecurrentLayer<ElmanCell>
/// Long short-term memory (Hochreiter and Schmidhuber 1997), as PyTorch's `LSTM`; see ``RecurrentLayer``.
public typealias LSTM = RecurrentLayer<LSTMCell>
/// Gated recurrent units (Cho et al. 2014), as PyTorch's `GRU`; see ``RecurrentLayer``.
public typealias GRU = RecurrentLayer<GRUCell>

/// What a recurrent layer does in one step.
public protocol RecurrentCell: Sendable {
    /// How many vectors of the hidden size are computed from what comes in, and as many from the hidden state.
    static var gates: Int { get }
    /// How many tensors the state has; the first is the hidden state.
    static var states: Int { get }
    /// The next state of the gates of input and of hidden state, each [batch, gates · hidden], and the state.
    static func next(_ input: Tensor, _ hidden: Tensor, _ state: [Tensor]) -> [Tensor]
}

/// hₜ = tanh(input + hidden).
public enum ElmanCell: RecurrentCell {
    /// Vectors of the hidden size that are computed in a step, and tensors of the state.
    public static let gates = 1, states = 1
    public static func next(_ input: Tensor, _ hidden: Tensor, _ state: [Tensor]) -> [Tensor] {
        [tanh(input + hidden)]
    }
}

/// With i, f, g, o the sums of input and hidden gates: c = σ(f) · c + σ(i) · tanh(g), h = σ(o) · tanh(c).
public enum LSTMCell: RecurrentCell {
    /// Vectors of the hidden size that are computed in a step, and tensors of the state.
    public static let gates = 4, states = 2
    public static func next(_ input: Tensor, _ hidden: Tensor, _ state: [Tensor]) -> [Tensor] {
        let gates = split(input + hidden, into: 4, axis: 1)
        let cell = sigmoid(gates[1]) * state[1] + sigmoid(gates[0]) * tanh(gates[2])
        return [sigmoid(gates[3]) * tanh(cell), cell]
    }
}

/// With r, z, n of input and hidden gates: n = tanh(nᵢ + σ(r) · nₕ), h = (1 − σ(z)) · n + σ(z) · h.
public enum GRUCell: RecurrentCell {
    /// Vectors of the hidden size that are computed in a step, and tensors of the state.
    public static let gates = 3, states = 1
    public static func next(_ input: Tensor, _ hidden: Tensor, _ state: [Tensor]) -> [Tensor] {
        let (x, h) = (split(input, into: 3, axis: 1), split(hidden, into: 3, axis: 1))
        let update = sigmoid(x[1] + h[1]), candidate = tanh(x[2] + sigmoid(x[0] + h[0]) * h[2])
        return [candidate + update * (state[0] - candidate)]
    }
}

/// A recurrent network that goes along a sequence, unrolled: one cell with the same weights for each step.
///
/// Of layer k there are `weight_ih_lk` [gates · hidden, in], `weight_hh_lk` [gates · hidden, hidden], `bias_ih_lk` and
/// `bias_hh_lk` [gates · hidden], which start uniform in ±1/√hidden; the names of those that go backwards end in
/// `_reverse`.
///
/// *Shapes*: [batch, steps, in] -> [batch, steps, hidden], twice as wide if bidirectional. This is PyTorch's
/// `batch_first`.
public struct RecurrentLayer<Cell: RecurrentCell>: Layer {
    /// How many numbers come in and how many the hidden state has, layers, whether there are biases, whether sequences
    /// are gone along backwards too, and the chance to be dropped between layers.
    public let input: Int, hidden: Int, layers: Int, hasBias: Bool, isBidirectional: Bool, dropout: Double
    private let file: String, line: Int

    /// - Parameter dropout: The chance of numbers between two layers to be dropped in training.
    public init(
        _ input: Int, _ hidden: Int, layers: Int = 1, bias: Bool = true, bidirectional: Bool = false,
        dropout: Double = 0, file: String = #fileID, line: Int = #line
    ) {
        (self.input, self.hidden, self.layers, self.dropout) = (input, hidden, layers, dropout)
        hasBias = bias
        isBidirectional = bidirectional
        self.file = file
        self.line = line
    }

    /// What comes out of a recurrent layer.
    public struct Result {
        /// The hidden states of the last layer: [batch, steps, hidden · directions].
        public var outputs: Tensor
        /// For each layer, and there for each direction, the last state: hidden state, and what else the cell keeps,
        /// each [batch, hidden].
        public var states: [[Tensor]]
    }

    public func callAsFunction(_ x: Tensor) -> Tensor { run(x).outputs }

    /// The hidden states of all steps and the last states of all layers.
    ///
    /// - Parameter states: The states at the beginning, as ``Result/states`` has them; if nil, zeros.
    public func run(_ x: Tensor, from states: [[Tensor]]? = nil) -> Result {
        located(file, line) {
            let name = "\(Cell.self)".replacing("Cell", with: "")
            func refused(_ message: String) -> Result { Result(outputs: x.mistake(name, message), states: []) }
            guard x.isValid else { return Result(outputs: x, states: []) }
            guard x.rank == 3, x.shape[2] == input else {
                return refused("takes [batch,steps,\(input)], has \(shapeText(x.shape))")
            }
            guard 1...1 << 20 ~= hidden, 1...1 << 10 ~= layers, x.shape[1] <= 1 << 16 else {
                return refused("\(layers) layers of \(hidden) units in \(x.shape[1]) steps are none, or too many")
            }
            let directions = isBidirectional ? 2 : 1, zero = x.constant(0, shape: [x.shape[0], hidden])
            guard states.map({ $0.count == layers * directions && $0.allSatisfy { $0.count == Cell.states } }) ?? true
            else {
                return refused(
                    "takes \(Cell.states) tensors of state for each of \(layers * directions) layers and directions")
            }
            var result = Result(outputs: x, states: [])
            for layer in 0..<layers {
                if layer > 0, dropout > 0 { result.outputs = Dropout(dropout)(result.outputs) }
                let sides = (0..<directions).map { direction in
                    steps(
                        result.outputs, layer, isReverse: direction == 1,
                        from: states?[layer * directions + direction] ?? Array(repeating: zero, count: Cell.states))
                }
                result.states += sides.map(\.state)
                result.outputs = concatenate(sides.map(\.outputs), axis: 2)
            }
            return result
        }
    }

    /// One layer in one direction.
    private func steps(_ x: Tensor, _ layer: Int, isReverse: Bool, from start: [Tensor]) -> (
        outputs: Tensor, state: [Tensor]
    ) {
        guard x.isValid else { return (x, start) }
        let width = Cell.gates * hidden, initializer = Initializer.uniform(fanIn: hidden)
        let suffix = "_l\(layer)" + (isReverse ? "_reverse" : "")
        let inner = weight("weight_ih\(suffix)", [width, x.shape[2]], initializer)
        let recurrent = weight("weight_hh\(suffix)", [width, hidden], initializer)
        let biases = hasBias ? ["ih", "hh"].map { weight("bias_\($0)\(suffix)", [width], initializer) } : []
        // What comes in goes through its weights for all steps at once.
        let inputs = linear(x, weight: inner, bias: biases.first)
        var state = start
        var outputs: [Tensor] = []
        for step in isReverse ? Array((0..<x.shape[1]).reversed()) : Array(0..<x.shape[1]) {
            let input = inputs.slice(step..<step + 1, axis: 1).reshape([x.shape[0], width])
            state = Cell.next(input, linear(state[0], weight: recurrent, bias: biases.last), state)
            outputs.append(state[0])
        }
        return (stack(isReverse ? outputs.reversed() : outputs, axis: 1), state)
    }
}
