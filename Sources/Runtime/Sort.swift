/// The sorting order of each row: f32 [rows, width] -> i32 [rows, width].
public struct Sort: Hashable, Sendable, Codable {
    /// Where the rows lie.
    public var source: Location
    /// Where the places of the sorted elements go.
    public var result: Location
    /// How many rows there are.
    public var rows: Int
    /// How many elements a row has.
    public var width: Int
    /// Distance between the beginnings of neighbouring rows of the source, in elements; those of the result lie one
    /// after the other.
    public var rowStride: Int

    /// A sort of rows at given places.
    public init(source: Location, result: Location, rows: Int, width: Int, rowStride: Int) {
        self.source = source
        self.result = result
        self.rows = rows
        self.width = width
        self.rowStride = rowStride
    }

    /// Elements that a thread takes at a time.
    private static let elementsPerTile = 2048

    func run(source: UnsafeMutableRawPointer, result: UnsafeMutableRawPointer, pool: WorkerPool) {
        let keys = UnsafeSendable(source.assumingMemoryBound(to: Float.self))
        let order = UnsafeSendable(result.assumingMemoryBound(to: Int32.self))
        pool.run(count: rows, grain: max(1, Self.elementsPerTile / max(1, width))) { tiles, _ in
            withUnsafeTemporaryAllocation(of: UInt64.self, capacity: width) { entries in
                for row in tiles {
                    Self.order(keys.value + row * rowStride, order.value + row * width, entries)
                }
            }
        }
    }

    /// The sorting order of one row. Element and index are sorted as one number each, which is fast, and stable by
    /// itself.
    private static func order(
        _ keys: UnsafePointer<Float>, _ order: UnsafeMutablePointer<Int32>,
        _ entries: UnsafeMutableBufferPointer<UInt64>
    ) {
        var entries = entries
        for index in entries.indices {
            entries.initializeElement(at: index, to: UInt64(ascendingBits(keys[index])) << 32 | UInt64(index))
        }
        entries.sort()
        for place in entries.indices { order[place] = Int32(truncatingIfNeeded: entries[place]) }
    }

    /// Bits that compare as the numbers do: both zeros are equal, and so are all NaN, above everything else.
    private static func ascendingBits(_ number: Float) -> UInt32 {
        if number.isNaN { return .max }
        let bits = number == 0 ? 0 : number.bitPattern, sign = UInt32(1) << 31
        return bits & sign == 0 ? bits | sign : ~bits
    }
}

/// A pointer that several threads use on disjoint parts.
struct UnsafeSendable<Pointer>: @unchecked Sendable {
    let value: Pointer
    init(_ value: Pointer) { self.value = value }
}
