import ApusIR

/// The sorting order of each row: f32 [rows, width] -> i32 [rows, width].
public struct Sort: Sendable {
    public var source: Place
    public var result: Place
    public var rows: Int
    public var width: Int

    public init(source: Place, result: Place, rows: Int, width: Int) {
        self.source = source
        self.result = result
        self.rows = rows
        self.width = width
    }

    func run(source: UnsafeMutableRawPointer, result: UnsafeMutableRawPointer, pool: WorkerPool) {
        let keys = UnsafeSendable(source.assumingMemoryBound(to: Float.self))
        let order = UnsafeSendable(result.assumingMemoryBound(to: Int32.self))
        pool.run(count: rows, grain: 1) { tiles, _ in
            for row in tiles {
                let values = UnsafeBufferPointer(start: keys.value + row * width, count: width)
                for (place, index) in ArgSort.order(of: values).enumerated() {
                    order.value[row * width + place] = Int32(index)
                }
            }
        }
    }
}

/// A pointer that several threads use on disjoint parts.
struct UnsafeSendable<Pointer>: @unchecked Sendable {
    let value: Pointer
    init(_ value: Pointer) { self.value = value }
}
