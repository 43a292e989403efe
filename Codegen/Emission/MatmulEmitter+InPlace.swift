import ApusLLVM

/// Matmuls whose columns are not packed.
extension MatmulEmitter {
    /// The runs of columns of a tile.
    struct Runs {
        let plan: MatmulTiling.InPlace
        /// The first column, and how many runs there are.
        let column: LLVMValue, count: LLVMValue
        /// Where the first column lies.
        let memory: LLVMValue
        /// Register blocks, and where the last of them begins, counted from the first column: it ends where the runs
        /// end, so that nothing beyond is read.
        let blocks: LLVMValue, lastBlock: LLVMValue
    }

    /// The runs of a tile, of which a matrix has `columnTiles`.
    func runs(_ tile: LLVMValue, _ plan: MatmulTiling.InPlace, of matrix: LLVMValue) -> Runs {
        let columns = plan.columns, perGroup = plan.tilesPerGroup
        var group = builder.udiv(tile, integer(perGroup))
        let number = builder.urem(tile, integer(perGroup)), run = builder.mul(number, integer(plan.perTile))
        let before = builder.add(builder.mul(group, integer(columns.runs.count)), run)
        var place = builder.mul(run, integer(columns.runs.distance))
        for axis in columns.groups.reversed() {
            let index = builder.urem(group, integer(axis.count))
            place = builder.add(place, builder.mul(index, integer(axis.distance)))
            group = builder.udiv(group, integer(axis.count))
        }
        right.beginRow(builder.mul(matrix, integer(kernel.k)), invariant: right.scalars)
        var row = columns.address
        row.dynamic = [:]
        let memory = builder.offset(
            frame.arguments[1 + columns.argument],
            bytes: builder.add(right.byteOffset(row, .f32), builder.mul(place, integer(4))))

        let isLast = builder.icmp(.eq, number, integer(perGroup - 1))
        func chosen(_ value: (Int) -> Int) -> LLVMValue {
            let (whole, last) = (value(plan.perTile), value(plan.last))
            return whole == last ? integer(whole) : builder.select(isLast, integer(last), integer(whole))
        }
        return Runs(
            plan: plan, column: builder.mul(before, integer(columns.length)), count: chosen { $0 }, memory: memory,
            blocks: chosen { plan.blocks($0, block: tiling.blockColumns) },
            lastBlock: chosen { columns.span(runs: $0) - tiling.blockColumns })
    }

    /// The epilogue of a strip, run by run.
    func emitEpilogue(_ first: LLVMValue, rows: LLVMValue, _ runs: Runs) {
        let invariant = epilogue.scalars, columns = runs.plan.columns
        builder.loop(from: integer(0), to: rows, step: integer(1)) { row, _ in
            epilogue.beginRow(builder.add(first, row), invariant: invariant)
            let sums = builder.offset(frame.scratch, bytes: builder.mul(row, integer(tiling.columnsPerTile * 4)))
            builder.loop(from: integer(0), to: runs.count, step: integer(1)) { run, _ in
                let column = builder.add(runs.column, builder.mul(run, integer(columns.length)))
                let sums = builder.offset(sums, bytes: builder.mul(run, integer(columns.runs.distance * 4)))
                let end = builder.add(column, integer(columns.length))
                _ = epilogue.forColumns(from: column, to: end) { _ in
                    let place = builder.sub(epilogue.column?.start ?? column, column)
                    let sum = builder.load(
                        module.vector(module.f32, epilogue.lanes), sums, byteOffset: builder.mul(place, integer(4)),
                        align: 4)
                    epilogue.setMatmul(sum)
                    epilogue.storeAll(kernel.epilogue.stores)
                    return []
                }
                return []
            }
            return []
        }
        epilogue.scalars = invariant
    }
}
