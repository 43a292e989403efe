import ApusLLVM

/// How the work of a kernel is divided on a machine, and what memory of its own each thread needs for it.
///
/// It is made once for each kernel: what hands out the tiles and what emits the code that computes them read the same.
package struct KernelPlan {
    package enum Division {
        /// Elements or batches, as the call counts them.
        case units
        /// Rows, with what is kept between the passes over one.
        case rows(RowPlan)
        /// Blocks of so many vectors of columns, of each outer index.
        case columns(vectors: Int)
        /// Stripes as wide as a vector in memory, whose lanes hold so many elements each.
        case transposed(stripes: Int, elementsPerLane: Int)
        case matmul(MatmulTiling)
        case attention(AttentionTiling)
    }
    package let division: Division
    package let lanes: Int
    package let tuning: Tuning

    package init(_ kernel: GeneratedKernel, _ target: TargetDescription, _ tuning: Tuning) {
        let lanes = target.lanes()
        self.lanes = lanes
        self.tuning = tuning
        division =
            switch kernel {
            case .loop(let loop): Self.division(of: loop, lanes: lanes, tuning)
            case .matmul(let matmul): .matmul(MatmulTiling(matmul, target, tuning))
            case .attention(let attention): .attention(AttentionTiling(attention, target, tuning))
            }
    }

    private static func division(of kernel: LoopKernel, lanes: Int, _ tuning: Tuning) -> Division {
        switch kernel.form {
        case .flat, .scatter: return .units
        case .rows: return .rows(RowPlan(kernel, lanes: lanes, tuning))
        case .columns:
            // Several vectors use whole cache lines of each row; as many as there are registers for.
            return .columns(vectors: max(2, 8 / kernel.stores.count))
        case .transposed:
            // Two of bf16 in a lane, so that whole vectors are written.
            let isNarrow = kernel.arguments[kernel.stores[0].argument] == .bf16 && lanes > 1
            let width = lanes * (isNarrow ? 2 : 1), height = kernel.extents[kernel.innermost - 1]
            return .transposed(stripes: (height + width - 1) / width, elementsPerLane: isNarrow ? 2 : 1)
        case .part: preconditionFailure("a part is planned with the kernel that it belongs to")
        }
    }

    /// Bytes of scratch memory that one thread needs.
    package var scratchBytes: Int {
        switch division {
        case .rows(let plan): plan.scratchBytes
        case .matmul(let tiling): tiling.scratchBytes
        case .attention(let tiling): tiling.scratchBytes
        case .units, .columns, .transposed: 0
        }
    }

    /// The tiles of a call of the kernel, and how many a thread takes at a time.
    package func tiles(of call: KernelCall) -> (count: Int, grain: Int) {
        func sharing(_ count: Int, _ perUnit: Int) -> (Int, Int) {
            (count, max(1, tuning.elementsPerGrain / max(1, perUnit)))
        }
        func sharing(_ tiles: Int, operations: Int) -> (Int, Int) {
            (tiles, max(1, min(tuning.operationsPerGrain * tiles / operations, tiles)))
        }
        switch (division, call.kernel) {
        case (.columns(let vectors), .loop(let kernel)):
            let block = vectors * lanes, columns = kernel.extents[kernel.innermost]
            return sharing(call.count * ((columns + block - 1) / block), call.elementsPerUnit * block)
        case (.transposed(let stripes, _), _):
            return sharing(call.count * stripes, max(1, call.elementsPerUnit / stripes))
        case (.matmul(let tiling), _): return sharing(tiling.tiles, operations: call.floatingPointOperations)
        case (.attention, .attention(let kernel)):
            return sharing(kernel.heads, operations: call.floatingPointOperations)
        default: return sharing(call.count, call.elementsPerUnit)
        }
    }
}
