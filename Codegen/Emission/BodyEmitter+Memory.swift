import ApusIR
import ApusLLVM

/// Loads, stores and prefetches of tensors, and the scratch memory of values that a later pass over a row reads again.
extension BodyEmitter {
    /// One element; zero where the condition does not hold.
    func loadScalar(
        _ argument: Int, _ address: IndexExpression, _ element: ElementType, _ condition: LLVMValue? = nil
    ) -> LLVMValue {
        let type = memoryType(element), offset = byteOffset(address, element)
        let memory =
            condition.map { builder.maskedLoad(type, arguments[argument], byteOffset: offset, mask: $0) }
            ?? builder.load(type, arguments[argument], byteOffset: offset)
        return register(memory, element)
    }

    /// The current lanes; zero where the condition does not hold.
    func loadLanes(
        _ argument: Int, _ address: IndexExpression, _ element: ElementType, _ condition: LLVMValue? = nil
    ) -> LLVMValue {
        let mask =
            condition.map { condition in column?.mask.map { builder.and($0, condition) } ?? condition } ?? column?.mask
        if condition == nil, let table = table(of: address) {
            return register(load(argument, address, element, table), element)
        }
        switch pattern(address) {
        case .same where condition == nil: return builder.splat(loadFirst(argument, address, element), lanes)
        case .contiguous:
            let memory = vector(memoryType(element)), offset = byteOffset(address, element)
            if let mask {
                return register(
                    builder.maskedLoad(memory, arguments[argument], byteOffset: offset, mask: mask), element)
            }
            return register(builder.load(memory, arguments[argument], byteOffset: offset), element)
        case .strided(let step):
            let offset = byteOffset(address, element)
            return register(
                loadStrided(arguments[argument], byteOffset: offset, element, step: step, mask: mask), element)
        case .inTurn(let distance) where condition == nil:
            return register(loadInTurn(argument, address, element, distance: distance, mask: mask), element)
        case .scattered, .inTurn, .same:
            return register(
                builder.gather(memoryType(element), arguments[argument], indices: lanesIndex(address), mask: mask),
                element)
        }
    }

    /// The element of the first lane, of an address that all lanes share; beyond the last column it may not be there.
    func loadFirst(_ argument: Int, _ address: IndexExpression, _ element: ElementType) -> LLVMValue {
        let isOfColumn = address.dynamic.keys.contains { dependsOnColumn[$0] }
        let isThere = isOfColumn ? column?.mask.map { builder.extractLane($0, 0) } : nil
        return loadScalar(argument, address, element, isThere)
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

    /// Asks for the memory that the current lanes of all loads need whose places are known: contiguous ones, and the
    /// first run of those in a table. The indices may lie beyond the extents.
    func prefetch() {
        for instruction in kernel.instructions {
            guard case .load(let argument, let address, nil) = instruction.kind else { continue }
            if isForeseeable(address) {
                builder.prefetch(
                    arguments[argument], byteOffset: byteOffset(address, instruction.type), forWriting: false)
            } else if let table = table(of: address) {
                prefetch(argument, address, instruction.type, table)
            }
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
            if case .load(let argument, let address, nil) = instruction.kind {
                add(argument, address, isWritten: false)
            }
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
        case .strided, .inTurn, .scattered, .same:
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

    func loadSpilled(_ number: Int, _ offset: Int) -> LLVMValue {
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
}
