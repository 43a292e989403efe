import ApusIR

/// How a node of the graph is computed.
package enum Role {
    /// An input or a parameter: it lies in memory before the first step.
    case leaf
    /// Inside the kernels that use it, once for each.
    case inline
    /// By a kernel of its cluster: element-wise work and reductions along the last axis.
    case loop
    case columnReduction
    case matmul
    /// Attention or one of its gradients.
    case attention
    case scatter
    case sort
    /// Operand by operand into a common buffer.
    case concatenate
    /// By all ranks together, in place.
    case collective

    package var isStored: Bool { self != .inline }
}

/// Decides for every node whether its value is stored, and how it is computed.
///
/// An element-wise node is computed inside its users if that costs them at most one large load and a bounded amount of
/// arithmetic: reading its operand costs as much as reading it would. Everything else is stored once.
package struct Placement {
    package private(set) var roles: [Role]
    package let users: [[Value]]
    let graph: Graph

    /// What computing a node inside a user takes.
    private struct Expense {
        var cost = 0
        /// Stored values that are read, if they are as large as the node itself and more than a single number. They
        /// are few: more than one has most nodes stored.
        var loads: [Value] = []

        mutating func load(_ value: Value) {
            if !loads.contains(value) { loads.append(value) }
        }
    }

    package init(_ graph: Graph, _ tuning: Tuning) {
        self.graph = graph
        var users = [[Value]](repeating: [], count: graph.nodes.count)
        // A node that reads a value twice is one of its users.
        for value in graph.values {
            for operand in graph[value].readOperands where users[operand.index].last != value {
                users[operand.index].append(value)
            }
        }
        self.users = users
        roles = []
        var expenses: [Expense] = []
        for value in graph.values {
            var (role, expense) = Self.role(of: value, graph, roles, expenses, tuning.repeatedCost)
            if role == .loop, isDrawnFor(value) {
                role = .inline
            } else if role == .loop {
                if isAbsorbed(value) { role = .inline }
                expense = Expense()
            }
            roles.append(role)
            expenses.append(expense)
        }
        storeResults()
        storeSortedOperands()
    }

    /// Whether the only reader of a node is a kernel that can compute it on the way: it is computed once in either
    /// case.
    private func isAbsorbed(_ value: Value) -> Bool {
        guard users[value.index].count == 1, graph[value].operation.kind != .reduction else { return false }
        let user = graph[users[value.index][0]]
        switch user.operation {
        case let reduce as Reduce: return !reduce.axes.contains(graph[value].type.rank - 1)
        case is ScatterAdd: return user.operands[0] != value
        default: return false
        }
    }

    /// Whether numbers are generated for one reader alone that keeps less of each, as dropout keeps a bool: what is
    /// stored is then the reader's result.
    private func isDrawnFor(_ value: Value) -> Bool {
        guard graph[value].operation.kind == .generated, users[value.index].count == 1 else { return false }
        let user = graph[users[value.index][0]]
        return user.operation.kind == .elementwise && user.type.byteCount < graph[value].type.byteCount
    }

    package subscript(value: Value) -> Role { roles[value.index] }
    package func isStored(_ value: Value) -> Bool { roles[value.index].isStored }

    /// Has an inline node computed by a kernel of its own after all.
    package mutating func store(_ value: Value) { roles[value.index] = .loop }

    private static func role(of value: Value, _ graph: Graph, _ roles: [Role], _ expenses: [Expense], _ costLimit: Int)
        -> (Role, Expense)
    {
        let node = graph[value]
        switch node.operation.kind {
        case .leaf: return (.leaf, Expense())
        case .contraction: return (.matmul, Expense())
        case .attention: return (.attention, Expense())
        case .sort: return (.sort, Expense())
        case .scatter: return (.scatter, Expense())
        case .join: return (.concatenate, Expense())
        case .collective: return (.collective, Expense())
        case .copy: return (.loop, Expense())
        case .reduction:
            let axes = (node.operation as? Reduce)?.axes
            return (axes == [graph[node.operands[0]].type.rank - 1] ? .loop : .columnReduction, Expense())
        case .generated, .elementwise, .view, .repetition, .lookup, .composite: break
        }
        var expense = Expense(cost: ownCost(node.operation))
        for operand in node.readOperands {
            if roles[operand.index].isStored {
                expense.load(operand)
            } else {
                expense.cost += expenses[operand.index].cost
                expenses[operand.index].loads.forEach { expense.load($0) }
            }
        }
        let count = node.type.count
        expense.loads.removeAll { load in
            let loadCount = graph[load].type.count
            return loadCount * 2 <= count || loadCount <= 1
        }
        let isCheap = expense.loads.count <= 1 && expense.cost <= costLimit
        return (isCheap || expense.cost == 0 ? .inline : .loop, expense)
    }

    private static func ownCost(_ operation: any Operation) -> Int {
        if let function = ScalarFunction(operation) { return function.cost }
        return switch operation.kind {
        case .view, .repetition: 0
        case .lookup: 4
        case .generated: operation is RandomUniform ? 60 : operation is Constant ? 0 : 1
        case .leaf, .elementwise, .copy, .join, .reduction, .contraction, .attention, .sort, .scatter, .collective,
            .composite:
            1
        }
    }

    /// Results need memory of their own.
    private mutating func storeResults() {
        for result in graph.results where roles[result.value.index] == .inline { store(result.value) }
    }

    /// Sorts read contiguous rows.
    private mutating func storeSortedOperands() {
        for value in graph.values where roles[value.index] == .sort {
            let operand = graph[value].operands[0]
            if roles[operand.index] == .inline { store(operand) }
        }
    }
}

extension ScalarFunction {
    /// The function of an element-wise operation of the IR.
    package init?(_ operation: any Operation) {
        if let function = Self.byOperation[ObjectIdentifier(Swift.type(of: operation))] {
            self = function
        } else if let compare = operation as? Compare {
            self = ScalarFunction(compare.direction)
        } else {
            return nil
        }
    }

    /// Looked up by type: to try one type after the other takes too long for a question that is asked of every node.
    private static let byOperation: [ObjectIdentifier: ScalarFunction] = {
        let functions: [(any Operation.Type, ScalarFunction)] = [
            (Negate.self, .negate), (Absolute.self, .abs), (Exp.self, .exp), (Log.self, .log), (Sqrt.self, .sqrt),
            (Tanh.self, .tanh),
            (Erf.self, .erf), (Sin.self, .sin), (Cos.self, .cos), (Floor.self, .floor), (Add.self, .add),
            (Subtract.self, .subtract),
            (Multiply.self, .multiply), (Divide.self, .divide), (Maximum.self, .maximum), (Minimum.self, .minimum),
            (Power.self, .power),
            (Select.self, .select), (Cast.self, .cast),
        ]
        return Dictionary(uniqueKeysWithValues: functions.map { (ObjectIdentifier($0), $1) })
    }()

    private init(_ direction: Compare.Direction) {
        switch direction {
        case .equal: self = .equal
        case .notEqual: self = .notEqual
        case .less: self = .less
        case .lessEqual: self = .lessEqual
        case .greater: self = .greater
        case .greaterEqual: self = .greaterEqual
        }
    }
}
