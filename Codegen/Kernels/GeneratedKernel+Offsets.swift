import ApusIR

extension GeneratedKernel {
    /// The kernel with the offsets that all accesses of an argument have in common taken out, and those offsets, in
    /// bytes: kernels that do the same with different parts of tensors, such as the pieces of a long contraction or the
    /// slices of a convolution's windows, become one.
    func relocated() -> (kernel: GeneratedKernel, byteOffsets: [Int]) {
        switch self {
        case .loop(var kernel):
            let offsets = kernel.takeOffsets()
            return (.loop(kernel), offsets)
        case .matmul(var kernel):
            let left = kernel.left.offset * kernel.element.byteCount
            kernel.left.offset = 0
            let right = kernel.right.takeOffsets(), epilogue = kernel.epilogue.takeOffsets()
            return (.matmul(kernel), [left] + right + epilogue)
        case .attention(let kernel):
            return (self, [Int](repeating: 0, count: kernel.readCount + kernel.results.count))
        }
    }
}

extension LoopKernel {
    /// Takes the common offset of each argument's addresses out of the code; in bytes.
    fileprivate mutating func takeOffsets() -> [Int] {
        var least: [Int: Int] = [:]
        func see(_ argument: Int, _ address: IndexExpression) {
            least[argument] = min(least[argument] ?? address.constant, address.constant)
        }
        for case .load(let argument, let address, _) in instructions.map(\.kind) { see(argument, address) }
        for store in stores { see(store.argument, store.address) }
        // A scatter zeroes its result from the start of the argument on.
        if scatterElements > 0 { for store in stores { least[store.argument] = 0 } }
        // What lies before an argument's start, and is not read, stays addressed from there.
        let offsets = arguments.indices.map { max(0, least[$0] ?? 0) }
        for (number, instruction) in instructions.enumerated() {
            guard case .load(let argument, let address, let condition) = instruction.kind else { continue }
            instructions[number].kind = .load(
                argument: argument, address: address + -offsets[argument], condition: condition)
        }
        for number in stores.indices {
            stores[number].address = stores[number].address + -offsets[stores[number].argument]
        }
        return zip(offsets, arguments).map { $0 * $1.byteCount }
    }
}
