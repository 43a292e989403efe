/// The numbers of a batch, in memory that programs read in place.
///
/// Threads write them side by side while the batch is made; after that they are a value like an array, and are copied
/// only if somebody changes them.
public struct BatchNumbers: Sendable {
    private(set) var memory: BatchMemory
    /// How many numbers there are.
    public let count: Int

    /// The first `count` numbers of some memory.
    init(_ memory: BatchMemory, count: Int) {
        (self.memory, self.count) = (memory, count)
    }

    /// Calls `body` with the numbers. Their memory stays where it is, as it is, for as long as `owner` lives.
    public func withOwnedNumbers<Result, Failure: Error>(
        _ body: (_ numbers: UnsafeBufferPointer<Float>, _ owner: any AnyObject & Sendable) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        defer { withExtendedLifetime(memory) {} }
        return try body(UnsafeBufferPointer(rebasing: memory.numbers[..<count]), memory)
    }

    /// The numbers of so many samples, filled up to those of more by repeating the last one.
    func padded(from samples: Int, to size: Int) -> BatchNumbers {
        defer { withExtendedLifetime(memory) {} }
        let each = count / samples, filled = BatchMemory(count: each * size)
        for sample in 0..<size {
            let source = Swift.min(sample, samples - 1) * each, target = sample * each
            _ = filled.numbers[target..<target + each].update(fromContentsOf: memory.numbers[source..<source + each])
        }
        return BatchNumbers(filled, count: each * size)
    }

    /// Calls `change` with the numbers, which no other value shares then.
    mutating func withMutableNumbers(_ change: (UnsafeMutableBufferPointer<Float>) -> Void) {
        if !isKnownUniquelyReferenced(&memory) { memory = BatchMemory(memory.numbers[..<count]) }
        defer { withExtendedLifetime(memory) {} }
        change(UnsafeMutableBufferPointer(rebasing: memory.numbers[..<count]))
    }
}

extension BatchNumbers: RandomAccessCollection {
    /// The index of the first number.
    public var startIndex: Int { 0 }
    /// The index after the last number.
    public var endIndex: Int { count }
    /// The number at an index in 0..<count.
    public subscript(index: Int) -> Float {
        precondition(indices.contains(index), "\(index) is not among the \(count) numbers of the batch")
        return withExtendedLifetime(memory) { memory.numbers[index] }
    }
}

extension BatchNumbers: Equatable {
    public static func == (a: BatchNumbers, b: BatchNumbers) -> Bool { a.elementsEqual(b) }
}

/// Memory for the numbers of a batch. It is written to while a loader makes the batch, and by a value that owns it
/// alone.
final class BatchMemory: @unchecked Sendable {
    let numbers: UnsafeMutableBufferPointer<Float>
    private static let alignment = 64

    /// Zeros.
    init(count: Int) {
        let bytes = max(count, 1) * MemoryLayout<Float>.stride
        let memory = UnsafeMutableRawPointer.allocate(
            byteCount: (bytes + Self.alignment - 1) / Self.alignment * Self.alignment, alignment: Self.alignment)
        numbers = UnsafeMutableBufferPointer(start: memory.assumingMemoryBound(to: Float.self), count: count)
        numbers.initialize(repeating: 0)
    }

    convenience init(_ values: some Collection<Float>) {
        self.init(count: values.count)
        _ = numbers.update(fromContentsOf: values)
    }

    deinit { numbers.deallocate() }
}
