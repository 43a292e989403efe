import ApusIR

/// Rows that are shorter than any vector, as those are in which two phases of an image are interleaved.
extension LoopKernel {
    /// The longest rows that are joined with the next dimension: of longer ones, masked vectors take less time than
    /// lanes that are read one by one.
    private static let longestShortRow = 2

    /// Joins short rows with the dimension around them where what is written lies side by side: columns count both, and
    /// what else needs the two indices divides.
    mutating func joinShortRows() {
        let (outer, extent) = (innermost - 1, extents[innermost])
        guard form == .rows, !hasReduction, outer >= 0, 2...Self.longestShortRow ~= extent,
            stores.allSatisfy({ isJoined($0.address) && $0.address.terms[innermost] == 1 })
        else { return }
        // The column, and the two indices that it stands for.
        let column = Instruction(kind: .index(.dimension(outer)), type: .i32)
        let length = Instruction(kind: .constant(Double(extent).bitPattern), type: .i32)
        let parts = [ScalarFunction.quotient, .remainder].map { Instruction(kind: .compute($0, [0, 1]), type: .i32) }
        let added = [column, length] + parts
        func joined(_ expression: IndexExpression) -> IndexExpression {
            var (terms, dynamic) = (expression.terms, expression.dynamic.shifted(by: added.count))
            let (outerStep, innerStep) = (terms[outer] ?? 0, terms[innermost] ?? 0)
            terms[innermost] = nil
            terms[outer] = nil
            if isJoined(expression) {
                terms[outer] = innerStep
            } else {
                (dynamic[2], dynamic[3]) = (outerStep, innerStep)
            }
            return IndexExpression(constant: expression.constant, terms: terms, dynamic: dynamic)
        }
        let moved = instructions.map { $0.shifted(by: added.count, joined) }
        for number in stores.indices {
            stores[number].address = joined(stores[number].address)
            stores[number].value += added.count
        }
        instructions = added + moved
        extents[outer] *= extent
        extents.removeLast()
    }

    /// Whether an expression counts the two innermost dimensions as one.
    private func isJoined(_ expression: IndexExpression) -> Bool {
        (expression.terms[innermost - 1] ?? 0) == (expression.terms[innermost] ?? 0) * extents[innermost]
    }
}

extension Instruction {
    /// The same instruction behind so many others.
    fileprivate func shifted(by count: Int, _ change: (IndexExpression) -> IndexExpression) -> Instruction {
        var copy = mapExpressions(change)
        switch copy.kind {
        case .load(let argument, let address, let condition):
            copy.kind = .load(argument: argument, address: address, condition: condition.map { $0 + count })
        case .compute(let function, let operands): copy.kind = .compute(function, operands.map { $0 + count })
        case .random(let stream, let index, let key):
            copy.kind = .random(stream: stream, index: index, key: key.map { $0 + count })
        case .reduce(let kind, let operand): copy.kind = .reduce(kind, operand + count)
        case .constant, .index, .matmul: break
        }
        return copy
    }
}

extension [Int: Int] {
    fileprivate func shifted(by count: Int) -> [Int: Int] {
        Dictionary(uniqueKeysWithValues: map { ($0.key + count, $0.value) })
    }
}
