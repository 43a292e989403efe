import CRuntime

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

    func run(source: UnsafeMutableRawPointer, result: UnsafeMutableRawPointer, pool: WorkerPool) {
        let keys = UnsafeSendable(source.assumingMemoryBound(to: Float.self))
        let order = UnsafeSendable(result.assumingMemoryBound(to: Int32.self))
        let grain = max(1, Int(APUS_SORTED_TOGETHER) / max(1, width))
        pool.run(count: rows, grain: grain) { tiles, _ in
            withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 2 * width) { memory in
                apus_sort_rows(
                    keys.value, order.value, tiles.lowerBound, tiles.upperBound, width, rowStride, memory.baseAddress)
            }
        }
    }
}

/// A pointer that several threads use on disjoint parts.
struct UnsafeSendable<Pointer>: @unchecked Sendable {
    let value: Pointer
    init(_ value: Pointer) { self.value = value }
}
