import ApusIR

/// Sums over ranks in one order, whatever their number: ranks are the leaves of a binary tree, or have added up a part
/// of it each, and neighbours add up first. Of a power of two of ranks.
///
/// Each rank exchanges with a partner one, two, four and so on ranks away, and both add up the same two numbers. That
/// takes place where a sum is waited for.
public final class TreeSums: Communicator, @unchecked Sendable {  // as the communicator that it is made of
    public let rank: Int, count: Int, localCount: Int
    private let ranks: (any Communicator)?
    private var begun: [(kind: Collective.Kind, elements: UnsafeMutableRawBufferPointer, element: ElementType)] = []

    /// Sums over the ranks of a communicator; nil is one rank alone.
    public init(_ ranks: (any Communicator)?) {
        self.ranks = ranks
        (rank, count, localCount) = (ranks?.rank ?? 0, ranks?.count ?? 1, ranks?.localCount ?? 1)
    }

    public func begin(_ kind: Collective.Kind, _ elements: UnsafeMutableRawBufferPointer, of element: ElementType) {
        begun.append((kind, elements, element))
    }

    public func finish() throws(RuntimeError) {
        guard !begun.isEmpty else {
            throw RuntimeError(.communication, "rank \(rank) finishes what it has not begun")
        }
        let (kind, own, element) = begun.removeFirst()
        guard let ranks, count > 1 else { return }
        if kind == .allGather {
            try ranks.begin(kind, own, of: element)
            return try ranks.finish()
        }
        let other = UnsafeMutableRawBufferPointer.allocate(byteCount: own.count, alignment: Memory.alignment)
        var distance = 1
        while distance < count {
            // Of an exchange that has failed, the partner may still write there: the memory is not given back then.
            try ranks.exchange(UnsafeRawBufferPointer(own), with: rank ^ distance, into: other)
            // The lower rank's number comes first on both: of two NaN, the first one's bits are the sum's.
            if rank & distance == 0 {
                element.addUp(UnsafeRawBufferPointer(other), to: own)
            } else {
                element.addUp(UnsafeRawBufferPointer(own), to: other)
                own.copyMemory(from: UnsafeRawBufferPointer(other))
            }
            distance *= 2
        }
        other.deallocate()
        if kind == .reduceScatter { own.copyMemory(from: UnsafeRawBufferPointer(rebasing: own.part(rank, of: count))) }
    }

    public func exchange(
        _ elements: UnsafeRawBufferPointer, with other: Int, into target: UnsafeMutableRawBufferPointer
    ) throws(RuntimeError) {
        try ranks?.exchange(elements, with: other, into: target)
    }
}

extension ElementType {
    /// Adds numbers to others, one by one, each rounded to the type.
    func addUp(_ numbers: UnsafeRawBufferPointer, to sums: UnsafeMutableRawBufferPointer) {
        func addUp<Number>(_: Number.Type, _ plus: (Number, Number) -> Number) {
            let numbers = numbers.bindMemory(to: Number.self), sums = sums.bindMemory(to: Number.self)
            for index in sums.indices { sums[index] = plus(sums[index], numbers[index]) }
        }
        switch self {
        case .f32: addUp(Float.self, +)
        case .f64: addUp(Double.self, +)
        case .i32: addUp(Int32.self, &+)
        case .bf16:
            addUp(UInt16.self) { a, b in
                let sum = Double(Float(bitPattern: UInt32(a) << 16)) + Double(Float(bitPattern: UInt32(b) << 16))
                return UInt16(Float(ElementType.bf16.rounded(sum)).bitPattern >> 16)
            }
        case .bool: addUp(UInt8.self, |)
        }
    }
}

extension TensorData {
    /// The sum with another tensor of the type.
    package func adding(_ other: TensorData) -> TensorData {
        TensorData(type: type) { sums in
            withBytes { sums.copyMemory(from: $0) }
            other.withBytes { type.element.addUp($0, to: sums) }
        }
    }
}
