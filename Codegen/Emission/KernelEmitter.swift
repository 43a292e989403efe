import ApusIR
import ApusLLVM

/// Emits one kernel as a native function `(arguments, begin, end, scratch)`.
final class KernelEmitter: BodyEmitter {
    let begin: LLVMValue, end: LLVMValue
    let plan: KernelPlan

    init(_ kernel: LoopKernel, _ plan: KernelPlan, named name: String, in module: Module) {
        let function = KernelFunctionFrame(name, arguments: kernel.arguments.count, in: module)
        (begin, end) = (function.begin, function.end)
        self.plan = plan
        super.init(kernel, function.builder, arguments: function.arguments, scratch: function.scratch)
    }

    func emit() {
        switch (kernel.form, plan.division) {
        case (.flat, _): emitFlat()
        case (.rows, .rows(let plan)): emitRows(plan)
        case (.transposed, .transposed(let stripes, let elementsPerLane)):
            emitTransposed(stripes: stripes, parts: elementsPerLane)
        case (.columns(let outer, let reduced), .columns(let vectors)):
            emitColumns(outer: outer, reduced: reduced, vectors: vectors)
        case (.scatter(let batch, let count), _): emitScatter(batch: batch, count: count)
        case (.part, _): preconditionFailure("a part is emitted by the kernel that it belongs to")
        case (.rows, _), (.transposed, _), (.columns, _): preconditionFailure("the plan is that of another kernel")
        }
        builder.ret()
    }

    /// Element-wise work on `begin..<end`.
    func emitFlat() {
        emitInvariants()
        _ = forColumns(from: begin, to: end) { _ in
            storeAll(kernel.stores)
            return []
        }
    }

    // MARK: Rows

    /// For each row: passes over its columns, each of which ends in the reductions that the next ones need.
    func emitRows(_ plan: RowPlan) {
        emitInvariants()
        let invariant = scalars
        spillOffsets = plan.spillOffsets
        let width = integer(kernel.extents[kernel.innermost])
        builder.loop(from: begin, to: end, step: integer(1)) { row, _ in
            scalars = invariant
            setIndices(Array(0..<kernel.innermost), from: row)
            for pass in 0...plan.lastPass {
                let reductions = plan.reductions(in: pass)
                readable = Set(plan.spillOffsets.keys.filter { plan.passes[$0] < pass })
                hoist(plan, pass)
                let initial = reductions.map { builder.splat(identity($0), lanes) }
                let stores = plan.laneStores(in: pass), spilled = plan.spilled(in: pass)
                if !(stores.isEmpty && spilled.isEmpty && reductions.isEmpty) {
                    let sums = forColumns(from: integer(0), to: width, carrying: initial) { carried in
                        for number in spilled { spill(number, at: plan.spillOffsets[number]!) }
                        storeAll(stores)
                        return zip(reductions, carried).map { combine($0, $1) }
                    }
                    for (number, sum) in zip(reductions, sums) {
                        scalars[number] = builder.reduce(operation(number), sum)
                    }
                }
                for store in plan.rowStores(after: pass) { storeScalar(store) }
            }
            return []
        }
    }

    /// Row values that the next pass needs are computed before its loop begins, so that each is computed once.
    private func hoist(_ plan: RowPlan, _ pass: Int) {
        for (number, instruction) in kernel.instructions.enumerated()
        where !dependsOnColumn[number] && plan.passes[number] <= pass {
            if case .reduce = instruction.kind { continue }
            _ = scalar(number)
        }
    }

    // MARK: Reductions

    private func reduction(_ number: Int) -> (kind: Reduce.Kind, operand: Int) {
        guard case .reduce(let kind, let operand) = kernel.instructions[number].kind else {
            preconditionFailure("instruction \(number) is not a reduction")
        }
        return (kind, operand)
    }

    private func operation(_ number: Int) -> Reduction {
        switch reduction(number).kind {
        case .sum: .add
        case .maximum: .max
        case .minimum: .min
        }
    }

    private func identity(_ number: Int) -> LLVMValue {
        let type = type(kernel.instructions[number].type)
        switch (reduction(number).kind, type.isFloat) {
        case (.sum, _): return builder.zero(type)
        case (.maximum, true): return builder.float(-.infinity, type)
        case (.minimum, true): return builder.float(.infinity, type)
        case (.maximum, false): return builder.int(Int(Int32.min), type)
        case (.minimum, false): return builder.int(Int(Int32.max), type)
        }
    }

    /// An accumulator after the current lanes; inactive ones leave it alone.
    private func combine(_ number: Int, _ accumulator: LLVMValue) -> LLVMValue {
        let next = builder.combine(operation(number), accumulator, lanesValue(reduction(number).operand))
        return mask.map { builder.select($0, next, accumulator) } ?? next
    }

    // MARK: Columns

    /// For each outer index and block of columns: sums over the reduced dimensions in order.
    func emitColumns(outer: Int, reduced: Int, vectors: Int) {
        let columns = kernel.extents[kernel.innermost], block = vectors * lanes
        let blocks = (columns + block - 1) / block
        let isWhole = columns % block == 0
        let reductions = kernel.stores.map(\.value)
        let limit: LLVMValue? = isWhole ? nil : integer(columns)
        builder.loop(from: begin, to: end, step: integer(1)) { unit, _ in
            setIndices(Array(0..<outer), from: builder.udiv(unit, integer(blocks)))
            let first = builder.mul(builder.urem(unit, integer(blocks)), integer(block))
            let starts = (0..<vectors).map { builder.add(first, integer($0 * lanes)) }
            let initial = starts.flatMap { _ in reductions.map { builder.splat(identity($0), lanes) } }
            let count = kernel.extents[outer..<outer + reduced].reduce(1, *)
            let sums = builder.loop(from: integer(0), to: integer(count), step: integer(1), carrying: initial) {
                row, carried in
                setIndices(Array(outer..<outer + reduced), from: row)
                scalars = [:]
                return starts.enumerated().flatMap { position, start in
                    withColumn(start, limit: limit) {
                        reductions.enumerated().map {
                            combine($0.element, carried[position * reductions.count + $0.offset])
                        }
                    }
                }
            }
            scalars = [:]
            for (position, start) in starts.enumerated() {
                withColumn(start, limit: limit) {
                    for (offset, store) in kernel.stores.enumerated() {
                        let element = kernel.arguments[store.argument]
                        write(memory(sums[position * reductions.count + offset], element), to: store, element)
                    }
                }
            }
            return []
        }
    }

    // MARK: Scatter

    /// For each batch: zeroes its part of the result, then adds row by row in order.
    func emitScatter(batch: Int, count: Int) {
        let store = kernel.stores[0]
        let rows = kernel.extents[batch..<batch + count].reduce(1, *)
        let between = Array(batch + count..<kernel.innermost)
        let betweenCount = between.map { kernel.extents[$0] }.reduce(1, *)
        builder.loop(from: begin, to: end, step: integer(1)) { unit, _ in
            zero(
                store.argument, from: builder.mul(unit, integer(kernel.scatterElements)), count: kernel.scatterElements)
            builder.loop(from: integer(0), to: integer(rows), step: integer(1)) { row, _ in
                builder.loop(from: integer(0), to: integer(betweenCount), step: integer(1)) { middle, _ in
                    setIndices(Array(0..<batch), from: unit)
                    setIndices(Array(batch..<batch + count), from: row)
                    setIndices(between, from: middle)
                    scalars = [:]
                    for number in kernel.instructions.indices where !dependsOnColumn[number] { _ = scalar(number) }
                    _ = forColumns(from: integer(0), to: integer(kernel.extents[kernel.innermost])) { _ in
                        accumulate(store)
                        return []
                    }
                    return []
                }
                return []
            }
            return []
        }
    }
}
