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
    private let arguments: [LLVMValue]
    let scratch: LLVMValue

    /// Loop dimensions whose index is known at the moment, as i64.
    var indices: [Int: LLVMValue] = [:]
    /// Values that are the same for all columns, by instruction.
    var scalars: [Int: LLVMValue] = [:]
    /// Values of the current lanes, by instruction.
    var vectors: [Int: LLVMValue] = [:]
    /// The current position along the innermost dimension.
    private var column: Column?
    /// Byte offset in scratch memory of values that are spilled for a later pass over the row.
    var spillOffsets: [Int: Int] = [:]
    /// Which of those can be read in the current pass.
    var readable: Set<Int> = []

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
    }

    /// Whether an instruction's value differs from column to column.
    let dependsOnColumn: [Bool]

    // MARK: Types

    func type(_ element: ElementType) -> Type {
        switch element {
        case .f32, .bf16, .f64: module.f32
        case .i32: module.i32
        case .bool: module.i1
        }
    }

    private func memoryType(_ element: ElementType) -> Type {
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
        case .load(let argument, let address):
            return isScalar
                ? loadScalar(argument, address, instruction.type) : loadLanes(argument, address, instruction.type)
        case .compute(let function, let operands):
            return emit(function, operands, of: instruction.type, operand)
        case .random(let stream, let index, let key):
            let counter = isScalar ? builder.trunc(address(index), module.i32) : lanesIndex(index)
            return emitRandom(counter: counter, stream: stream, key: key.map(operand))
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

    // MARK: Addresses

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
    private func lanesIndex(_ expression: IndexExpression) -> LLVMValue {
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

    private enum Pattern { case same, contiguous, scattered }

    private func pattern(_ expression: IndexExpression) -> Pattern {
        if expression.dynamic.keys.contains(where: { dependsOnColumn[$0] }) { return .scattered }
        switch expression.terms[kernel.innermost] {
        case nil: return .same
        case 1: return .contiguous
        default: return .scattered
        }
    }

    private func byteOffset(_ expression: IndexExpression, _ element: ElementType) -> LLVMValue {
        builder.mul(address(expression), integer(element.byteCount))
    }

    // MARK: Memory

    private func loadScalar(_ argument: Int, _ address: IndexExpression, _ element: ElementType) -> LLVMValue {
        register(
            builder.load(memoryType(element), arguments[argument], byteOffset: byteOffset(address, element)), element)
    }

    private func loadLanes(_ argument: Int, _ address: IndexExpression, _ element: ElementType) -> LLVMValue {
        switch pattern(address) {
        case .same: return builder.splat(loadScalar(argument, address, element), lanes)
        case .contiguous:
            let memory = vector(memoryType(element)), offset = byteOffset(address, element)
            if let mask = column?.mask {
                return register(
                    builder.maskedLoad(memory, arguments[argument], byteOffset: offset, mask: mask), element)
            }
            return register(builder.load(memory, arguments[argument], byteOffset: offset), element)
        case .scattered:
            return register(
                builder.gather(
                    memoryType(element), arguments[argument], indices: lanesIndex(address), mask: column?.mask), element
            )
        }
    }

    /// Computes everything before it writes anything, since a store may overwrite a parameter that another value reads.
    func storeAll(_ stores: [LoopKernel.Store]) {
        for store in stores { _ = lanesValue(store.value) }
        for store in stores { self.store(store) }
    }

    /// Whether the lanes of an address lie side by side, and where is known before anything is read.
    private func isForeseeable(_ address: IndexExpression) -> Bool {
        address.dynamic.isEmpty && pattern(address) == .contiguous
    }

    /// Asks for the memory that the current lanes of all contiguous loads need. The indices may lie beyond the extents.
    func prefetch() {
        for instruction in kernel.instructions {
            guard case .load(let argument, let address) = instruction.kind, isForeseeable(address) else { continue }
            builder.prefetch(arguments[argument], byteOffset: byteOffset(address, instruction.type), forWriting: false)
        }
    }

    /// The tensors that differ from row to row and are read or written side by side, from the current row and column
    /// on.
    func streams() -> [RegisterBlock.Stream] {
        var streams: [Int: RegisterBlock.Stream] = [:]
        func add(_ argument: Int, _ address: IndexExpression, isWritten: Bool) {
            guard isForeseeable(address), let rowStride = address.terms[kernel.innermost - 1] else { return }
            let bytes = kernel.arguments[argument].byteCount
            streams[argument] = RegisterBlock.Stream(
                address: builder.offset(arguments[argument], bytes: byteOffset(address, kernel.arguments[argument])),
                rowBytes: rowStride * bytes,
                elementBytes: bytes, isWritten: isWritten)
        }
        for instruction in kernel.instructions {
            if case .load(let argument, let address) = instruction.kind { add(argument, address, isWritten: false) }
        }
        for store in kernel.stores { add(store.argument, store.address, isWritten: true) }
        return streams.sorted { $0.key < $1.key }.map(\.value)
    }

    /// Says what the result of the matmul is in the current lanes.
    func setMatmul(_ sum: LLVMValue) {
        for (number, instruction) in kernel.instructions.enumerated() where instruction.kind == .matmul {
            vectors[number] = sum
        }
    }

    /// Writes the value of an instruction in the current lanes.
    func store(_ store: LoopKernel.Store) {
        let element = kernel.arguments[store.argument]
        write(memory(lanesValue(store.value), element, isExact: holdsBFloat16(store.value)), to: store, element)
    }

    /// Writes given lanes, as they lie in memory, where a store says.
    func write(_ value: LLVMValue, to store: LoopKernel.Store, _ element: ElementType) {
        switch pattern(store.address) {
        case .contiguous:
            let offset = byteOffset(store.address, element)
            if let mask = column?.mask {
                builder.maskedStore(value, arguments[store.argument], byteOffset: offset, mask: mask)
            } else {
                builder.store(value, arguments[store.argument], byteOffset: offset)
            }
        case .scattered, .same:
            builder.scatter(value, arguments[store.argument], indices: lanesIndex(store.address), mask: column?.mask)
        }
    }

    /// Writes given lanes, as they lie in memory, side by side from where a store says.
    func writeContiguous(_ value: LLVMValue, to store: LoopKernel.Store, mask: LLVMValue?) {
        let element = kernel.arguments[store.argument], offset = byteOffset(store.address, element)
        if let mask {
            builder.maskedStore(value, arguments[store.argument], byteOffset: offset, mask: mask)
        } else {
            builder.store(value, arguments[store.argument], byteOffset: offset)
        }
    }

    /// Writes a value that does not depend on the column.
    func storeScalar(_ store: LoopKernel.Store) {
        let element = kernel.arguments[store.argument]
        builder.store(
            memory(scalar(store.value), element, isExact: holdsBFloat16(store.value)), arguments[store.argument],
            byteOffset: byteOffset(store.address, element))
    }

    /// Adds lanes to what lies where a store says.
    func accumulate(_ store: LoopKernel.Store) {
        let element = kernel.arguments[store.argument]
        let earlier = loadLanes(store.argument, store.address, element)
        write(memory(builder.fadd(earlier, lanesValue(store.value)), element), to: store, element)
    }

    /// Sets contiguous elements of an argument to zero.
    func zero(_ argument: Int, from start: LLVMValue, count: Int) {
        let element = kernel.arguments[argument], bytes = integer(element.byteCount)
        func clear(_ position: LLVMValue, _ type: Type) {
            builder.store(
                builder.zero(type), arguments[argument], byteOffset: builder.mul(builder.add(start, position), bytes))
        }
        let whole = count / lanes * lanes
        builder.loop(from: integer(0), to: integer(whole), step: integer(lanes)) { index, _ in
            clear(index, vector(memoryType(element)))
            return []
        }
        builder.loop(from: integer(whole), to: integer(count), step: integer(1)) { index, _ in
            clear(index, memoryType(element))
            return []
        }
    }

    /// From memory to registers: bf16 becomes f32, bytes become truth values.
    private func register(_ value: LLVMValue, _ element: ElementType) -> LLVMValue {
        switch element {
        case .bf16: builder.extendBFloat16(value)
        case .bool: builder.icmp(.ne, value, builder.zero(value.type))
        default: value
        }
    }

    /// From registers to memory; `isExact` if bf16 holds the value as it is.
    func memory(_ value: LLVMValue, _ element: ElementType, isExact: Bool = false) -> LLVMValue {
        switch element {
        case .bf16: isExact ? builder.narrowToBFloat16(value) : builder.roundToBFloat16(value)
        case .bool: builder.zext(value, value.type.isVector ? vector(module.i8) : module.i8)
        default: value
        }
    }

    /// Whether an instruction's value is one that bf16 holds: other work in bf16 is rounded when it is stored.
    func holdsBFloat16(_ number: Int) -> Bool {
        guard kernel.instructions[number].type == .bf16 else { return false }
        return switch kernel.instructions[number].kind {
        case .load, .compute(.cast, _): true
        default: false
        }
    }

    // MARK: Scratch

    private func spillPointer(_ offset: Int, _ element: ElementType) -> (LLVMValue, LLVMValue) {
        let start = column?.start ?? integer(0)
        return (scratch, builder.add(integer(offset), builder.mul(start, integer(element == .bool ? 1 : 4))))
    }

    private func loadSpilled(_ number: Int, _ offset: Int) -> LLVMValue {
        let element = kernel.instructions[number].type
        let (pointer, bytes) = spillPointer(offset, element)
        if element == .bool { return register(builder.load(vector(module.i8), pointer, byteOffset: bytes), .bool) }
        return builder.load(vector(type(element)), pointer, byteOffset: bytes)
    }

    /// Spills the current lanes of a value for a later pass. Scratch rows are padded, so no mask is needed.
    func spill(_ number: Int, at offset: Int) {
        let element = kernel.instructions[number].type
        let (pointer, bytes) = spillPointer(offset, element)
        let value = lanesValue(number)
        builder.store(element == .bool ? memory(value, .bool) : value, pointer, byteOffset: bytes)
    }

    // MARK: Columns

    /// Runs `body` with the lanes that start at `start`, of which those below `limit` are active; all of them without
    /// one.
    func withColumn<Result>(_ start: LLVMValue, limit: LLVMValue?, _ body: () -> Result) -> Result {
        let mask = limit.map { builder.laneMask(count: builder.sub($0, start), lanes: lanes) }
        column = Column(start: start, mask: mask)
        vectors = [:]
        defer {
            column = nil
            vectors = [:]
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
