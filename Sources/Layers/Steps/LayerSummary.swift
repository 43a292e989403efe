import ApusIR

/// A table of a model's layers: where they are, what they make, how many weights they have and what they compute.
public struct LayerSummary: Sendable, CustomStringConvertible {
    /// One layer of the table.
    public struct Row: Hashable, Sendable {
        /// Names of the enclosing layers joined by dots, as in the names of weights.
        public let path: String
        /// Type of the last value that the layer computes.
        public let result: TensorType
        /// Numbers in its weights, those of layers inside it included; of these, the ones that are trained.
        public let weights: Int, trainedWeights: Int
        /// Floating-point operations of matmuls and convolutions, a multiplication and an addition counted as two.
        public let operations: Int
    }

    /// The layers in the order in which they are called.
    public let rows: [Row]
    /// All numbers in weights, and those that are trained.
    public let weights: Int, trainedWeights: Int
    /// Floating-point operations of the forward pass in matmuls and convolutions.
    public let operations: Int

    /// The layers of a graph down to `depth` names; nil for all.
    public init(_ graph: Graph, depth: Int? = nil) {
        var order: [String] = [], found: [String: Sums] = [:]
        var total = Sums()
        for node in graph.nodes {
            var own = Sums()
            if let dot = node.operation as? Dot {
                own.operations = dot.floatingPointOperations(
                    graph[node.operands[0]].type, graph[node.operands[1]].type)
            }
            if let parameter = node.operation as? Parameter {
                guard !parameter.isOfRun else { continue }
                own.weights = parameter.type.count
                own.trainedWeights = parameter.trainable ? parameter.type.count : 0
            } else {
                own.result = node.type
            }
            total.add(own)
            let names = (node.location?.path ?? "").split(separator: ".")
            for count in 1..<max(names.count + 1, 1) where count <= depth ?? .max {
                let path = names.prefix(count).joined(separator: ".")
                if found[path] == nil { order.append(path) }
                found[path, default: Sums()].add(own)
            }
        }
        rows = order.compactMap { path in
            found[path].flatMap { sums in
                sums.result.map { result in
                    Row(
                        path: path, result: result, weights: sums.weights, trainedWeights: sums.trainedWeights,
                        operations: sums.operations)
                }
            }
        }
        (weights, trainedWeights, operations) = (total.weights, total.trainedWeights, total.operations)
    }

    private struct Sums {
        var weights = 0, trainedWeights = 0, operations = 0
        var result: TensorType?

        mutating func add(_ other: Sums) {
            weights += other.weights
            trainedWeights += other.trainedWeights
            operations += other.operations
            result = other.result ?? result
        }
    }

    public var description: String {
        let table =
            [["layer", "result", "weights", "MFLOP"]]
            + rows.map { [$0.path, "\($0.result)", "\($0.weights)", Self.millions($0.operations)] }
            + [["in all", "", "\(weights)", Self.millions(operations)]]
        let widths = table[0].indices.map { column in table.map { $0[column].count }.max() ?? 0 }
        let lines = table.map { row in
            row.indices.map { column in
                let space = String(repeating: " ", count: widths[column] - row[column].count)
                return column < 2 ? row[column] + space : space + row[column]
            }.joined(separator: "  ")
        }
        return lines.joined(separator: "\n") + "\n\(trainedWeights) of \(weights) numbers are trained"
    }

    private static func millions(_ count: Int) -> String {
        let thousands = (count + 500) / 1000, rest = String(thousands % 1000)
        return "\(thousands / 1000)." + String(repeating: "0", count: 3 - rest.count) + rest
    }
}

extension InferenceStep {
    /// The table of the layers, down to `depth` names; throws all mistakes in the declaration.
    public func summary(depth: Int? = nil) throws(GraphErrors) -> LayerSummary {
        LayerSummary(try trace(), depth: depth)
    }
}

extension TrainingStep {
    /// The table of the layers, down to `depth` names; throws all mistakes in the declaration.
    public func summary(depth: Int? = nil) throws(GraphErrors) -> LayerSummary {
        LayerSummary(try trace().graph, depth: depth)
    }
}
