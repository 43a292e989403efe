/// What comes first: what is prepared; then what waits for no sum over ranks, or for an earlier one; then by place.
struct Priority: Comparable {
    /// 0 for what is computed once for many runs, else 1.
    var preparation: Int
    var awaitedSum: Int
    var place: Int

    static func < (a: Priority, b: Priority) -> Bool {
        (a.preparation, a.awaitedSum, a.place) < (b.preparation, b.awaitedSum, b.place)
    }
}

/// Numbers by ascending priority.
struct PriorityQueue {
    private var heap: [(number: Int, priority: Priority)] = []

    private func isBefore(_ a: Int, _ b: Int) -> Bool {
        (heap[a].priority, heap[a].number) < (heap[b].priority, heap[b].number)
    }

    mutating func push(_ number: Int, _ priority: Priority) {
        heap.append((number, priority))
        var child = heap.count - 1
        while child > 0, isBefore(child, (child - 1) / 2) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func pop() -> Int? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        guard !heap.isEmpty else { return first.number }
        heap[0] = last
        var parent = 0
        while true {
            var smallest = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && isBefore(child, smallest) {
                smallest = child
            }
            if smallest == parent { return first.number }
            heap.swapAt(parent, smallest)
            parent = smallest
        }
    }
}
