/// Places tensors in one arena so that tensors that live at the same time do not overlap.
package struct MemoryPlan {
    /// A tensor: its size and the first and last step that touch it.
    package struct Interval {
        package var byteCount: Int
        package var first: Int
        package var last: Int
        package init(byteCount: Int, first: Int, last: Int) {
            self.byteCount = byteCount
            self.first = first
            self.last = last
        }
    }
    /// Byte offset of each tensor.
    package let offsets: [Int]
    /// Size of the arena.
    package let byteCount: Int
    /// Where pages that nobody may touch begin.
    package let guardPages: [Int]

    /// Places tensors apart, each with a page before it that nobody may touch, and one where it ends; for tests.
    package init(guarding intervals: [Interval], takingOver sources: [Int: Int], alignment: Int, pageBytes: Int) {
        func owner(_ tensor: Int) -> Int { sources[tensor].map(owner) ?? tensor }
        var offsets = [Int](repeating: 0, count: intervals.count), guardPages = [0], end = pageBytes
        for (tensor, interval) in intervals.enumerated() where interval.byteCount > 0 && owner(tensor) == tensor {
            let size = (interval.byteCount + alignment - 1) / alignment * alignment
            let last = end + (size + pageBytes - 1) / pageBytes * pageBytes
            offsets[tensor] = last - size
            guardPages.append(last)
            end = last + pageBytes
        }
        self.offsets = intervals.indices.map { offsets[owner($0)] }
        self.guardPages = guardPages
        byteCount = end
    }

    /// Places tensors, of which some take over the place of another one that is at least as large, at the step that
    /// ends its life.
    package init(_ intervals: [Interval], takingOver sources: [Int: Int], alignment: Int) {
        func owner(_ tensor: Int) -> Int { sources[tensor].map(owner) ?? tensor }
        let owners = intervals.indices.map(owner)
        var places = intervals
        for (tensor, owner) in owners.enumerated() where owner != tensor {
            places[owner].first = min(places[owner].first, intervals[tensor].first)
            places[owner].last = max(places[owner].last, intervals[tensor].last)
            places[tensor].byteCount = 0
        }
        let plan = MemoryPlan(places, alignment: alignment)
        offsets = owners.map { plan.offsets[$0] }
        byteCount = plan.byteCount
        guardPages = []
    }

    /// Places tensors one after the other, each at the lowest place that is free during its life: the largest first, or
    /// those that take most memory for most of the time, whichever leaves fewer gaps.
    package init(_ intervals: [Interval], alignment: Int) {
        func order(by weight: (Interval) -> Int) -> [Int] {
            intervals.indices.filter { intervals[$0].byteCount > 0 }.sorted {
                (weight(intervals[$0]), $1) > (weight(intervals[$1]), $0)
            }
        }
        let plans = [
            Self(intervals, order: order { $0.byteCount }, alignment: alignment),
            Self(intervals, order: order { $0.byteCount * ($0.last - $0.first + 1) }, alignment: alignment),
        ]
        self = plans[0].byteCount <= plans[1].byteCount ? plans[0] : plans[1]
    }

    private init(_ intervals: [Interval], order: [Int], alignment: Int) {
        var offsets = [Int](repeating: 0, count: intervals.count)
        var placed: [Int] = []  // by ascending offset
        var end = 0
        for tensor in order {
            let interval = intervals[tensor]
            let size = (interval.byteCount + alignment - 1) / alignment * alignment
            var offset = 0
            for other in placed where intervals[other].first <= interval.last && interval.first <= intervals[other].last
            {
                if offset + size <= offsets[other] { break }
                let otherSize = (intervals[other].byteCount + alignment - 1) / alignment * alignment
                offset = max(offset, offsets[other] + otherSize)
            }
            offsets[tensor] = offset
            let position = placed.firstIndex { offsets[$0] > offset } ?? placed.count
            placed.insert(tensor, at: position)
            end = max(end, offset + size)
        }
        self.offsets = offsets
        byteCount = end
        guardPages = []
    }
}
