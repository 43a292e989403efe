import ApusIR
import ApusLLVM

/// The heart of all matmuls: a few rows times a few packed columns, with every sum in a register along the whole
/// contracted axis.
///
/// A factor is 32 bits: one f32, or two bf16 that lie next to each other along the contracted axis and make one unit of
/// it.
struct RegisterBlock {
    private(set) var builder: Builder
    let element: ElementType
    let lanes: Int
    /// Vectors side by side.
    let vectors: Int
    /// The shapes that tile registers have when a block begins; nil where the kernel does not use them.
    var tiles: TileShape?

    var columns: Int { vectors * lanes }
    var vectorBytes: Int { lanes * 4 }
    /// Bytes from unit to unit of the packed columns.
    var unitBytes: Int { distanceOfUnits ?? columns * 4 }
    /// The same, where columns are not packed but lie so.
    var distanceOfUnits: Int?
    var module: Module { builder.module }
    func integer(_ value: Int) -> LLVMValue { builder.int(value, module.i64) }

    /// Units along a contracted axis of this many elements.
    func units(_ count: Int) -> Int { element == .bf16 ? (count + 1) / 2 : count }

    /// Units of the contracted axis in one turn of the inner loop.
    private static let unrolling = 2
    /// Units up to which a run is a turn of its own, without a loop.
    static let longestUnrolled = 16

    /// Runs that the rows of the left operand consist of.
    struct Run {
        /// Units of a run, and the distance of two.
        var units: Int, bytes: Int
    }

    /// Multiplies some rows with packed columns, and writes the sums row by row to `target`.
    ///
    /// It is a function of its own, which all kernels of a module share: only so are all registers free for the sums.
    ///
    /// - Parameters:
    ///   - left: Address of the first row, whose factors lie one after the other.
    ///   - rowBytes: Distance of the rows.
    ///   - packed: Address of the packed columns.
    ///   - packedAlignment: Bytes of which that address is certainly a multiple; nil for those of a vector.
    ///   - targetRowBytes: Distance of the rows of sums.
    ///   - axes: The contracted axis as columns lie along it that are not packed; nil if they are packed.
    ///   - run: The runs that the factors of a row lie in; nil if there is one.
    ///   - used: How many units there are where that is known only when it runs, those of whole register blocks; then
    ///     `units` are the most.
    ///   - isAdding: Whether the sums begin with what is in `target`.
    ///   - ahead: Memory that is needed soon, for as many rows and columns: it is asked for on the way, row by row, so
    ///     that requests do not queue.
    func multiply(
        rows: Int, left: LLVMValue, rowBytes: Int, packed: LLVMValue, packedAlignment: Int? = nil,
        along axes: [ColumnRuns.Axis]? = nil, units: Int, run: Run? = nil, used: LLVMValue? = nil,
        into target: LLVMValue, targetRowBytes: Int, isAdding: Bool = false, ahead: [Stream] = []
    ) {
        let streams = ahead.map { "_\($0.isWritten ? "w" : "r")\($0.rowBytes)x\($0.elementBytes)" }.joined()
        let steps = tiles.flatMap { _ in tileSteps(units: units, run: run) }
        let form = steps.map { "tiles_\($0.units)x\($0.count)_\($0.rest)_\(tiles?.rows ?? 0)x\(tiles?.units ?? 0)" }
        let name =
            "\(form ?? "block")_\(element)_\(rows)x\(vectors)_\(rowBytes)_\(used == nil ? "\(units)" : "some")"
            + "_\(targetRowBytes)\(distanceOfUnits.map { "_apart\($0)" } ?? "")"
            + "\(packedAlignment.map { "_by\($0)" } ?? "")\(isAdding ? "_adding" : "")"
            + "\(axes.map { $0.map { "_\($0.count)at\($0.distance)" }.joined() } ?? "")"
            + "\(run.map { "_\($0.units)by\($0.bytes)" } ?? "")\(streams)"
        let function =
            module.function(named: name)
            ?? {
                let parameters =
                    (0..<3 + ahead.count).map { _ in module.pointer } + (used == nil ? [] : [module.i64])
                let function = module.addFunction(
                    name, parameters: parameters, returns: module.void, noAlias: [0, 1, 2], isInternal: true)
                var inner = self
                inner.builder = Builder(module, function: function)
                if let steps {
                    inner.emitTileBody(
                        rows: rows, function, rowBytes: rowBytes, steps,
                        used: used.flatMap { _ in function.parameters.last },
                        run: run, targetRowBytes: targetRowBytes, isAdding: isAdding, ahead: ahead)
                    return function
                }
                if let axes {
                    inner.emitBody(
                        rows: rows, function, rowBytes: rowBytes, along: axes, targetRowBytes: targetRowBytes)
                    return function
                }
                inner.emitBody(
                    rows: rows, function, rowBytes: rowBytes, packedAlignment: packedAlignment ?? vectorBytes,
                    units: used == nil ? units : nil, run: run,
                    targetRowBytes: targetRowBytes, isAdding: isAdding, ahead: ahead)
                return function
            }()
        builder.call(function, [left, packed, target] + ahead.map(\.address) + (used.map { [$0] } ?? []))
    }

    /// A tensor that is read or written row by row.
    struct Stream {
        /// Where the first row's columns begin.
        var address: LLVMValue
        var rowBytes: Int
        var elementBytes: Int
        var isWritten: Bool
    }

    private func emitBody(
        rows: Int, _ function: Function, rowBytes: Int, packedAlignment: Int, units: Int?, run: Run?,
        targetRowBytes: Int, isAdding: Bool, ahead: [Stream]
    ) {
        let (left, packed, target) = (function.parameters[0], function.parameters[1], function.parameters[2])
        func step(_ sums: [LLVMValue], _ left: LLVMValue, _ packed: LLVMValue, _ unit: Int) -> [LLVMValue] {
            self.step(
                sums, rows: rows, left, unit: unit, rowBytes: rowBytes, packed, byteOffset: unit * unitBytes,
                align: packedAlignment)
        }
        /// A turn of the inner loop: a few units, or a whole run.
        let unrolling = units == nil ? min(Self.unrolling, self.units(columns)) : Self.unrolling
        let turn = run ?? Run(units: unrolling, bytes: unrolling * 4)
        func steps(_ sums: [LLVMValue], _ left: LLVMValue, _ packed: LLVMValue, count: Int) -> [LLVMValue] {
            guard count > Self.longestUnrolled else { return (0..<count).reduce(sums) { step($0, left, packed, $1) } }
            let whole = count / Self.unrolling
            let sums = builder.loop(from: integer(0), to: integer(whole), step: integer(1), carrying: sums) {
                let left = builder.offset(left, bytes: builder.mul($0, integer(Self.unrolling * 4)))
                let packed = builder.offset(packed, bytes: builder.mul($0, integer(Self.unrolling * unitBytes)))
                return (0..<Self.unrolling).reduce($1) { step($0, left, packed, $1) }
            }
            return (whole * Self.unrolling..<count).reduce(sums) { step($0, left, packed, $1) }
        }
        func multiply(_ sums: [LLVMValue], from first: LLVMValue, to last: LLVMValue) -> [LLVMValue] {
            builder.loop(from: first, to: last, step: integer(1), carrying: sums) { number, sums in
                let left = builder.offset(left, bytes: builder.mul(number, integer(turn.bytes)))
                let packed = builder.offset(packed, bytes: builder.mul(number, integer(turn.units * unitBytes)))
                return steps(sums, left, packed, count: turn.units)
            }
        }
        let sumType = module.vector(module.f32, lanes)
        func place(_ number: Int) -> LLVMValue {
            integer(number / vectors * targetRowBytes + number % vectors * vectorBytes)
        }
        var sums = (0..<rows * vectors).map { number in
            isAdding
                ? builder.load(sumType, target, byteOffset: place(number), align: vectorBytes) : builder.zero(sumType)
        }
        let turns =
            units.map { integer($0 / turn.units) }
            ?? builder.udiv(function.parameters[3 + ahead.count], integer(turn.units))
        sums = inTurns(turns, rows: rows, function, ahead, carrying: sums) { multiply($2, from: $0, to: $1) }
        if let units {
            for unit in units / turn.units * turn.units..<units { sums = step(sums, left, packed, unit) }
        }
        for (number, sum) in sums.enumerated() {
            builder.store(sum, target, byteOffset: place(number), align: vectorBytes)
        }
        builder.ret()
    }

    /// Multiplies one unit: adds to each sum the product of its row and column.
    func step(
        _ sums: [LLVMValue], rows: Int, _ left: LLVMValue, unit: Int, rowBytes: Int, _ columns: LLVMValue,
        byteOffset: Int, align: Int
    ) -> [LLVMValue] {
        let factor = module.vector(element == .bf16 ? module.i32 : module.f32, lanes)
        var sums = sums
        let factors = (0..<vectors).map { vector in
            builder.load(factor, columns, byteOffset: integer(byteOffset + vector * vectorBytes), align: align)
        }
        for row in 0..<rows {
            let number = builder.load(
                factor.element, left, byteOffset: integer(row * rowBytes + unit * 4), align: element.byteCount)
            let value = builder.splat(number, lanes)
            for vector in 0..<vectors {
                sums[row * vectors + vector] = builder.multiplyAdd(
                    element, value, factors[vector], sums[row * vectors + vector])
            }
        }
        return sums
    }

    /// Runs the body for ranges that make up so many turns; between them, row by row, memory is asked for that is
    /// needed soon.
    @discardableResult
    func inTurns(
        _ turns: LLVMValue, rows: Int, _ function: Function, _ ahead: [Stream], carrying sums: [LLVMValue] = [],
        _ body: (_ first: LLVMValue, _ last: LLVMValue, _ sums: [LLVMValue]) -> [LLVMValue]
    ) -> [LLVMValue] {
        guard !ahead.isEmpty else { return body(integer(0), turns, sums) }
        func begin(_ row: LLVMValue) -> LLVMValue { builder.udiv(builder.mul(row, turns), integer(rows)) }
        return builder.loop(from: integer(0), to: integer(rows), step: integer(1), carrying: sums) { row, sums in
            for (number, stream) in ahead.enumerated() { ask(function.parameters[3 + number], stream, row) }
            return body(begin(row), begin(builder.add(row, integer(1))), sums)
        }
    }

    /// Asks for the block's columns in a row of a tensor.
    private func ask(_ address: LLVMValue, _ stream: Stream, _ row: LLVMValue) {
        for place in Swift.stride(from: 0, to: columns * stream.elementBytes, by: module.target.caches.lineBytes) {
            let offset = builder.add(builder.mul(row, integer(stream.rowBytes)), integer(place))
            builder.prefetch(address, byteOffset: offset, forWriting: stream.isWritten)
        }
    }
}

extension Builder {
    /// sum + a · b; of bf16 pairs the sum of both products.
    fileprivate func multiplyAdd(_ element: ElementType, _ a: LLVMValue, _ b: LLVMValue, _ sum: LLVMValue) -> LLVMValue
    {
        guard element == .bf16 else { return fma(a, b, sum) }
        if module.target.hasBFloat16DotProduct, a.type.lanes == 16 { return dotBFloat16(a, b, sum) }
        func upper(_ x: LLVMValue) -> LLVMValue { bitcast(and(x, int(-65536, x.type)), sum.type) }
        func lower(_ x: LLVMValue) -> LLVMValue { bitcast(shl(x, int(16, x.type)), sum.type) }
        // Products of bf16 are exact in f32, so it does not matter whether they are contracted.
        return fma(lower(a), lower(b), fma(upper(a), upper(b), sum))
    }
}
