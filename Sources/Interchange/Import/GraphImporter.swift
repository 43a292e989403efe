import ApusIR
import Foundation

/// What a name of a file stands for while the graph is built.
enum ImportedValue {
    /// A value of the graph.
    case tensor(Tensor)
    /// Numbers that are known: they enter the graph as constants, if they do.
    case known(KnownTensor)
    /// Numbers that the file stores: they enter the graph as parameters, if they do.
    case stored(StoredTensor)
}

/// Builds a graph of the nodes of a file, one after the other.
final class GraphImporter {
    /// Most elements of a constant; what has more, or has a name and axes, is a parameter.
    private static let mostConstants = 1024
    /// Most numbers that are computed with, and most nodes that there may be: no model comes near, and no file goes
    /// beyond.
    private static let mostNumbers = 1 << 26, mostNodes = 1 << 20

    let model: OnnxModel
    let builder: GraphBuilder
    private var values: [String: ImportedValue] = [:]
    private var weights: [String: OnnxWeight] = [:]
    /// Stored tensors that are in the graph by now.
    private var entered: [String: Tensor] = [:]
    private var versions: [String: Int] = [:]
    /// Numbers that were computed or put into the graph so far, and nodes of the graph that were counted.
    private var spent = 0, counted = 0

    init(_ model: OnnxModel) {
        self.model = model
        let name = model.message.graph.name
        builder = GraphBuilder(name: name.isEmpty ? "model" : name)
        for set in model.message.opsetImport { versions[set.domain] = Int(exactly: set.version) }
    }

    func imported(_ dimensions: [String: Int]) throws -> OnnxModel.Imported {
        let message = model.message.graph
        for tensor in message.initializer {
            try define(tensor.name, .stored(StoredTensor(tensor, path: model.path)))
        }
        try declareInputs(message.input, dimensions)
        for (index, node) in message.node.enumerated() { try add(node, number: index + 1) }
        guard !message.output.isEmpty else { throw OnnxError(.file, "has no outputs") }
        builder.location = nil
        for output in message.output {
            guard let value = values[output.name] else {
                throw OnnxError(.name, "nothing computes the output '\(shown(output.name))'")
            }
            builder.output(output.name, try tensor(value))
        }
        let graph: Graph
        do {
            graph = try withoutUnused(builder.finish())
            try graph.verify()
        } catch {
            throw OnnxError(.attribute, error.errors.first.map(\.description) ?? "\(error)")
        }
        let used = Set(graph.parameters.map(\.operation.name))
        return OnnxModel.Imported(graph: graph, weights: weights.filter { used.contains($0.key) })
    }

    private func define(_ name: String, _ value: ImportedValue) throws {
        guard !name.isEmpty else { throw OnnxError(.name, "a value has no name") }
        guard values.updateValue(value, forKey: name) == nil else {
            throw OnnxError(.name, "'\(shown(name))' is defined twice")
        }
    }

    // MARK: Inputs

    private func declareInputs(_ inputs: [OnnxValueInfoProto], _ dimensions: [String: Int]) throws {
        var open = Set<String>()
        for input in inputs where values[input.name] == nil {
            let type = try InputType(input, dimensions, &open)
            try define(input.name, .tensor(builder.input(Input(input.name, type.type))))
        }
        if let unknown = dimensions.keys.filter({ !open.contains($0) }).min() {
            let names = open.sorted().map { "'\(shown($0))'" }.joined(separator: ", ")
            throw OnnxError(
                .dimension,
                "'\(shown(unknown))' is no open dimension; "
                    + (open.isEmpty ? "the file has none" : "there are \(names)"))
        }
        try checkBuilder("")
    }

    // MARK: Nodes

    private func add(_ message: OnnxNodeProto, number: Int) throws {
        let domain = message.domain == "ai.onnx" ? "" : message.domain
        let node = ImportedNode(
            message: message, importer: self, opset: domain.isEmpty ? model.opset : versions[domain] ?? 0)
        do {
            guard domain.isEmpty, let operation = OperatorTable.operators[message.opType] else {
                let version = versions[message.domain] ?? (domain.isEmpty ? model.opset : nil)
                throw OnnxError(
                    .unsupported,
                    "the operator '\(shown(message.opType))' of the domain '\(shown(domain.isEmpty ? "ai.onnx" : domain))', "
                        + "opset \(version.map(String.init) ?? "not stated"), is not imported; "
                        + "Docs/Interchange.md lists those that are")
            }
            builder.location = SourceLocation(
                file: model.path.isEmpty ? "model.onnx" : model.path, line: number, path: Self.path(of: message))
            let results = try known(node) ?? operation(node)
            try checkBuilder(message.opType)
            try countNodes()
            for (place, name) in message.output.enumerated() where !name.isEmpty {
                guard place < results.count else {
                    throw OnnxError(.unsupported, "its result \(place + 1) is not offered")
                }
                try define(name, results[place])
            }
        } catch var error as OnnxError {
            if error.place.isEmpty { error.place = node.place(number) }
            throw error
        }
    }

    /// The results if all operands are known, and the operator is one that shapes are computed with.
    private func known(_ node: ImportedNode) throws -> [ImportedValue]? {
        guard let operation = KnownOperators.all[node.message.opType] else { return nil }
        var operands: [KnownTensor?] = []
        for name in node.message.input {
            switch name.isEmpty ? nil : try value(name) {
            case nil: operands.append(nil)
            case .known(let tensor): operands.append(tensor)
            case .stored(let tensor) where !tensor.code.isFloatingPoint || tensor.shape.isEmpty:
                guard tensor.count <= KnownTensor.mostElements else { return nil }
                operands.append(try tensor.known())
            default: return nil
            }
        }
        try spend(operands.reduce(0) { $0 + ($1?.values.count ?? 0) })
        guard let results = try operation(KnownNode(operands: operands, node: node)) else { return nil }
        try spend(results.reduce(0) { $0 + $1.values.count })
        return results.map(ImportedValue.known)
    }

    /// Counts numbers that are computed with. Throws if they are more than shapes need.
    func spend(_ count: Int) throws {
        spent += count
        guard spent <= Self.mostNumbers else {
            throw OnnxError(.limit, "more than \(Self.mostNumbers) numbers are computed while the file is read")
        }
    }

    /// Counts what a node of the file has added to the graph.
    private func countNodes() throws {
        for node in builder.graph.nodes[counted...] {
            if let constant = node.operation as? Constant { try spend(constant.values.count) }
        }
        counted = builder.graph.nodes.count
        guard counted <= Self.mostNodes else {
            throw OnnxError(.limit, "the graph has more than \(Self.mostNodes) nodes")
        }
    }

    /// A mistake of the builder, as one of the node at hand.
    private func checkBuilder(_ operation: String) throws {
        guard let error = builder.errors.first else { return }
        throw OnnxError(.attribute, (error.operation.isEmpty ? "" : "\(error.operation): ") + error.message)
    }

    /// What messages and explanations call the layer of a node: its name, whose last part repeats the operator.
    private static func path(of message: OnnxNodeProto) -> String {
        let parts = message.name.split(separator: "/").map { shown(String($0)) }
        return (parts.count > 1 ? parts.dropLast() : parts[...]).last ?? ""
    }

    // MARK: Values

    func value(_ name: String) throws -> ImportedValue {
        guard let value = values[name] else {
            throw OnnxError(
                .name,
                "'\(shown(name))' is neither an input, nor an initializer, nor the result of a node before this one")
        }
        return value
    }

    /// The value in the graph, where known and stored numbers are constants and parameters.
    func tensor(_ value: ImportedValue) throws -> Tensor {
        switch value {
        case .tensor(let tensor): return tensor
        case .known(let known): return try constant(known)
        case .stored(let stored): return try parameter(stored)
        }
    }

    private func parameter(_ stored: StoredTensor) throws -> Tensor {
        if let tensor = entered[stored.name] { return tensor }
        guard !stored.shape.contains(0) else {
            throw OnnxError(.unsupported, "'\(shown(stored.name))' holds no elements")
        }
        let isNumber = stored.shape.isEmpty || !stored.code.isFloatingPoint
        let tensor: Tensor
        if isNumber, stored.count <= Self.mostConstants {
            tensor = try constant(stored.known())
        } else {
            let weight = try stored.weight()
            tensor = builder.parameter(
                Parameter(stored.name, weight.type, .zeros, trainable: weight.type.element == .f32))
            weights[stored.name] = weight
        }
        entered[stored.name] = tensor
        return tensor
    }

    private func constant(_ known: KnownTensor) throws -> Tensor {
        guard let element = known.code.element else {
            throw OnnxError(.unsupported, "numbers of the type \(known.code.name) cannot enter the graph")
        }
        guard !known.shape.contains(0) else {
            throw OnnxError(.unsupported, "a tensor that holds no elements enters the graph")
        }
        let type = TensorType(element, known.shape)
        if element == .i32, let value = known.values.first(where: { Int32(exactly: $0) == nil }) {
            throw OnnxError(.unsupported, "\(value) is an integer that 32 bits do not hold")
        }
        if let splat = known.splat { return builder.add(Constant(type, splat: splat), []) }
        return builder.add(Constant(type, values: known.values), [])
    }

    /// The graph without nodes that no result needs, but for inputs.
    private func withoutUnused(_ graph: Graph) -> Graph {
        var isUsed = [Bool](repeating: false, count: graph.nodes.count)
        for result in graph.results { isUsed[result.value.index] = true }
        for index in graph.nodes.indices.reversed() {
            if graph.nodes[index].operation is Input { isUsed[index] = true }
            if isUsed[index] { for operand in graph.nodes[index].operands { isUsed[operand.index] = true } }
        }
        var places = [Value](repeating: Value(-1), count: graph.nodes.count)
        var result = Graph(name: graph.name)
        for (index, node) in graph.nodes.enumerated() where isUsed[index] {
            places[index] = Value(result.nodes.count)
            result.nodes.append(
                Node(node.operation, node.operands.map { places[$0.index] }, node.type, location: node.location))
        }
        result.results = graph.results.map { GraphResult($0.kind, places[$0.value.index]) }
        return result
    }
}
