import ApusIR
import ApusLLVM

/// Register blocks whose columns are not packed.
extension RegisterBlock {
    /// The body where columns are reached by steps along some axes of the contracted one, outermost first, in elements:
    /// a loop along each, and straight code for the innermost few units.
    func emitBody(
        rows: Int, _ function: Function, rowBytes: Int, along axes: [ColumnRuns.Axis], targetRowBytes: Int
    ) {
        let (left, columns, target) = (function.parameters[0], function.parameters[1], function.parameters[2])
        func units(_ axes: ArraySlice<ColumnRuns.Axis>) -> Int { axes.reduce(1) { $0 * $1.count } }
        func multiply(
            _ sums: [LLVMValue], _ left: LLVMValue, _ columns: LLVMValue, _ axes: ArraySlice<ColumnRuns.Axis>
        ) -> [LLVMValue] {
            guard units(axes) > Self.longestUnrolled, let axis = axes.first else {
                var sums = sums
                forEachIndex(axes.map(\.count)) { index, unit in
                    let place = zip(index, axes).reduce(0) { $0 + $1.0 * $1.1.distance }
                    sums = step(
                        sums, rows: rows, left, unit: unit, rowBytes: rowBytes, columns, byteOffset: place * 4, align: 4
                    )
                }
                return sums
            }
            let count = integer(axis.count)
            let rest = axes.dropFirst()
            return builder.loop(from: integer(0), to: count, step: integer(1), carrying: sums) { number, sums in
                let left = builder.offset(left, bytes: builder.mul(number, integer(units(rest) * 4)))
                let columns = builder.offset(columns, bytes: builder.mul(number, integer(axis.distance * 4)))
                return multiply(sums, left, columns, rest)
            }
        }
        let sums = multiply(
            (0..<rows * vectors).map { _ in builder.zero(module.vector(module.f32, lanes)) }, left, columns, axes[...])
        for (number, sum) in sums.enumerated() {
            let place = number / vectors * targetRowBytes + number % vectors * vectorBytes
            builder.store(sum, target, byteOffset: integer(place), align: 4)
        }
        builder.ret()
    }
}
