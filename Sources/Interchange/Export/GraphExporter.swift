import ApusIR
import Foundation

/// Writes the operations of a graph as nodes of ONNX, one after the other.
final class GraphExporter {
    let graph: Graph
    private let batch: OpenBatch?
    private var nodes: [OnnxNodeProto] = []
    /// Small tensors that nodes need, by their names.
    private var constants: [(name: String, weight: OnnxWeight, code: ElementCode)] = []
    private var constantNames: [OnnxWeight: [ElementCode: String]] = [:]
    private var names: [String] = []
    private var taken: Set<String> = []
    private var loose: [Value: String] = [:]
    private var number = 0
    private var batchName: String?

    init(_ graph: Graph, _ options: OnnxExportOptions) throws {
        if let update = graph.results.first(where: { if case .update = $0.kind { true } else { false } }) {
            throw OnnxError(
                .unsupported, "the graph updates parameters; only graphs of inferences become ONNX",
                place: graph[update.value].location?.description ?? "")
        }
        self.graph = try Self.prepared(graph)
        switch options.batch {
        case .fixed: batch = nil
        case .symbolic(let name, let other): batch = try OpenBatch(name, self.graph, Self.prepared(other))
        }
        for name in graph.inputs.map(\.operation.name) + graph.parameters.map(\.operation.name) {
            guard taken.insert(name).inserted else {
                throw OnnxError(
                    .name, "'\(name)' is the name of an input and of a parameter; ONNX has one name for one thing")
            }
        }
        // What is named here on the way must not be called as an output.
        for case .output(let name) in graph.results.map(\.kind) { taken.insert(name) }
    }

    /// The graph in which composites that ONNX cannot say are made of simpler operations.
    private static func prepared(_ graph: Graph) throws -> Graph {
        var graph = graph
        func isOffered(_ node: Node, in graph: Graph) -> Bool {
            (node.operation as? any OnnxOperation)?.isOffered(node.operands.map { graph[$0].type }) ?? false
        }
        while graph.nodes.contains(where: { !isOffered($0, in: graph) }) {
            if let hopeless = graph.nodes.first(where: {
                !isOffered($0, in: graph) && !($0.operation is any CompositeOperation)
            }) {
                throw OnnxError(
                    .unsupported, "\(hopeless.operation.name): ONNX has no operator for it, nor is it made of such",
                    place: hopeless.location?.description ?? "")
            }
            let builder = GraphBuilder(name: graph.name)
            var values: [Tensor] = []
            for node in graph.nodes {
                let operands = node.operands.map { values[$0.index] }
                if !isOffered(node, in: graph), let composite = node.operation as? any CompositeOperation {
                    builder.location = node.location
                    values.append(composite.decompose(operands))
                } else {
                    values.append(
                        builder.append(Node(node.operation, operands.map(\.value), node.type, location: node.location)))
                }
            }
            var next: Graph
            do { next = try builder.finish() } catch { throw OnnxError(.unsupported, error.description) }
            next.results = graph.results.map { GraphResult($0.kind, values[$0.value.index].value) }
            graph = next
        }
        return graph
    }

    // MARK: Names and nodes

    /// A name that nothing else has, of the layer that a value belongs to.
    private func newName(_ operation: String, _ value: Value) -> String {
        let path = graph[value].location?.path ?? ""
        while true {
            number += 1
            let name = (path.isEmpty ? "" : path + "/") + "\(operation)_\(number)"
            if taken.insert(name).inserted { return name }
        }
    }

    func name(of value: Value) -> String { names[value.index] }

    func add(
        _ operation: String, _ inputs: [String], _ attributes: [OnnxAttributeProto], for value: Value, results: Int = 1
    ) -> [String] {
        var node = OnnxNodeProto()
        node.opType = operation
        node.input = inputs
        node.output = (0..<results).map { _ in newName(operation, value) }
        node.name = node.output[0]
        node.attribute = attributes
        nodes.append(node)
        return node.output
    }

    /// A tensor that is part of the file; equal ones are one.
    func constant(_ type: TensorType, _ values: [Double], as code: ElementCode? = nil) -> String {
        let code = code ?? type.element.code
        let bytes =
            code == .int64 ? values.map { Int64($0) }.withUnsafeBytes { Data($0) } : type.element.bytes(of: values)
        let key = OnnxWeight(type, unchecked: bytes)
        if let name = constantNames[key]?[code] { return name }
        var name: String
        repeat {
            number += 1
            name = "constant_\(number)"
        } while !taken.insert(name).inserted
        constants.append((name, key, code))
        constantNames[key, default: [:]][code] = name
        return name
    }

    func integers(_ values: [Int]) -> String {
        constant(TensorType(.i32, [values.count]), values.map(Double.init), as: .int64)
    }

    // MARK: Shapes

    func extents(of value: Value) -> [Extent] {
        batch?.extents(of: value, in: graph) ?? graph[value].type.shape.map { .fixed($0) }
    }

    /// The name of a shape, which is computed when the model runs if the batch is open; `isReshape` can leave one
    /// extent to the number of elements.
    func shape(_ extents: [Extent], isReshape: Bool, for value: Value) -> String {
        let open = extents.count { $0.fixed == nil }
        if open == 0 || (open == 1 && isReshape) { return integers(extents.map { $0.fixed ?? -1 }) }
        var parts: [String] = []
        for extent in extents {
            switch extent {
            case .fixed(let number): parts.append(integers([number]))
            case .samples(let factor):
                let samples = sampleCount(for: value)
                parts.append(factor == 1 ? samples : add("Mul", [samples, integers([factor])], [], for: value)[0])
            }
        }
        return add("Concat", parts, [attribute("axis", 0)], for: value)[0]
    }

    private func sampleCount(for value: Value) -> String {
        if let batchName { return batchName }
        guard let batch else { return integers([1]) }
        let name = add(
            "Shape", [batch.source.input],
            [attribute("end", batch.source.axis + 1), attribute("start", batch.source.axis)],
            for: value)[0]
        batchName = name
        return name
    }

    // MARK: Broadcasting

    /// A value for an operator that broadcasts: that which a broadcast repeats, if it is one, with its shape.
    func broadcastable(_ value: Value) -> (name: String, shape: [Int]) {
        let node = graph[value]
        if let constant = node.operation as? Constant, let splat = constant.splat {
            return (self.constant(TensorType(node.type.element, []), [splat]), [])
        }
        guard let broadcast = node.operation as? Broadcast else { return (name(of: value), node.type.shape) }
        let operand = node.operands[0], source = broadcastable(operand)
        let first = broadcast.axes.first ?? broadcast.shape.count
        if source.shape.allSatisfy({ $0 == 1 }), source.shape.isEmpty { return source }
        let isTrailing = broadcast.axes == Array(first..<broadcast.shape.count)
        if isTrailing { return source }
        var extents = [Extent](repeating: .fixed(1), count: broadcast.shape.count - first)
        for (axis, extent) in zip(broadcast.axes, self.extents(of: operand)) { extents[axis - first] = extent }
        var shape = [Int](repeating: 1, count: broadcast.shape.count - first)
        for (axis, extent) in zip(broadcast.axes, graph[operand].type.shape) { shape[axis - first] = extent }
        let name =
            loose[value]
            ?? add(
                "Reshape", [self.name(of: operand), self.shape(extents, isReshape: true, for: value)], [], for: value)[
                0]
        loose[value] = name
        return (name, shape)
    }

    // MARK: The file

    func file(_ weights: (Parameter) throws -> OnnxWeight) throws -> OnnxFile {
        names = []
        for value in graph.values { names.append(try exported(value)) }
        try nameOutputs()
        removeUnused()
        var message = OnnxModelProto()
        message.irVersion = Int64(OnnxFile.formatVersion)
        message.producerName = "Apus"
        var set = OnnxOperatorSetIdProto()
        set.version = Int64(OnnxFile.opset)
        message.opsetImport = [set]
        message.graph.name = graph.name.isEmpty ? "graph" : graph.name
        message.graph.node = nodes
        message.graph.input = graph.inputs.map { information($0.operation.name, $0.value) }
        message.graph.output = graph.results.compactMap { result in
            if case .output(let name) = result.kind { information(name, result.value) } else { nil }
        }
        let used = Set(nodes.flatMap(\.input))
        for (name, weight, code) in constants where used.contains(name) {
            var tensor = OnnxTensorProto()
            (tensor.name, tensor.dims, tensor.dataType) = (name, weight.type.shape.map(Int64.init), code.rawValue)
            tensor.rawData = weight.bytes
            message.graph.initializer.append(tensor)
        }
        let parameters = try graph.parameters.map(\.operation).filter { used.contains($0.name) }.map { parameter in
            let weight = try weights(parameter)
            guard weight.type == parameter.type else {
                throw OnnxError(
                    .attribute, "the parameter '\(parameter.name)' is \(parameter.type), given \(weight.type)")
            }
            return (parameter.name, weight)
        }
        return OnnxFile(message, parameters)
    }

    private func exported(_ value: Value) throws -> String {
        let node = ExportedNode(exporter: self, value: value)
        if let name = node.recognized() { return name }
        guard let operation = node.node.operation as? any OnnxOperation else {
            throw node.unsupported("ONNX has no operator for it")
        }
        return try operation.export(node)
    }

    /// Gives values that leave the graph the names of the outputs; one that has a name of its own is copied.
    private func nameOutputs() throws {
        let producers = Set(nodes.flatMap(\.output))
        var renamed: [String: String] = [:], copies: [(from: String, to: String, Value)] = []
        for result in graph.results {
            guard case .output(let output) = result.kind else { continue }
            let name = name(of: result.value)
            guard !isLeaf(output) else {
                throw OnnxError(
                    .name,
                    "'\(output)' is the name of an output and of an input or a parameter; ONNX has one name for one thing"
                )
            }
            if producers.contains(name), renamed[name] == nil {
                renamed[name] = output
            } else {
                copies.append((name, output, result.value))
            }
        }
        for index in nodes.indices {
            nodes[index].input = nodes[index].input.map { renamed[$0] ?? $0 }
            nodes[index].output = nodes[index].output.map { renamed[$0] ?? $0 }
        }
        for (from, to, value) in copies {
            _ = add("Identity", [renamed[from] ?? from], [], for: value)
            nodes[nodes.count - 1].output = [to]
        }
    }

    private func isLeaf(_ name: String) -> Bool {
        graph.inputs.contains { $0.operation.name == name } || graph.parameters.contains { $0.operation.name == name }
    }

    /// Removes nodes whose results nobody reads, such as broadcasts that operators do by themselves.
    private func removeUnused() {
        var used = Set(graph.results.compactMap { if case .output(let name) = $0.kind { name } else { nil } })
        var kept: [OnnxNodeProto] = []
        for node in nodes.reversed() where node.output.contains(where: used.contains) {
            used.formUnion(node.input)
            kept.append(node)
        }
        nodes = kept.reversed()
    }

    private func information(_ name: String, _ value: Value) -> OnnxValueInfoProto {
        var information = OnnxValueInfoProto(), type = OnnxTypeProto.Tensor()
        type.elemType = graph[value].type.element.code.rawValue
        type.shape = OnnxTensorShapeProto()
        type.shape.dim = extents(of: value).map { extent in
            var dimension = OnnxTensorShapeProto.Dimension()
            switch extent {
            case .fixed(let number): dimension.dimValue = Int64(number)
            case .samples(1): dimension.dimParam = batch?.name ?? ""
            case .samples(let factor): dimension.dimParam = "\(factor)*\(batch?.name ?? "")"
            }
            return dimension
        }
        information.name = name
        information.type.tensorType = type
        return information
    }
}
