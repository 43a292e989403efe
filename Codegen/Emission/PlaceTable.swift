import ApusIR
import ApusLLVM

/// Where `ColumnPlaces` lie, for the columns from `first` on: of each column its place less that of its lane in a
/// run, so that lanes of one run have equal numbers; behind them, of each vector the numbers of its runs.
struct PlaceTable {
    let places: ColumnPlaces
    let memory: LLVMValue
    /// The first column, the same for all rows.
    let first: LLVMValue
    /// Columns that there is room for, a multiple of the lanes.
    let capacity: Int
    /// Whether there may be columns beyond the last.
    let isRagged: Bool

    /// The number of columns beyond the last, which no run has.
    fileprivate static let nowhere = Int(Int32.min)
}

extension BodyEmitter {
    /// Fills a table for `count` columns, a multiple of the lanes; those from `limit` on have no place.
    func fill(_ table: PlaceTable, count: LLVMValue, limit: LLVMValue) {
        let runs = table.places.runs(lanes: lanes), one = integer(1)
        builder.loop(from: integer(0), to: count, step: integer(lanes)) { place, _ in
            let start = builder.add(table.first, place), left = builder.sub(limit, start)
            let type = vector(module.i32)
            var numbers = withColumn(start, limit: nil) {
                builder.sub(lanesIndex(table.places.expression), laneOffsets(table.places))
            }
            if table.isRagged {
                let isInside = builder.laneMask(count: left, lanes: lanes)
                numbers = builder.select(isInside, numbers, builder.int(PlaceTable.nowhere, type))
            }
            builder.store(numbers, table.memory, byteOffset: builder.mul(place, integer(4)), align: 4)
            guard runs > 0 else { return [] }
            // The first lane, and each at which a run begins; lanes that are not there are those of the last run.
            let run = integer(table.places.run), toNext = builder.sub(run, builder.urem(start, run))
            let last = builder.sub(lesser(left, integer(lanes)), one)
            for number in 0..<runs {
                let begin = number == 0 ? integer(0) : builder.add(toNext, builder.mul(run, integer(number - 1)))
                let lane = greater(lesser(begin, last), integer(0))
                var value = builder.load(
                    module.i32, table.memory, byteOffset: builder.mul(builder.add(place, lane), integer(4)))
                if table.isRagged {
                    value = builder.select(
                        builder.icmp(.slt, left, one), builder.int(0, module.i32), value)
                }
                builder.store(value, table.memory, byteOffset: runOffset(table, place, number), align: 4)
            }
            return []
        }
    }

    /// Where the lanes of a run lie, counted from its first.
    private func laneOffsets(_ places: ColumnPlaces) -> LLVMValue {
        let iota = builder.iota(lanes, module.i32)
        return builder.mul(iota, builder.int(places.step, iota.type))
    }

    private func lesser(_ a: LLVMValue, _ b: LLVMValue) -> LLVMValue { builder.select(builder.icmp(.slt, a, b), a, b) }
    private func greater(_ a: LLVMValue, _ b: LLVMValue) -> LLVMValue { builder.select(builder.icmp(.slt, a, b), b, a) }

    private func runOffset(_ table: PlaceTable, _ place: LLVMValue, _ number: Int) -> LLVMValue {
        let runs = table.places.runs(lanes: lanes)
        let row = builder.mul(builder.udiv(place, integer(lanes)), integer(runs))
        return builder.mul(builder.add(row, integer(table.capacity + number)), integer(4))
    }

    /// The table that has the places of an address; nil if there is none, or none is needed.
    func table(of address: IndexExpression) -> PlaceTable? {
        guard !tables.isEmpty else { return nil }
        return kernel.columnPlaces(of: address).flatMap { tables[$0] }
    }

    /// The current lanes of an argument whose places are in a table.
    func load(_ argument: Int, _ address: IndexExpression, _ element: ElementType, _ table: PlaceTable) -> LLVMValue {
        let (pointer, place) = row(argument, address, element, table)
        let numbers = builder.load(
            vector(module.i32), table.memory, byteOffset: builder.mul(place, integer(4)), align: 4)
        let runs = table.places.runs(lanes: lanes)
        guard runs > 0 else {
            let isInside =
                table.isRagged
                ? builder.icmp(.ne, numbers, builder.int(PlaceTable.nowhere, numbers.type)) : nil
            let indices = builder.add(numbers, laneOffsets(table.places))
            return builder.gather(memoryType(element), pointer, indices: indices, mask: isInside)
        }
        var result: LLVMValue?
        for number in 0..<runs {
            let run = builder.load(module.i32, table.memory, byteOffset: runOffset(table, place, number), align: 4)
            let offset = builder.mul(builder.sext(run, module.i64), integer(element.byteCount))
            let isInRun = runs == 1 && !table.isRagged ? nil : builder.icmp(.eq, numbers, builder.splat(run, lanes))
            result = loadStrided(
                pointer, byteOffset: offset, element, step: table.places.step, mask: isInRun, otherwise: result)
        }
        return result ?? builder.zero(vector(memoryType(element)))
    }

    /// Asks for the first run of the current lanes.
    func prefetch(_ argument: Int, _ address: IndexExpression, _ element: ElementType, _ table: PlaceTable) {
        let (pointer, place) = row(argument, address, element, table), runs = table.places.runs(lanes: lanes)
        let first = runs == 0 ? builder.mul(place, integer(4)) : runOffset(table, place, 0)
        let number = builder.sext(builder.load(module.i32, table.memory, byteOffset: first, align: 4), module.i64)
        builder.prefetch(pointer, byteOffset: builder.mul(number, integer(element.byteCount)), forWriting: false)
    }

    /// Where the places of the current row are counted from, and which column of the table is the current one.
    private func row(_ argument: Int, _ address: IndexExpression, _ element: ElementType, _ table: PlaceTable) -> (
        pointer: LLVMValue, place: LLVMValue
    ) {
        guard let start = column?.start else { preconditionFailure("a table is read at a column") }
        var row = address
        row.terms[kernel.innermost] = nil
        row.dynamic = row.dynamic.filter { !dependsOnColumn[$0.key] }
        return (
            builder.offset(arguments[argument], bytes: byteOffset(row, element)), builder.sub(start, table.first)
        )
    }
}
