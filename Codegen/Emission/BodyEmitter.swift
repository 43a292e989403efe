import ApusIR
import ApusLLVM

/// Emits the straight-line code of a kernel, or of a part of one, inside loops that others make.
///
/// Values are emitted where they belong: those that depend on no loop once, those that depend on rows once a row,
/// the others for a vector of lanes at a time.
class BodyEmitter {
    let kernel: LoopKernel
    let builder: Builder
    var module: Module { builder.module }
    let lanes: Int
    let arguments: [LLVMValue]
    let scratch: LLVMValue

    /// Loop dimensions whose index is known at the moment, as i64.
    var indices: [Int: LLVMValue] = [:]
    /// Values that are the same for all columns, by instruction.
    var scalars: [Int: LLVMValue] = [:]
    /// Values of the current lanes, by instruction.
    var vectors: [Int: LLVMValue] = [:]
    /// Values that depend on the column, in the first of the current lanes.
    var firsts: [Int: LLVMValue] = [:]
    /// The current position along the innermost dimension.
    var column: Column?
    /// Byte offset in scratch memory of values that are spilled for a later pass over the row.
    var spillOffsets: [Int: Int] = [:]
    /// Which of those can be read in the current pass.
    var readable: Set<Int> = []
    /// Tables of places that depend on the column alone.
    var tables: [ColumnPlaces: PlaceTable] = [:]

    /// Lanes that are computed together.
    struct Column {
        var start: LLVMValue
        /// Nil where all lanes are active.
        var mask: LLVMValue?
    }

    /// The body of a kernel whose tensors are reached through these pointers; of one vector of lanes unless told.
    init(_ kernel: LoopKernel, _ builder: Builder, arguments: [LLVMValue], scratch: LLVMValue, lanes: Int? = nil) {
        self.kernel = kernel
        self.builder = builder
        self.arguments = arguments
        self.scratch = scratch
        self.lanes = lanes ?? builder.module.target.lanes()
        dependsOnColumn = kernel.columnDependence
        steps = LaneSteps(kernel, lanes: self.lanes)
    }

    /// Whether an instruction's value differs from column to column.
    let dependsOnColumn: [Bool]
    /// How values change from lane to lane.
    let steps: LaneSteps

    // MARK: Types

    func type(_ element: ElementType) -> Type {
        switch element {
        case .f32, .bf16, .f64: module.f32
        case .i32: module.i32
        case .bool: module.i1
        }
    }

    func memoryType(_ element: ElementType) -> Type {
        switch element {
        case .f32, .f64: module.f32
        case .i32: module.i32
        case .bool: module.i8
        case .bf16: module.i16
        }
    }

    func vector(_ type: Type) -> Type { module.vector(type, lanes) }

    func integer(_ value: Int) -> LLVMValue { builder.int(value, module.i64) }

    // MARK: Values

    /// The value of an instruction in the current lanes.
    func lanesValue(_ number: Int) -> LLVMValue {
        if let value = vectors[number] { return value }
        let value: LLVMValue
        if !dependsOnColumn[number] {
            value = builder.splat(scalar(number), lanes)
        } else if readable.contains(number), let offset = spillOffsets[number] {
            value = loadSpilled(number, offset)
        } else {
            value = compute(kernel.instructions[number], operand: lanesValue, scalar: false)
        }
        vectors[number] = value
        return value
    }

    /// The value of an instruction that does not depend on the column.
    func scalar(_ number: Int) -> LLVMValue {
        if let value = scalars[number] { return value }
        let value = compute(kernel.instructions[number], operand: scalar, scalar: true)
        scalars[number] = value
        return value
    }

    private func compute(_ instruction: Instruction, operand: (Int) -> LLVMValue, scalar isScalar: Bool) -> LLVMValue {
        let element = type(instruction.type)
        let resultType = isScalar ? element : vector(element)
        switch instruction.kind {
        case .constant(let bits):
            let value = Double(bitPattern: bits)
            return element.isFloat ? builder.float(value, resultType) : builder.int(Int(value), resultType)
        case .index(let expression):
            return isScalar ? builder.trunc(address(expression), module.i32) : lanesIndex(expression)
        case .load(let argument, let address, let condition):
            let condition = condition.map(operand)
            return isScalar
                ? loadScalar(argument, address, instruction.type, condition)
                : loadLanes(argument, address, instruction.type, condition)
        case .compute(let function, let operands):
            return emit(function, operands, of: instruction.type, operand)
        case .random(let stream, let index, let key):
            let counter = isScalar ? builder.trunc(address(index), module.i32) : lanesIndex(index)
            return builder.uniform(
                index: counter, stream: builder.int(stream, counter.type), key: key.map(operand))
        case .reduce, .matmul:
            preconditionFailure("a reduction or matmul is emitted by the loop that it belongs to")
        }
    }

    // MARK: Loops around

    /// Values that depend on no loop are computed once, before the first.
    func emitInvariants() {
        var isInvariant: [Bool] = []
        for (number, instruction) in kernel.instructions.enumerated() {
            var invariant =
                instruction.expressions.allSatisfy { $0.terms.isEmpty }
                && instruction.operands.allSatisfy { isInvariant[$0] }
            switch instruction.kind {
            case .reduce, .matmul: invariant = false
            default: break
            }
            isInvariant.append(invariant)
            if invariant { _ = scalar(number) }
        }
    }

    /// Begins a row: its indices, and the values that are the same for all of its columns.
    func beginRow(_ row: LLVMValue, invariant: [Int: LLVMValue]) {
        scalars = invariant
        setIndices(Array(0..<kernel.innermost), from: row)
        for number in kernel.instructions.indices where !dependsOnColumn[number] { _ = scalar(number) }
    }

    /// Indices of some loop dimensions from a running number, the last dimension fastest.
    func setIndices(_ dimensions: [Int], from number: LLVMValue) {
        var rest = number
        for (position, dimension) in dimensions.enumerated().reversed() {
            if position == 0 {
                indices[dimension] = rest
            } else {
                let extent = integer(kernel.extents[dimension])
                indices[dimension] = builder.urem(rest, extent)
                rest = builder.udiv(rest, extent)
            }
        }
    }

    // MARK: Columns

    /// Runs `body` with the lanes that start at `start`, of which those below `limit` are active; all of them without
    /// one.
    func withColumn<Result>(_ start: LLVMValue, limit: LLVMValue?, _ body: () -> Result) -> Result {
        let mask = limit.map { builder.laneMask(count: builder.sub($0, start), lanes: lanes) }
        column = Column(start: start, mask: mask)
        (vectors, firsts) = ([:], [:])
        defer {
            column = nil
            (vectors, firsts) = ([:], [:])
        }
        return body()
    }

    var mask: LLVMValue? { column?.mask }

    /// Covers `from..<to` with lanes, whole ones first, then one that is masked; the body may carry values.
    func forColumns(
        from: LLVMValue, to: LLVMValue, carrying initial: [LLVMValue] = [], _ body: ([LLVMValue]) -> [LLVMValue]
    ) -> [LLVMValue] {
        let step = integer(lanes)
        let whole = builder.add(from, builder.mul(builder.sdiv(builder.sub(to, from), step), step))
        let carried = builder.loop(from: from, to: whole, step: step, carrying: initial) { start, carried in
            withColumn(start, limit: nil) { body(carried) }
        }
        guard lanes > 1 else { return carried }
        return builder.ifThenElse(
            builder.icmp(.slt, whole, to), then: { withColumn(whole, limit: to) { body(carried) } }, else: { carried })
    }
}

/// A value of LLVM's; `Value` alone is one of the graph.
typealias LLVMValue = ApusLLVM.Value
