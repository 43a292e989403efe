import ApusIR

/// What tells a layer value apart from others of equal content.
final class Identity: Sendable {}

/// A model that is being traced: its graph, and the scope of names that the trace is in.
///
/// A trace belongs to the task that runs the step's closure; tracing is not concurrent.
final class Trace: @unchecked Sendable {
    @TaskLocal static var current: Trace?

    /// The current trace. Outside of any, one whose tensors are invalid: the step in which they are used says why.
    static var active: Trace { current ?? Trace(outsideAt: nil) }

    let builder: GraphBuilder
    /// Whether a training step is traced: some layers, such as batch normalisation, do other things in training than
    /// afterwards.
    let isTraining: Bool
    private var scope = Scope(path: "", isRepeated: false, owner: Identity())
    /// The weights that named layers have declared, by their names inside of them, for others that share them.
    private var owned: [ObjectIdentifier: (owner: Identity, weights: [String: Tensor])] = [:]
    private var weights: [String: SourceLocation?] = [:]
    private var streams: Set<Int> = []
    private var givenKey: Tensor?, ownKey: Tensor?

    /// Weights that training leaves as they are.
    private let frozen: [ParameterGroup]

    init(
        name: String, training: Bool = false, ranks: Int = 1, frozen: [ParameterGroup] = [],
        location: SourceLocation? = nil
    ) {
        isTraining = training
        self.frozen = frozen
        builder = GraphBuilder(name: name)
        builder.location = location
        builder.ranks = ranks
    }

    /// The trace of a call that stands outside of any step.
    init(outsideAt location: SourceLocation?) {
        isTraining = false
        frozen = []
        builder = GraphBuilder(
            refusing: GraphError(
                .structure, "inputs and weights are declared in the closure of a step, not outside of it",
                location: location))
    }

    /// One entry into a scope.
    private final class Scope {
        let path: String
        /// Whether the same layer value was here before, so that weights are found again on purpose.
        let isRepeated: Bool
        /// The layer value, or the container, that was entered.
        let owner: Identity
        /// Who has used a name inside this entry.
        var children: [String: Identity] = [:]
        var weights: Set<String> = []
        var hasCollided = false

        init(path: String, isRepeated: Bool, owner: Identity) {
            self.owner = owner
            self.path = path
            self.isRepeated = isRepeated
        }

        func path(of name: String) -> String { path.isEmpty || name.isEmpty ? path + name : "\(path).\(name)" }
    }

    /// Runs `body` with `name` added to the names of weights.
    func inScope<Result>(_ name: String, _ identity: Identity, _ body: () -> Result) -> Result {
        let outer = scope, place = builder.location
        let known = outer.children.updateValue(identity, forKey: name)
        scope = Scope(
            path: outer.path(of: name), isRepeated: outer.isRepeated || known === identity, owner: identity)
        builder.location?.path = scope.path
        defer {
            scope = outer
            builder.location = place
        }
        return body()
    }

    /// Runs `body` with a place in the user's program as the place of its operations.
    func at<Result>(_ file: String, _ line: Int, _ body: () -> Result) -> Result {
        let place = builder.location
        builder.location = builder.location(file, line)
        defer { builder.location = place }
        return body()
    }

    /// Declares a weight in the current scope, or finds it again if the layer was here before.
    func weight(
        _ name: String, _ type: TensorType, _ initializer: Initializer, trainable: Bool, _ place: SourceLocation?
    ) -> Tensor {
        let fullName = scope.path(of: name)
        let isNewHere = scope.weights.insert(name).inserted
        let tensor: Tensor
        if let first = weights[fullName], !isNewHere || !scope.isRepeated {
            tensor = collision(fullName, first, place)
        } else {
            weights[fullName] = .some(place)
            let stays = isFrozen || frozen.contains { $0.includes(fullName) }
            tensor = builder.parameter(Parameter(fullName, type, initializer, trainable: trainable && !stays))
        }
        owned[ObjectIdentifier(scope.owner), default: (scope.owner, [:])].weights[name] = tensor
        return tensor
    }

    /// The weight that a layer has declared directly inside of itself when it was called last; nil if it was not
    /// called.
    func weight(_ name: String, of owner: Identity) -> Tensor? { owned[ObjectIdentifier(owner)]?.weights[name] }

    /// What was to be frozen and is not there.
    var idleFrozen: [ParameterGroup] {
        frozen.filter { group in !weights.keys.contains { group.includes($0) } }
    }

    /// A random stream that nobody else in this trace has: it follows from the scope, and from how many were asked for
    /// in it before, so that layers elsewhere do not change it. Small numbers are left to those who choose by hand.
    func makeStream() -> Int {
        // FNV-1a, as names of weights are told apart.
        var hash: UInt32 = 0x811c_9dc5
        for byte in scope.path.utf8 { hash = (hash ^ UInt32(byte)) &* 0x0100_0193 }
        var stream = Int(hash)
        while stream < 1 << 16 || !streams.insert(stream).inserted { stream = (stream + 1) & 0xffff_ffff }
        return stream
    }

    /// The key of random draws: what ``drawing(from:_:)`` has given, or seed and number of the run, which are kept with
    /// the weights.
    var randomKey: Tensor {
        if let key = givenKey ?? ownKey { return key }
        let key = builder.parameter(
            Parameter(Parameter.randomKeyName, TensorType(.i32, [2]), .seed, trainable: false))
        // The first number stays, the second counts runs.
        builder.update(key, with: key + builder.add(Iota(key.type, axis: 0), []))
        ownKey = key
        return key
    }

    func drawing<Result>(from key: Tensor, _ body: () -> Result) -> Result {
        let outer = givenKey
        givenKey = key
        defer { givenKey = outer }
        return body()
    }

    private var isFrozen = false

    /// Runs `body`, whose weights are not trainable.
    func freezing<Result>(_ body: () -> Result) -> Result {
        let outer = isFrozen
        isFrozen = true
        defer { isFrozen = outer }
        return body()
    }

    /// Reports two weights of one name, once for a layer.
    private func collision(_ name: String, _ first: SourceLocation?, _ place: SourceLocation?) -> Tensor {
        defer { scope.hasCollided = true }
        guard !scope.hasCollided else { return builder.invalid() }
        let other = first.map { " (the other at \($0.shortText))" } ?? ""
        return builder.report(
            GraphError(
                .name, "two weights are named '\(name)'\(other); name one of the layers with .named(_:)",
                location: place))
    }
}

/// Runs `body` with a place in the user's program as the place of its operations, and of mistakes in them: a layer that
/// takes `file: String = #fileID, line: Int = #line` in its `init` hands them to this in `callAsFunction`, so that
/// mistakes name the line on which the layer was made.
public func located<Result>(_ file: String, _ line: Int, _ body: () -> Result) -> Result {
    if let trace = Trace.current { return trace.at(file, line, body) }
    let trace = Trace(outsideAt: SourceLocation(file: file, line: line))
    return Trace.$current.withValue(trace, operation: body)
}

/// Declares a weight of the layer that is being called; its name is prefixed with the names of the enclosing layers.
///
/// - Parameters:
///   - name: Name inside the layer, such as `weight`.
///   - shape: Shape in PyTorch's order: [out, in] for a linear layer.
///   - element: Type of the numbers; what is not f32 is not trainable.
///   - trainable: Whether the optimizer changes it; a position table, for example, may be fixed.
public func weight(
    _ name: String, _ shape: [Int], _ initializer: Initializer, _ element: ElementType = .float32,
    trainable: Bool = true,
    file: String = #fileID, line: Int = #line
) -> Tensor {
    located(file, line) {
        let trace = Trace.active
        return trace.weight(
            name, TensorType(element, shape), initializer, trainable: trainable && element == .float32,
            trace.builder.location)
    }
}

/// Whether a training step is traced: layers such as dropout do other things in training than afterwards.
public var isTraining: Bool { Trace.active.isTraining }

/// Uniform random numbers in (0, 1) of a shape, other ones for each call in a step and for each run of it.
///
/// They follow from the seed that the state was made with, the number of the run, and the place of the call among the
/// layers. Seed and number are part of the state, so that a resumed run draws what it would have drawn.
public func randomUniform(_ shape: [Int]) -> Tensor {
    let trace = Trace.active
    return ApusIR.randomUniform(shape, key: trace.randomKey, stream: trace.makeStream())
}

/// Random numbers of the normal distribution, mean 0 and deviation 1, of a shape (Box and Muller 1958); drawn as those
/// of ``randomUniform(_:)``.
public func randomNormal(_ shape: [Int]) -> Tensor {
    Trace.active.builder.attributing(to: "randomNormal") {
        sqrt(log(randomUniform(shape)) * -2) * cos(randomUniform(shape) * (2 * .pi))
    }
}

/// Lets the layers in `body` draw their random numbers by a key, i32[2], that the step is given, in place of the
/// state's.
public func drawing<Result>(from key: Tensor, _ body: () -> Result) -> Result {
    Trace.active.drawing(from: key, body)
}

/// Declares the weights in `body` as not trainable: no gradient of them is computed, and nothing is kept for that.
public func frozen<Result>(_ body: () -> Result) -> Result { Trace.active.freezing(body) }

/// Prefixes the names of the weights that are declared in `body` with a name and a dot.
public func scope<Result>(_ name: String, file: String = #fileID, line: Int = #line, _ body: () -> Result) -> Result {
    located(file, line) { Trace.active.inScope(name, Identity(), body) }
}
