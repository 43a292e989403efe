import ApusRuntime

/// Where every buffer of a schedule lies: in the arena for as long as it is needed, in an input or a parameter, or
/// among the constants.
struct BufferLocations {
    let locations: [Location]
    let report: MemoryReport
    /// The constants one after the other.
    let constants: [UInt8]

    /// Places the buffers; `guarded` ones lie apart, between pages that nobody may touch.
    init(_ schedule: Schedule, guarded: Bool = false) {
        let buffers = schedule.layout.buffers
        var intervals = buffers.map { _ in MemoryPlan.Interval(byteCount: 0, first: Int.max, last: -1) }
        func touch(_ buffer: Int, _ step: Int) {
            guard buffers[buffer].kind == .arena else { return }
            intervals[buffer].byteCount = buffers[buffer].byteCount
            intervals[buffer].first = min(intervals[buffer].first, step)
            intervals[buffer].last = max(intervals[buffer].last, step)
        }
        for (number, step) in schedule.steps.enumerated() { for buffer in step.buffers { touch(buffer, number) } }
        // What is prepared is there for later runs too.
        for step in schedule.steps.prefix(schedule.preparationCount) {
            for buffer in step.buffers where intervals[buffer].last >= schedule.preparationCount {
                touch(buffer, schedule.steps.count)
            }
        }
        // Results are there after the last step.
        for result in schedule.graph.results { touch(schedule.layout[result.value].buffer, schedule.steps.count) }
        let takenOver = Self.takenOver(schedule, intervals)
        let plan =
            guarded
            ? MemoryPlan(
                guarding: intervals, takingOver: takenOver, alignment: Memory.alignment, pageBytes: Memory.pageBytes)
            : MemoryPlan(intervals, takingOver: takenOver, alignment: Memory.alignment)

        var constants: [UInt8] = [], constantOffsets: [Int] = []
        for bytes in schedule.constants {
            constantOffsets.append(constants.count)
            constants += bytes
            constants += [UInt8](repeating: 0, count: Memory.aligned(constants.count) - constants.count)
        }
        locations = buffers.indices.map { buffer in
            switch buffers[buffer].kind {
            case .arena: Location(.arena, byteOffset: plan.offsets[buffer])
            case .input(let number): Location(.input(number))
            case .parameter(let number): Location(.parameter(number))
            case .constants(let number): Location(.constants, byteOffset: constantOffsets[number])
            }
        }
        let contents = schedule.contents()
        let used = buffers.indices.filter { intervals[$0].last >= intervals[$0].first }.map { buffer in
            let node = contents[buffer].map { schedule.graph[$0] }
            return MemoryReport.Buffer(
                number: buffer, byteCount: intervals[buffer].byteCount, offset: plan.offsets[buffer],
                steps: intervals[buffer].first...intervals[buffer].last, takesOver: takenOver[buffer],
                content: node.map { "\(type(of: $0.operation).name) \($0.type)" } ?? "",
                path: node?.location?.path ?? "")
        }
        report = MemoryReport(buffers: used, arenaBytes: plan.byteCount, guardPages: plan.guardPages)
        self.constants = constants
    }

    /// For each buffer that is written in place, the one whose place that is: read for the last time by the step that
    /// writes it first.
    private static func takenOver(_ schedule: Schedule, _ intervals: [MemoryPlan.Interval]) -> [Int: Int] {
        var sources: [Int: Int] = [:], taken: Set<Int> = []
        for (number, step) in schedule.steps.enumerated() {
            guard case .kernel(let call) = step.work else { continue }
            for (read, written) in call.inPlace where sources[written] == nil && !taken.contains(read) {
                guard intervals[read].byteCount >= intervals[written].byteCount, intervals[written].byteCount > 0,
                    intervals[read].last == number, intervals[written].first == number
                else { continue }
                sources[written] = read
                taken.insert(read)
            }
        }
        return sources
    }
}
