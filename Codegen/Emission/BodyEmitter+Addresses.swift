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

    enum Pattern: Equatable {
        case same, contiguous
        /// So many elements apart, few of them (`IndexExpression.shortSteps`).
        case strided(Int)
        /// From two places in turn, so many elements apart.
        case inTurn(distance: Int)
        case scattered
    }

    func pattern(_ expression: IndexExpression) -> Pattern {
        switch steps.step(of: expression) {
        case 0: return .same
        case 1: return .contiguous
        case let step? where IndexExpression.shortSteps ~= step && lanes > 1: return .strided(step)
        case nil: return steps.turns(of: expression).map { .inTurn(distance: $0) } ?? .scattered
        default: return .scattered
        }
    }

    /// Where the first lane of an address lies that is no scattered one.
    func byteOffset(_ expression: IndexExpression, _ element: ElementType) -> LLVMValue {
        builder.mul(first(expression), integer(element.byteCount))
    }

    /// An index expression in the first lane, i64.
    private func first(_ expression: IndexExpression) -> LLVMValue {
        expression.dynamic.sorted { $0.key < $1.key }.reduce(address(expression)) { sum, term in
            guard dependsOnColumn[term.key] else { return sum }
            return builder.add(sum, builder.mul(builder.sext(first(term.key), module.i64), integer(term.value)))
        }
    }

    /// The value of an instruction in the first lane.
    private func first(_ number: Int) -> LLVMValue {
        guard dependsOnColumn[number] else { return scalar(number) }
        if let value = firsts[number] { return value }
        let instruction = kernel.instructions[number], value: LLVMValue
        switch instruction.kind {
        case .index(let expression): value = builder.trunc(first(expression), module.i32)
        case .load(let argument, let address, _): value = loadFirst(argument, address, instruction.type)
        case .compute(let function, let operands): value = emit(function, operands, of: instruction.type, first)
        case .constant, .reduce, .matmul, .random: preconditionFailure("the first lane of \(instruction) is not known")
        }
        firsts[number] = value
        return value
    }
}
