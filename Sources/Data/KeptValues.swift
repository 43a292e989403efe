import Synchronization

/// Values by key, such as decoded images by path, of which as many are in memory as fit into a budget.
final class KeptValues<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private struct Kept {
        var values: [Key: Value] = [:]
        var bytes = 0
    }

    private let budget: Int
    private let size: @Sendable (Value) -> Int
    private let kept = Mutex(Kept())

    /// Keeps as many values as have `budget` bytes in all.
    init(budget: Int, size: @escaping @Sendable (Value) -> Int) { (self.budget, self.size) = (budget, size) }

    /// The value of a key, if it is kept.
    subscript(key: Key) -> Value? { kept.withLock { $0.values[key] } }

    /// The value of a key, made if it is not kept; throws what making it throws.
    func value(_ key: Key, _ make: () throws(DataError) -> Value) throws(DataError) -> Value {
        if let value = self[key] { return value }
        let value = try make()
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
