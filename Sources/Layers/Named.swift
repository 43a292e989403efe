import ApusIR

extension Layer {
    /// Names a layer: the names down the layer tree join with dots into the names of the weights.
    ///
    /// The names are those of PyTorch's state dict, such as `blocks.3.attn.qkv.weight`:
    ///
    /// - A named layer prefixes the names of all weights inside it with its name and a dot. A name may have dots
    ///   itself.
    /// - Layers of a body or container that have no name are called by their position in it, counted from 0 over
    ///   all its layers, as in PyTorch's `Sequential`: `Sequential { Linear(4, 8); ReLU(); Linear(8, 2) }` has the
    ///   weights `0.weight`, `0.bias`, `2.weight` and `2.bias`.
    /// - A ``Residual`` without a name is transparent: its layers count as layers of what it stands in. So are `if`,
    ///   `switch` and `for`.
    /// - A layer that is called directly, without a name, adds nothing to the names.
    ///
    /// Two layers that end in the same name are a mistake, and both places are reported. A *named value* that is
    /// called again, also inside a larger named value, is the same layer: its weights are shared on purpose. (So is
    /// a ``Sequential`` value that is called again.) Naming makes the value: `.named` in a loop makes a new one every
    /// time.
    public func named(_ name: String, file: String = #fileID, line: Int = #line) -> Named<Self> {
        Named(layer: self, name: name, file: file, line: line)
    }
}

/// A layer with a name; see ``Layer/named(_:file:line:)``.
///
/// *Shapes*: those of the layer.
public struct Named<Content: Layer>: NamedLayer {
    /// The layer that is named.
    public let layer: Content
    /// What it is called inside of what it stands in.
    public let name: String
    let file: String
    let line: Int
    let identity = Identity()

    init(layer: Content, name: String, file: String, line: Int) {
        self.layer = layer
        self.name = name
        self.file = file
        self.line = line
    }

    public func callAsFunction(_ x: Tensor) -> Tensor {
        located(file, line) { Trace.active.inScope(name, identity) { layer(x) } }
    }
}

/// Any ``Named`` layer.
protocol NamedLayer: Layer {}
