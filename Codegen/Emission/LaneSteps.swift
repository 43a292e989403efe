import ApusIR

/// How integers of a kernel change from lane to lane of a vector that starts at a multiple of its lanes: by the same
/// step, 0 where all lanes are equal, or in no such way. What has a step is known from its first lane.
///
/// A column that is divided, as where a row goes over several axes, has one as long as the divisor is a multiple of the
/// lanes: no vector then crosses from one quotient to the next.
struct LaneSteps {
    private let kernel: LoopKernel
    private let lanes: Int
    /// For each instruction its step, if there is one.
    private var steps: [Int?] = []
    /// Whether the first lane is a multiple of the lanes.
    private var isAligned: [Bool] = []

    init(_ kernel: LoopKernel, lanes: Int) {
        self.kernel = kernel
        self.lanes = lanes
        // Elsewhere vectors may start anywhere.
        let startsAligned = kernel.form == .rows || kernel.form == .part, depends = kernel.columnDependence
        for (number, instruction) in kernel.instructions.enumerated() {
            let isColumn = depends[number]
            steps.append(!isColumn ? 0 : startsAligned ? step(of: instruction) : nil)
            isAligned.append(isMultiple(instruction))
        }
    }

    /// The step of an instruction's value, nil if there is none.
    subscript(number: Int) -> Int? { steps[number] }

    /// The step of an index expression.
    func step(of expression: IndexExpression) -> Int? {
        expression.dynamic.reduce(expression.terms[kernel.innermost] ?? 0) { sum, term in
            guard let sum, let step = steps[term.key] else { return nil }
            return sum + term.value * step
        }
    }

    /// How far the odd lanes of an address lie from the even ones, where each are neighbours; nil if they are not.
    func turns(of expression: IndexExpression) -> Int? {
        let parts = expression.dynamic.filter { steps[$0.key] != 0 }
        guard lanes % 2 == 0, expression.terms[kernel.innermost] == nil, parts.count == 2,
            let quotient = parts.first(where: { isHalf($0.key, .quotient) && $0.value == 1 }),
            let remainder = parts.first(where: { isHalf($0.key, .remainder) && $0.key != quotient.key })
        else { return nil }
        return remainder.value
    }

    /// Whether an instruction divides a number by 2 that counts lanes from an even one on.
    private func isHalf(_ number: Int, _ function: ScalarFunction) -> Bool {
        guard case .compute(function, let operands) = kernel.instructions[number].kind,
            divisor(of: kernel.instructions[number]) == 2
        else { return false }
        return steps[operands[0]] == 1 && isAligned[operands[0]]
    }

    private func step(of instruction: Instruction) -> Int? {
        switch instruction.kind {
        case .constant: return 0
        case .index(let expression): return step(of: expression)
        case .load(_, let address, nil): return step(of: address) == 0 ? 0 : nil
        case .compute(let function, let operands):
            if operands.allSatisfy({ steps[$0] == 0 }) { return 0 }
            guard let divisor = divisor(of: instruction), divisor % lanes == 0, steps[operands[0]] == 1,
                isAligned[operands[0]]
            else { return nil }
            return function == .quotient ? 0 : 1
        case .load, .reduce, .matmul, .random: return nil
        }
    }

    /// Whether the value in the first lane is a multiple of the lanes.
    private func isMultiple(_ instruction: Instruction) -> Bool {
        switch instruction.kind {
        case .index(let expression):
            // The innermost index starts at one.
            let others = expression.terms.filter { $0.key != kernel.innermost }.map(\.value) + [expression.constant]
            return others.allSatisfy { $0 % lanes == 0 }
                && expression.dynamic.allSatisfy { $0.value % lanes == 0 || isAligned[$0.key] }
        case .compute(.remainder, let operands):
            return divisor(of: instruction).map { $0 % lanes == 0 && isAligned[operands[0]] } ?? false
        default: return false
        }
    }

    /// What a quotient or a remainder is divided by, if that is a constant.
    private func divisor(of instruction: Instruction) -> Int? {
        guard case .compute(let function, let operands) = instruction.kind,
            function == .quotient || function == .remainder,
            case .constant(let bits) = kernel.instructions[operands[1]].kind
        else { return nil }
        return Int(Double(bitPattern: bits))
    }
}
