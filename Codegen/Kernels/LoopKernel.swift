import ApusIR

/// An element-wise function of the kernels' own little language.
package enum ScalarFunction: String, Hashable {
    case negate, abs, exp, log, sqrt, tanh, erf, sin, cos, floor
    case add, subtract, multiply, divide, maximum, minimum, power
    case equal, notEqual, less, lessEqual, greater, greaterEqual
    case select, cast, and
    /// Quotient and remainder of non-negative integers, for indices.
    case quotient, remainder

    /// Rough cost in vector instructions.
    package var cost: Int {
        switch self {
        case .exp, .log, .sin, .cos: 14
        case .tanh, .erf: 18
        case .power: 30
        case .sqrt, .divide: 5
        case .quotient, .remainder: 20
        default: 1
        }
    }
}

/// One value of a kernel's body, in static single assignment form.
package struct Instruction: Hashable {
    package enum Kind: Hashable {
        /// The bits of an f64, so that 0 and −0 are two constants.
        case constant(UInt64)
        /// The value of an index expression, i32.
        case index(IndexExpression)
        /// One element of an argument; zero, and not read, where there is a condition that does not hold.
        case load(argument: Int, address: IndexExpression, condition: Int? = nil)
        case compute(ScalarFunction, [Int])
        /// Over the reduced dimensions of the kernel; the result does not depend on them.
        case reduce(Reduce.Kind, Int)
        /// The value of the matmul that the kernel is a part of, at this row and column.
        case matmul
        /// `Philox` for the counter (index, stream) and the key in two instructions.
        case random(stream: Int, index: IndexExpression, key: [Int])
    }
    package var kind: Kind
    package var type: ElementType
}

/// A kernel: a nest of loops around straight-line code; what the emitter turns into one native function.
///
/// The innermost dimension is computed many elements at a time. Tensors are passed as arguments and addressed
/// by index expressions over the loop dimensions.
package struct LoopKernel: Hashable {
    package enum Form: Hashable {
        /// One dimension whose extent comes with the call: purely element-wise work on contiguous tensors.
        case flat
        /// A loop over rows (all dimensions but the last); reductions go along the last dimension.
        case rows
        /// As `rows`, where the last dimension is contiguous in what is read and the one before it in what is written.
        case transposed
        /// Reductions over the dimensions `outer..<outer + reduced`, for each of the outer and each column.
        case columns(outer: Int, reduced: Int)
        /// For each of the first `batch` dimensions: zeroes rows and adds up those that the next `count` dimensions run
        /// over.
        case scatter(batch: Int, count: Int)
        /// Rows and columns that the loops of another kernel run over: the prologue or the epilogue of a matmul.
        case part
    }
    package struct Store: Hashable {
        package var argument: Int
        package var address: IndexExpression
        package var value: Int
    }

    package var form: Form
    /// Extents of the loops, outermost first. An extent that the code does not depend on is 0.
    package var extents: [Int]
    package var instructions: [Instruction]
    package var stores: [Store]
    /// Element types of the arguments.
    package var arguments: [ElementType]
    /// Of a scatter kernel: how many elements of the result belong to one batch; they are zeroed first.
    package var scatterElements = 0

    package var innermost: Int { extents.count - 1 }

    /// For each instruction whether its value differs along the innermost dimension.
    package var columnDependence: [Bool] {
        var result: [Bool] = []
        for instruction in instructions {
            var depends = instruction.expressions.contains { $0.terms[innermost] != nil }
            switch instruction.kind {
            case .reduce:
                // In a column reduction each column has a sum of its own.
                if case .columns = form { depends = true }
            case .matmul: depends = true
            default: depends = depends || instruction.operands.contains { result[$0] }
            }
            result.append(depends)
        }
        return result
    }
}

extension LoopKernel {
    /// The factors of a product that sums take in without rounding it first; nil for what is stored, which is rounded.
    package func contractedFactors(_ number: Int) -> [Int]? {
        guard case .compute(.multiply, let factors) = instructions[number].kind, instructions[number].type == .f32,
            !stores.contains(where: { $0.value == number })
        else { return nil }
        return factors
    }

    /// Whether some sum takes in this product without rounding it first.
    package func isContracted(_ number: Int) -> Bool {
        guard contractedFactors(number) != nil else { return false }
        return instructions.contains { instruction in
            guard case .compute(let function, let operands) = instruction.kind else { return false }
            return (function == .add || function == .subtract) && operands.contains(number)
        }
    }
}

/// Kernels whose texts are equal are equal: code is kept by it.
extension LoopKernel: CustomStringConvertible {
    package var description: String {
        var lines = [
            "\(form) \(shapeText(extents)) ("
                + arguments.enumerated().map { "a\($0.offset): \($0.element)" }.joined(separator: ", ") + ")"
        ]
        if scatterElements > 0 { lines.append("  zeroes \(scatterElements) elements") }
        for (number, instruction) in instructions.enumerated() { lines.append("  %\(number) = \(instruction)") }
        for store in stores { lines.append("  a\(store.argument)[\(store.address)] = %\(store.value)") }
        return lines.joined(separator: "\n")
    }
}

extension Instruction: CustomStringConvertible {
    package var description: String {
        let text =
            switch kind {
            case .constant(let bits): "constant \(Double(bitPattern: bits).debugDescription)"
            case .index(let expression): "index \(expression)"
            case .load(let argument, let address, let condition):
                "a\(argument)[\(address)]" + (condition.map { " if %\($0)" } ?? "")
            case .compute(let function, let operands):
                "\(function.rawValue) " + operands.map { "%\($0)" }.joined(separator: ", ")
            case .reduce(let kind, let operand): "reduce.\(kind.rawValue) %\(operand)"
            case .matmul: "matmul"
            case .random(let stream, let index, let key):
                "random stream \(stream) at \(index) key %\(key[0]), %\(key[1])"
            }
        return "\(text) : \(type)"
    }

    /// The instructions that this one uses.
    package var operands: [Int] {
        switch kind {
        case .constant, .matmul: []
        case .index(let expression): Array(expression.dynamic.keys).sorted()
        case .load(_, let address, let condition):
            Array(address.dynamic.keys).sorted() + (condition.map { [$0] } ?? [])
        case .compute(_, let operands): operands
        case .reduce(_, let operand): [operand]
        case .random(_, let index, let key): Array(index.dynamic.keys).sorted() + key
        }
    }

    /// The index expressions in this instruction.
    package var expressions: [IndexExpression] {
        switch kind {
        case .index(let expression): [expression]
        case .load(_, let address, _): [address]
        case .random(_, let index, _): [index]
        default: []
        }
    }

    /// The same instruction with its index expressions changed.
    package func mapExpressions(_ change: (IndexExpression) -> IndexExpression) -> Instruction {
        var copy = self
        switch kind {
        case .index(let expression): copy.kind = .index(change(expression))
        case .load(let argument, let address, let condition):
            copy.kind = .load(argument: argument, address: change(address), condition: condition)
        case .random(let stream, let index, let key):
            copy.kind = .random(stream: stream, index: change(index), key: key)
        default: break
        }
        return copy
    }
}
