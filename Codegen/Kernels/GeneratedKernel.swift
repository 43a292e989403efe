/// A kernel of any kind; equal ones are compiled once.
package enum GeneratedKernel: Hashable {
    case loop(LoopKernel)
    case matmul(MatmulKernel)
    case attention(AttentionKernel)
}

extension GeneratedKernel: CustomStringConvertible {
    package var description: String {
        switch self {
        case .loop(let kernel): kernel.description
        case .matmul(let kernel): kernel.description
        case .attention(let kernel): kernel.description
        }
    }
}

extension GeneratedKernel {
    /// How much code there is to compile, roughly.
    var extent: Int {
        switch self {
        // A square of 16 by 16 takes 64 shuffles.
        case .loop(let kernel): kernel.instructions.count + (kernel.form == .transposed ? 60 : 0)
        case .matmul(let kernel): 200 + kernel.right.instructions.count + kernel.epilogue.instructions.count
        case .attention(let kernel): 200 * (1 + kernel.results.count)
        }
    }

    /// The arguments that are read, and those that are written.
    package var access: (reads: Set<Int>, writes: Set<Int>) {
        switch self {
        case .loop(let kernel): return (kernel.reads, kernel.writes)
        case .matmul(let kernel):
            let firstOfEpilogue = 1 + kernel.right.arguments.count
            return (
                Set([0]).union(kernel.right.reads.map { $0 + 1 }).union(
                    kernel.epilogue.reads.map { $0 + firstOfEpilogue }),
                Set(kernel.epilogue.writes.map { $0 + firstOfEpilogue })
            )
        case .attention(let kernel):
            let count = kernel.readCount
            return (Set(0..<count), Set(count..<count + kernel.results.count))
        }
    }
}

extension LoopKernel {
    fileprivate var reads: Set<Int> {
        Set(instructions.compactMap { if case .load(let argument, _, _) = $0.kind { argument } else { nil } })
    }
    fileprivate var writes: Set<Int> { Set(stores.map(\.argument)) }
}
