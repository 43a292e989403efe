extension Graph {
    /// Checks the rules of the IR and throws every breach that it finds.
    ///
    /// - Operands are defined before they are used.
    /// - Each result type is what its operation infers from its operands, and no tensor is empty or beyond all memory.
    /// - Names of inputs, of parameters and of results are unique.
    /// - An update has the type of its parameter, each parameter is updated at most once, and only parameters are.
    ///
    /// Not checked: that indices of gathers lie within bounds, which only the data tell.
    public func verify() throws(GraphErrors) {
        var errors: [GraphError] = []
        for value in values { check(value, &errors) }
        checkNames(&errors)
        checkResults(&errors)
        guard errors.isEmpty else { throw GraphErrors(errors) }
    }

    private func check(_ value: Value, _ errors: inout [GraphError]) {
        let node = self[value], name = node.operation.name
        guard node.operands.allSatisfy({ $0.index >= 0 && $0 < value }) else {
            errors.append(
                GraphError(
                    .structure, operation: name, "\(value) uses a value that is not defined above it",
                    location: node.location))
            return
        }
        guard isShape(node.type.shape) else {
            errors.append(
                GraphError(
                    .shape, operation: name,
                    "\(value) has the type \(node.type), which holds no elements or too many", location: node.location))
            return
        }
        // Operands of such a type have been reported; the shape rules need not bear them.
        guard node.operands.allSatisfy({ isShape(self[$0].type.shape) }) else { return }
        do {
            let inferred = try node.operation.inferType(node.operands.map { self[$0].type })
            if inferred != node.type {
                errors.append(
                    GraphError(
                        .shape, operation: name, "\(value) is declared as \(node.type) but is \(inferred)",
                        location: node.location))
            }
        } catch {
            errors.append(
                GraphError(
                    error.code, operation: error.operation, "\(value): \(error.message)", location: node.location))
        }
    }

    private func checkNames(_ errors: inout [GraphError]) {
        for names in [inputs.map { ($0.value, $0.operation.name) }, parameters.map { ($0.value, $0.operation.name) }] {
            var seen: Set<String> = []
            for (value, name) in names where !seen.insert(name).inserted {
                errors.append(
                    GraphError(
                        .name, operation: self[value].operation.name, "'\(name)' is declared twice",
                        location: self[value].location))
            }
        }
    }

    private func checkResults(_ errors: inout [GraphError]) {
        var seen: Set<GraphResult.Kind> = []
        for result in results {
            guard nodes.indices.contains(result.value.index) else {
                errors.append(GraphError(.structure, "the result \(result.value) is not defined"))
                continue
            }
            if !seen.insert(result.kind).inserted {
                switch result.kind {
                case .output(let name): errors.append(GraphError(.name, "the result '\(name)' is declared twice"))
                case .update(let parameter):
                    errors.append(GraphError(.name, "the update of \(parameter) is declared twice"))
                }
            }
            guard case .update(let parameter) = result.kind else { continue }
            guard nodes.indices.contains(parameter.index), self[parameter].operation is Parameter else {
                errors.append(GraphError(.structure, "\(parameter) is updated but is not a parameter"))
                continue
            }
            if self[parameter].type != self[result.value].type {
                errors.append(
                    GraphError(
                        .shape, "the update of \(parameter), \(self[parameter].type), is \(self[result.value].type)"))
            }
        }
    }
}
