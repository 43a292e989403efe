import ApusIR

extension KernelCall {
    /// Buffers that the kernel reads only where it writes another one at once, so that both may be one place in memory:
    /// for each, first the one that is read, then the one that is written.
    ///
    /// That is so for element-wise work, also in the epilogue of a matmul: each element is read before the same lane is
    /// written, by the same thread. What goes over a row more than once, or moves elements, needs both.
    package var inPlace: [(read: Int, written: Int)] {
        switch kernel {
        case .loop(let kernel) where kernel.form == .flat || kernel.form == .rows && !kernel.reduces:
            pairs(kernel, buffers, elsewhere: [])
        case .matmul(let kernel):
            pairs(
                kernel.epilogue, Array(buffers[(1 + kernel.right.arguments.count)...]),
                elsewhere: Set(buffers[...kernel.right.arguments.count]))
        case .loop, .attention: []
        }
    }

    private func pairs(_ kernel: LoopKernel, _ buffers: [Int], elsewhere: Set<Int>) -> [(read: Int, written: Int)] {
        var addresses: [Int: Set<IndexExpression>] = [:], types: [Int: Set<ElementType>] = [:]
        for case .load(let argument, let address, _) in kernel.instructions.map(\.kind) {
            addresses[buffers[argument], default: []].insert(address)
            types[buffers[argument], default: []].insert(kernel.arguments[argument])
        }
        let written = kernel.stores.map { buffers[$0.argument] }
        return kernel.stores.flatMap { store -> [(read: Int, written: Int)] in
            let target = buffers[store.argument], element = kernel.arguments[store.argument]
            guard addresses[target] == nil, written.count(where: { $0 == target }) == 1, !elsewhere.contains(target)
            else { return [] }
            return addresses.keys.sorted().filter { source in
                addresses[source] == [store.address] && types[source] == [element] && store.address.dynamic.isEmpty
                    && !written.contains(source) && !elsewhere.contains(source)
            }.map { ($0, target) }
        }
    }
}

extension LoopKernel {
    fileprivate var reduces: Bool { instructions.contains { if case .reduce = $0.kind { true } else { false } } }
}
