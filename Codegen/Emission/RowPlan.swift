import ApusIR

/// In which pass over a row each value of a kernel can be computed, and which are spilled for later passes.
package struct RowPlan {
    /// For each instruction the number of passes that have to be complete before it can be computed.
    let passes: [Int]
    let lastPass: Int
    /// Byte offset in scratch memory of values that a later pass needs and that are expensive to recompute.
    private(set) var spillOffsets: [Int: Int] = [:]
    private(set) var scratchBytes = 0
    private let kernel: LoopKernel
    private let dependsOnColumn: [Bool]

    init(_ kernel: LoopKernel, lanes: Int, _ tuning: Tuning) {
        self.kernel = kernel
        let dependsOnColumn = kernel.columnDependence
        self.dependsOnColumn = dependsOnColumn
        var passes: [Int] = []
        for instruction in kernel.instructions {
            var pass = instruction.operands.map { passes[$0] }.max() ?? 0
            if case .reduce = instruction.kind { pass += 1 }
            passes.append(pass)
        }
        self.passes = passes
        lastPass =
            kernel.stores.map { store in
                Self.isLaneStore(store, kernel, dependsOnColumn) ? passes[store.value] : max(0, passes[store.value] - 1)
            }.max() ?? 0
        chooseSpilled(width: kernel.extents[kernel.innermost], lanes: lanes, limit: tuning.recomputedCost)
    }

    private mutating func chooseSpilled(width: Int, lanes: Int, limit: Int) {
        let rowBytes = (width + lanes - 1) / lanes * lanes * 4
        var costs: [Int] = []
        for instruction in kernel.instructions {
            var cost = 1
            if case .compute(let function, let operands) = instruction.kind {
                cost = function.cost + operands.map { costs[$0] }.reduce(0, +)
            } else if case .random = instruction.kind {
                cost = 60
            }
            costs.append(min(cost, 1000))
        }
        // Users come before their operands: what is spilled need not be recomputed, nor what it is made of.
        var neededLater = [Bool](repeating: false, count: kernel.instructions.count)
        for number in kernel.instructions.indices.reversed() where dependsOnColumn[number] {
            neededLater[number] = isNeededLater(number, users: neededLater)
            guard neededLater[number], costs[number] > limit, !kernel.isContracted(number) else {
                continue
            }
            spillOffsets[number] = scratchBytes
            scratchBytes += (rowBytes + 63) / 64 * 64
        }
    }

    /// Whether a value is used in a later pass than it is computed in: directly, or by a user that is computed again
    /// there.
    private func isNeededLater(_ number: Int, users neededLater: [Bool]) -> Bool {
        for (user, instruction) in kernel.instructions.enumerated() where instruction.operands.contains(number) {
            if case .reduce = instruction.kind {
                if passes[user] - 1 > passes[number] { return true }
            } else if dependsOnColumn[user], passes[user] > passes[number] {
                return true
            } else if dependsOnColumn[user], spillOffsets[user] == nil, neededLater[user] {
                return true
            }
        }
        return false
    }

    /// Reductions that a pass carries out.
    func reductions(in pass: Int) -> [Int] {
        kernel.instructions.indices.filter { number in
            if case .reduce = kernel.instructions[number].kind { passes[number] == pass + 1 } else { false }
        }
    }

    func spilled(in pass: Int) -> [Int] { spillOffsets.keys.filter { passes[$0] == pass }.sorted() }

    /// Stores that happen within the pass over the columns.
    func laneStores(in pass: Int) -> [LoopKernel.Store] {
        kernel.stores.filter { passes[$0.value] == pass && Self.isLaneStore($0, kernel, dependsOnColumn) }
    }

    /// Stores of one value for the row, after the pass that completes it.
    func rowStores(after pass: Int) -> [LoopKernel.Store] {
        kernel.stores.filter { !Self.isLaneStore($0, kernel, dependsOnColumn) && max(0, passes[$0.value] - 1) == pass }
    }

    private static func isLaneStore(_ store: LoopKernel.Store, _ kernel: LoopKernel, _ dependsOnColumn: [Bool]) -> Bool
    {
        dependsOnColumn[store.value] || store.address.terms[kernel.innermost] != nil
    }
}
