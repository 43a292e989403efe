import ApusIR
import ApusLLVM

/// Where elements lie: index expressions in the registers of the current row and lanes.
extension BodyEmitter {
    /// The part of an index expression that is the same for all lanes, plus the start of the column; i64.
    func address(_ expression: IndexExpression) -> LLVMValue {
        var sum = integer(expression.constant)
        for (dimension, coefficient) in expression.terms.sorted(by: { $0.key < $1.key }) {
            guard let index = dimension == kernel.innermost ? column?.start ?? indices[dimension] : indices[dimension]
            else { continue }
            sum = builder.add(sum, builder.mul(index, integer(coefficient)))
        }
        for (number, coefficient) in expression.dynamic.sorted(by: { $0.key < $1.key }) where !dependsOnColumn[number] {
            sum = builder.add(sum, builder.mul(builder.sext(scalar(number), module.i64), integer(coefficient)))
        }
        return sum
    }

    /// An index expression for each lane, i32.
    func lanesIndex(_ expression: IndexExpression) -> LLVMValue {
        let type = vector(module.i32)
        var sum = builder.splat(builder.trunc(address(expression), module.i32), lanes)
        if let coefficient = expression.terms[kernel.innermost] {
            sum = builder.add(sum, builder.mul(builder.iota(lanes, module.i32), builder.int(coefficient, type)))
        }
        for (number, coefficient) in expression.dynamic.sorted(by: { $0.key < $1.key }) where dependsOnColumn[number] {
            sum = builder.add(sum, builder.mul(lanesValue(number), builder.int(coefficient, type)))
        }
        return sum
    }

    enum Pattern { case same, contiguous, scattered }

    func pattern(_ expression: IndexExpression) -> Pattern {
        if expression.dynamic.keys.contains(where: { dependsOnColumn[$0] }) { return .scattered }
        switch expression.terms[kernel.innermost] {
        case nil: return .same
        case 1: return .contiguous
        default: return .scattered
        }
    }

    func byteOffset(_ expression: IndexExpression, _ element: ElementType) -> LLVMValue {
        builder.mul(address(expression), integer(element.byteCount))
    }
}
