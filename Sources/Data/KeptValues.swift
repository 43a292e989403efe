import Synchronization

/// Makes values by key, such as decoded images by path, and keeps as many of them in memory as fit into a budget.
final class KeptValues<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private struct Kept {
        var values: [Key: Value] = [:]
        var bytes = 0
    }

    private let budget: Int
    private let size: @Sendable (Value) -> Int
    private let make: @Sendable (Key) throws(DataError) -> Value
    private let kept = Mutex(Kept())

    /// Values that `make` makes, of which as many are kept as have `budget` bytes in all.
    init(
        budget: Int, size: @escaping @Sendable (Value) -> Int,
        make: @escaping @Sendable (Key) throws(DataError) -> Value
    ) {
        (self.budget, self.size, self.make) = (budget, size, make)
    }

    /// The value of a key; throws what making it throws.
    func value(_ key: Key) throws(DataError) -> Value {
        if let value = kept.withLock({ $0.values[key] }) { return value }
        let value = try make(key)
        let bytes = size(value)
        kept.withLock {
            // First come, first kept: an epoch visits every image once, so that no other choice would hit more often.
            guard $0.values[key] == nil, $0.bytes + bytes <= budget else { return }
            $0.values[key] = value
            $0.bytes += bytes
        }
        return value
    }
}
