/// The shape that equal kernels have in common: as few loop dimensions as there can be, in an order that memory likes.
extension LoopKernel {
    /// Merges neighbouring loop dimensions that all index expressions treat as one.
    mutating func mergeDimensions() {
        dropUnitDimensions()
        var dimension = extents.count - 2
        while dimension >= 0 {
            if canMerge(dimension) { merge(dimension) }
            dimension -= 1
        }
    }

    /// Gives a kernel that writes along one dimension and reads along another the transposed form: it reads squares and
    /// transposes them in registers.
    mutating func transposeIfScattered() {
        guard form == .rows, !hasReduction, stores.count == 1, extents.count > 1,
            stores[0].address.terms[innermost] == 1
        else { return }
        let addresses = instructions.compactMap { if case .load(_, let address, _) = $0.kind { address } else { nil } }
        guard addresses.allSatisfy(\.dynamic.isEmpty), addresses.contains(where: { ($0.terms[innermost] ?? 0) > 1 })
        else { return }
        let candidates = extents.indices.dropLast().filter { dimension in
            extents[dimension] >= 8
                && addresses.allSatisfy { $0.terms[innermost] != 1 && ($0.terms[dimension] ?? 1) == 1 }
        }
        guard let dimension = candidates.first, extents[innermost] >= 8 else { return }
        let order = extents.indices.filter { $0 != dimension } + [dimension]
        reorder(order)
        form = .transposed
    }

    /// Puts the dimensions into another order.
    private mutating func reorder(_ order: [Int]) {
        let position = Dictionary(uniqueKeysWithValues: order.enumerated().map { ($0.element, $0.offset) })
        func reordered(_ expression: IndexExpression) -> IndexExpression {
            let terms = expression.terms.map { (position[$0.key] ?? $0.key, $0.value) }
            return IndexExpression(
                constant: expression.constant, terms: Dictionary(uniqueKeysWithValues: terms),
                dynamic: expression.dynamic)
        }
        instructions = instructions.map { $0.mapExpressions(reordered) }
        for number in stores.indices { stores[number].address = reordered(stores[number].address) }
        extents = order.map { extents[$0] }
    }

    private var expressions: [IndexExpression] { instructions.flatMap(\.expressions) + stores.map(\.address) }

    var hasReduction: Bool { instructions.contains { if case .reduce = $0.kind { true } else { false } } }

    /// Loops of one turn are no loops. The innermost stays where it is reduced or where it is the only one.
    private mutating func dropUnitDimensions() {
        var dimension = form == .rows && !hasReduction ? innermost : innermost - 1
        while dimension >= 0 {
            if extents[dimension] == 1, extents.count > 1 { remove(dimension) { $0 } }
            dimension -= 1
        }
    }

    private func canMerge(_ dimension: Int) -> Bool {
        // Dimensions with different roles stay apart.
        switch form {
        case .rows:
            if hasReduction, dimension + 1 == innermost { return false }
        case .columns(let outer, let reduced):
            if dimension == outer - 1 || dimension == outer + reduced - 1 { return false }
        case .scatter(let batch, let count):
            if dimension == batch - 1 || dimension == batch + count - 1 { return false }
        case .part:
            if dimension + 1 == innermost { return false }
        case .flat, .transposed: return false
        }
        let inner = extents[dimension + 1]
        return expressions.allSatisfy { ($0.terms[dimension] ?? 0) == ($0.terms[dimension + 1] ?? 0) * inner }
    }

    private mutating func merge(_ dimension: Int) {
        extents[dimension + 1] *= extents[dimension]
        remove(dimension) { expression in
            var copy = expression
            copy.terms[dimension] = nil
            return copy
        }
    }

    /// Removes a dimension that no expression needs any more, and renumbers the later ones.
    private mutating func remove(_ dimension: Int, _ change: (IndexExpression) -> IndexExpression) {
        func renumbered(_ expression: IndexExpression) -> IndexExpression {
            var terms: [Int: Int] = [:]
            for (key, value) in change(expression).terms where key != dimension {
                terms[key > dimension ? key - 1 : key] = value
            }
            return IndexExpression(constant: expression.constant, terms: terms, dynamic: expression.dynamic)
        }
        instructions = instructions.map { $0.mapExpressions(renumbered) }
        for position in stores.indices { stores[position].address = renumbered(stores[position].address) }
        extents.remove(at: dimension)
        switch form {
        case .columns(let outer, let reduced):
            form =
                dimension < outer
                ? .columns(outer: outer - 1, reduced: reduced) : .columns(outer: outer, reduced: reduced - 1)
        case .scatter(let batch, let count):
            if dimension < batch {
                form = .scatter(batch: batch - 1, count: count)
            } else if dimension < batch + count {
                form = .scatter(batch: batch, count: count - 1)
            }
        default: break
        }
    }
}
