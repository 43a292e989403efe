/// Grows a graph node by node and collects the mistakes, so that all of them can be reported at once.
///
/// A mistake does not stop the building: the faulty operation yields an invalid tensor, and operations on
/// invalid tensors yield invalid tensors silently. `finish` throws if anything went wrong.
public final class GraphBuilder {
    /// The graph so far.
    public private(set) var graph: Graph
    /// The mistakes so far, in order.
    public private(set) var errors: [GraphError] = []
    /// Where the operation that is being added was written; set by layers and functions.
    public var location: SourceLocation?
    /// How many ranks run the graph side by side, each on its part of a batch; statistics over the batch are those of
    /// all parts. 1 is one alone.
    public var ranks = 1
    /// Why this builder has no tensors; nil for one that builds a graph.
    private let refusal: GraphError?
    private var parameterValues: [String: Value] = [:]
    private var inputValues: [String: Value] = [:]
    /// What was added inside of ``sharing(_:)``; nil outside.
    private var shared: [Expression: Value]?
    /// What results there are, by what becomes of them.
    private var declaredResults: Set<GraphResult.Kind> = []

    /// A builder of a new graph.
    public init(name: String) {
        graph = Graph(name: name)
        refusal = nil
    }

    /// A builder of a graph that will have about as many nodes and results as another.
    package init(name: String, sizedAs other: Graph) {
        graph = Graph(name: name)
        graph.nodes.reserveCapacity(other.nodes.count)
        graph.results.reserveCapacity(other.results.count)
        declaredResults.reserveCapacity(other.results.count)
        refusal = nil
    }

    /// A builder for calls that belong to no graph: all its tensors are invalid, and a graph in which one of them is
    /// used reports this mistake.
    package init(refusing error: GraphError) {
        graph = Graph(name: "")
        refusal = error
        errors = [error]
    }

    /// Goes on building a copy of an existing graph.
    public init(extending graph: Graph) {
        self.graph = graph
        refusal = nil
        for (value, operation) in graph.parameters { parameterValues[operation.name] = value }
        for (value, operation) in graph.inputs { inputValues[operation.name] = value }
        declaredResults = Set(graph.results.map(\.kind))
    }

    /// Adds an operation; on a mistake, records it and returns an invalid tensor.
    public func add(_ operation: some Operation, _ operands: [Tensor], location: SourceLocation? = nil) -> Tensor {
        let place = location ?? self.location
        guard refusal == nil, operands.allSatisfy({ owns($0, operation: operation.name, location: place) }) else {
            return invalid()
        }
        guard operands.allSatisfy(\.isValid) else { return invalid() }
        let expression = shared.map { _ in Expression(operation, operands.map(\.value)) }
        if let expression, let known = shared?[expression] { return tensor(known) }
        do throws(GraphError) {
            let type = try operation.inferType(operands.map(\.type))
            guard isShape(type.shape) else {
                throw operation.error(.shape, "the result \(type) holds no elements or too many")
            }
            let result = append(Node(operation, operands.map(\.value), type, location: place))
            if let expression { shared?[expression] = result.value }
            return result
        } catch {
            var located = error
            located.location = place
            return report(located)
        }
    }

    /// Whether a tensor belongs to this builder's graph; one of another graph is a mistake.
    private func owns(_ tensor: Tensor, operation: String, location: SourceLocation?) -> Bool {
        if tensor.builder === self { return true }
        if let refusal = tensor.builder.refusal {
            if !errors.contains(refusal) { report(refusal) }
            return false
        }
        report(
            GraphError(
                .structure, operation: operation,
                "a tensor of the graph '\(tensor.builder.graph.name)' is used in '\(graph.name)'", location: location))
        return false
    }

    /// Runs `body`, in which nodes that compute the same are one: for code that computes the same again and again, such
    /// as the constants of a rule that is applied to each weight.
    package func sharing<Result>(_ body: () -> Result) -> Result {
        let outer = shared
        shared = outer ?? [:]
        defer { shared = outer }
        return body()
    }

    /// Adds a node whose type is already known to be right.
    package func append(_ node: Node) -> Tensor {
        graph.nodes.append(node)
        return Tensor(builder: self, value: Value(graph.nodes.count - 1))
    }

    /// Records a mistake.
    @discardableResult
    public func report(_ error: GraphError) -> Tensor {
        errors.append(error)
        return invalid()
    }

    /// A tensor that stands for the result of a mistake.
    package func invalid() -> Tensor { Tensor(builder: self, value: Value(-1)) }

    /// A handle of an existing node.
    public func tensor(_ value: Value) -> Tensor { Tensor(builder: self, value: value) }

    /// The input of this name; declared again with another type, it is a mistake.
    public func input(_ operation: Input) -> Tensor {
        var operation = operation
        // What was found out about its numbers since it was declared stays true.
        if let known = inputValues[operation.name], let earlier = graph[known].operation as? Input {
            operation.below = operation.below ?? earlier.below
            operation.except = operation.except ?? earlier.except
        }
        return declare(operation, operation.name, operation.type, in: &inputValues)
    }

    /// Notes that a tensor's integers index something of `count` elements. If it is an input, or a view of one, the
    /// program checks its numbers before each run; what is computed inside the graph cannot be checked. The number
    /// `except` is allowed where everybody who reads the input allows it.
    package func expectIndices(_ tensor: Tensor, below count: Int, or except: Int? = nil) {
        guard tensor.isValid, tensor.builder === self else { return }
        var value = tensor.value
        while let operand = graph[value].operands.first, graph[value].operation.kind.isView { value = operand }
        guard var input = graph[value].operation as? Input, input.type.element == .i32 else { return }
        input.except = input.below == nil || input.except == except ? except : nil
        input.below = min(input.below ?? count, count)
        graph.nodes[value.index].operation = input
    }

    /// The parameter of this name; declared again in another way, it is a mistake.
    public func parameter(_ operation: Parameter) -> Tensor {
        declare(operation, operation.name, operation.type, in: &parameterValues)
    }

    private func declare(
        _ operation: some Operation, _ name: String, _ type: TensorType, in table: inout [String: Value]
    ) -> Tensor {
        guard refusal == nil else { return invalid() }
        guard isShape(type.shape) else {
            return report(
                GraphError(
                    .shape, operation: operation.name,
                    "'\(name)' has the shape \(shapeText(type.shape)), which holds no elements or too many",
                    location: location))
        }
        do throws(GraphError) {
            _ = try operation.inferType([])
        } catch {
            var located = error
            located.location = location
            return report(located)
        }
        if let value = table[name] {
            if graph[value].operation.isEqual(to: operation) { return tensor(value) }
            return report(
                GraphError(
                    .name, operation: operation.name,
                    "'\(name)' is declared as \(graph[value].type) and again, differently, as \(type)",
                    location: location))
        }
        let tensor = append(Node(operation, [], type, location: location))
        table[name] = tensor.value
        return tensor
    }

    /// Makes a tensor a named result of the graph.
    public func output(_ name: String, _ tensor: Tensor) {
        guard owns(tensor, operation: "output", location: location), tensor.isValid else { return }
        guard declaredResults.insert(.output(name: name)).inserted else {
            report(GraphError(.name, "the result '\(name)' is declared twice", location: location))
            return
        }
        graph.results.append(GraphResult(.output(name: name), tensor.value))
    }

    /// Makes a tensor the new content of a parameter, which is overwritten when the program has run.
    public func update(_ parameter: Tensor, with tensor: Tensor) {
        guard [parameter, tensor].allSatisfy({ owns($0, operation: "update", location: location) && $0.isValid }) else {
            return
        }
        guard graph[parameter.value].operation is Parameter else {
            report(GraphError(.structure, "\(parameter.value) is updated but is not a parameter", location: location))
            return
        }
        guard parameter.type == tensor.type else {
            report(
                GraphError(
                    .shape, "the update of \(parameter.value) has type \(tensor.type), not \(parameter.type)",
                    location: location))
            return
        }
        guard declaredResults.insert(.update(parameter: parameter.value)).inserted else {
            report(GraphError(.name, "the update of \(parameter.value) is declared twice", location: location))
            return
        }
        graph.results.append(GraphResult(.update(parameter: parameter.value), tensor.value))
    }

    /// Runs `body`, what a function that users call is made of: mistakes of the operations in it are reported as the
    /// function's own, at the place of the call if that is known.
    package func attributing<Result>(
        to function: String, at location: SourceLocation? = nil, _ body: () -> Result
    ) -> Result {
        let known = errors.count, result = body()
        for index in errors.indices.dropFirst(known) where !errors[index].operation.isEmpty {
            errors[index].operation = function
            if let location { errors[index].location = location }
        }
        return result
    }

    /// The finished graph; throws all mistakes that were recorded.
    public func finish() throws(GraphErrors) -> Graph {
        guard errors.isEmpty else { throw GraphErrors(errors) }
        return graph
    }
}

extension Operation {
    /// Equality of operations whose types are not known statically.
    package func isEqual(to other: any Operation) -> Bool {
        Swift.type(of: other) == Self.self && (other as? Self) == self
    }
}

extension GraphBuilder {
    /// The place of a call inside the layer that is being traced.
    package func location(_ file: String, _ line: Int) -> SourceLocation? {
        // Calls inside the framework, whose modules are named so, say less than the place where the user wrote the
        // layer.
        let isInFramework = file.hasPrefix("Apus")
        if let location, isInFramework { return location }
        return SourceLocation(file: file, line: line, path: location?.path ?? "")
    }
}
