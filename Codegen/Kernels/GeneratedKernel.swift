/// A kernel of any kind; equal ones are compiled once.
package enum GeneratedKernel: Hashable {
    case loop(LoopKernel)
    case product(ProductKernel)
    case attention(AttentionKernel)
}

extension GeneratedKernel: CustomStringConvertible {
    package var description: String {
        switch self {
        case .loop(let kernel): kernel.description
        case .product(let kernel): kernel.description
        case .attention(let kernel): kernel.description
        }
    }
}

extension GeneratedKernel {
    /// How much code there is to compile, roughly.
    var extent: Int {
        switch self {
        case .loop(let kernel): kernel.instructions.count
        case .product(let kernel): 200 + kernel.right.instructions.count + kernel.result.instructions.count
        case .attention(let kernel): 200 * (1 + kernel.results.count)
        }
    }

    /// The arguments that are read, and those that are written.
    package var access: (reads: Set<Int>, writes: Set<Int>) {
        switch self {
        case .loop(let kernel): return (kernel.reads, kernel.writes)
        case .product(let kernel):
            let firstOfResult = 1 + kernel.right.arguments.count
            return (
                Set([0]).union(kernel.right.reads.map { $0 + 1 }).union(kernel.result.reads.map { $0 + firstOfResult }),
                Set(kernel.result.writes.map { $0 + firstOfResult })
            )
        case .attention(let kernel):
            let count = kernel.operands.count
            return (Set(0..<count), Set(count..<count + kernel.results.count))
        }
    }
}

extension LoopKernel {
    fileprivate var reads: Set<Int> {
        Set(instructions.compactMap { if case .load(let argument, _) = $0.kind { argument } else { nil } })
    }
    fileprivate var writes: Set<Int> { Set(stores.map(\.argument)) }
}
