import ApusIR

extension Pass {
    /// Softmax that is written out becomes one operation, so does its logarithm.
    ///
    /// - exp(z) / sum(exp(z)) and exp(z) · (1 / sum(exp(z))) along the last axis, with z = x − max(x) or z = x, are
    ///   `Softmax` of x
    /// - z − log(sum(exp(z))) is `LogSoftmax` of x
    ///
    /// Subtracting the largest element does not change the function, only how far it can be computed: `Softmax` always
    /// does it, so where it was left out, large numbers do not overflow any more. A scale in front is part of x.
    /// Nothing else may read the parts.
    public static let fuseSoftmax = Pass(
        "fuse-softmax",
        recording: { graph, rewrites in
            let pattern = Pattern(graph)
            var replacements: [Value: Replacement] = [:]
            for value in graph.values {
                guard let (operation, x) = pattern.softmax(value) ?? pattern.logSoftmax(value) else { continue }
                replacements[value] = { new in new(x).builder.add(operation, [new(x)]) }
                rewrites.append(
                    Rewrite(
                        pass: "fuse-softmax", note: "what was written out became \(operation.name)",
                        location: graph[value].location))
            }
            return try rebuild(graph, replacing: replacements)
        })
}

extension Pattern {
    /// What a value is the softmax of.
    fileprivate func softmax(_ value: Value) -> (any Operation, Value)? {
        let operands = graph[value].operands
        let sides =
            graph[value].operation is Divide
            ? [(operands[0], operands[1])]
            : graph[value].operation is Multiply ? [(operands[0], operands[1]), (operands[1], operands[0])] : []
        for (exponentials, other) in sides where readers(of: exponentials) == 2 {
            guard let z = node(exponentials, as: Exp.self)?.operands[0], var total = repeatedAlongRows(other) else {
                continue
            }
            if graph[value].operation is Multiply {
                guard let inverse = onlyRead(total, as: Divide.self)?.operands, number(inverse[0]) == 1 else {
                    continue
                }
                total = perRow(inverse[1])
            }
            guard isTotal(total, of: exponentials) else { continue }
            return (Softmax(), readers(of: z) == 1 ? unshifted(z) : z)
        }
        return nil
    }

    /// What a value is the logarithm of softmax of.
    fileprivate func logSoftmax(_ value: Value) -> (any Operation, Value)? {
        guard let (z, other) = node(value, as: Subtract.self).map({ ($0.operands[0], $0.operands[1]) }),
            let row = repeatedAlongRows(other),
            let total = onlyRead(row, as: Log.self).map({ perRow($0.operands[0]) }),
            let exponentials = onlyRead(total, as: Reduce.self)?.operands[0], isTotal(total, of: exponentials),
            let exponent = onlyRead(exponentials, as: Exp.self)?.operands[0], exponent == z
        else { return nil }
        return (LogSoftmax(), readers(of: z) == 2 ? unshifted(z) : z)
    }

    /// x, if a value is x minus its largest element along the last axis; otherwise the value.
    private func unshifted(_ value: Value) -> Value {
        guard let (x, other) = node(value, as: Subtract.self).map({ ($0.operands[0], $0.operands[1]) }),
            let row = repeatedAlongRows(other),
            let (reduce, operands) = node(row, as: Reduce.self),
            reduce == Reduce(.maximum, axes: [graph[x].type.rank - 1]), operands == [x]
        else { return value }
        return x
    }

    /// Whether a value is the sum of another one along the last axis, and read once.
    private func isTotal(_ value: Value, of exponentials: Value) -> Bool {
        guard let (reduce, operands) = onlyRead(value, as: Reduce.self) else { return false }
        return reduce == Reduce(.sum, axes: [graph[exponentials].type.rank - 1]) && operands == [exponentials]
    }

    /// The value with one number for each row that a value repeats along the last axis.
    private func repeatedAlongRows(_ value: Value) -> Value? {
        guard readers(of: value) == 1, let (broadcast, operands) = node(value, as: Broadcast.self),
            broadcast.shape.count > 0
        else { return nil }
        let rows = Array(broadcast.shape.dropLast()), source = graph[operands[0]].type.shape
        guard broadcast.axes.elementsEqual(0..<broadcast.axes.count), source == rows || source == rows + [1] else {
            return nil
        }
        return perRow(operands[0])
    }

    /// A value without reshapes that only add or remove a last axis of extent 1.
    private func perRow(_ value: Value) -> Value {
        guard readers(of: value) == 1, let operand = node(value, as: Reshape.self)?.operands[0] else { return value }
        let (before, after) = (graph[operand].type.shape, graph[value].type.shape)
        return before == after + [1] || after == before + [1] ? perRow(operand) : value
    }
}
