import ApusIR
import ApusLLVM
import ApusRuntime

extension GraphCompiler {
    /// Elements that a thread takes at a time: large enough to hide the hand-over, small enough to share the work.
    private static let elementsPerTile = 16384
    /// The same for floating-point operations of products.
    private static let operationsPerTile = 1_000_000

    /// Loads the kernels' code, places the buffers, and makes the program; also tells what lies where.
    func link(_ schedule: Schedule, _ table: KernelTable, _ codes: [KernelCode], name: String) throws -> (
        program: Program, memory: MemoryReport
    ) {
        let loaded = try LoadedObjects(codes.compactMap(\.object), name: name)
        let functions = try codes.map { unsafeBitCast(try loaded.address(of: $0.symbol), to: KernelFunction.self) }
        let memory = places(schedule)
        let steps = schedule.steps.enumerated().map { position, step in
            linked(step, table.numbers[position].map { functions[$0] }, memory.places)
        }
        let lanes = target.lanes()
        let scratch =
            table.kernels.map { kernel in
                switch kernel {
                case .loop(let loop): loop.scratchBytes(lanes: lanes)
                case .product(let product): ProductTiling(product, target).scratchBytes
                case .attention(let attention): AttentionTiling(attention, target).scratchBytes
                }
            }.max() ?? 0
        let graph = schedule.graph
        func binding(_ name: String, _ value: ApusIR.Value) -> Program.Binding {
            Program.Binding(name: name, type: graph[value].type, place: memory.places[schedule.layout[value].buffer])
        }
        let program = Program(
            name: name, steps: steps,
            inputs: graph.inputs.map { binding($0.operation.name, $0.value) },
            outputs: graph.results.compactMap { result in
                if case .output(let name) = result.kind { binding(name, result.value) } else { nil }
            },
            parameters: graph.parameters.map(\.operation), arenaBytes: memory.report.arenaBytes, scratchBytes: scratch,
            constants: memory.constants, code: loaded)
        return (program, memory.report)
    }

    private func linked(_ step: Schedule.ScheduledStep, _ function: KernelFunction?, _ places: [Place]) -> Step {
        switch step.work {
        case .kernel(let call):
            guard let function else { preconditionFailure("step \(step.name) has no function") }
            let (count, grain) = division(of: call)
            return Step(
                name: step.name,
                work: .kernel(function, arguments: call.buffers.map { places[$0] }, count: count, grain: grain),
                floatingPointOperations: step.floatingPointOperations, bytes: call.bytes)
        case .product(var product, let a, let b, let c):
            func place(_ matrix: inout Product.Matrix, _ buffer: Int) {
                matrix.place = Place(
                    places[buffer].region, byteOffset: places[buffer].byteOffset + matrix.place.byteOffset)
            }
            place(&product.a, a)
            place(&product.b, b)
            place(&product.c, c)
            let elements = product.batchCount * (product.m * product.k + product.k * product.n + product.m * product.n)
            return Step(
                name: step.name, work: .product(product), floatingPointOperations: step.floatingPointOperations,
                bytes: 4 * elements)
        case .sort(let rows, let width, let source, let result):
            return Step(
                name: step.name,
                work: .sort(Sort(source: places[source], result: places[result], rows: rows, width: width)),
                bytes: 8 * rows * width)
        }
    }

    /// The tiles of a kernel, and how many a thread takes at a time.
    private func division(of call: KernelCall) -> (count: Int, grain: Int) {
        switch call.kernel {
        case .loop(let kernel):
            var count = call.count, perUnit = call.elementsPerUnit
            if case .columns = kernel.form {
                let block = KernelEmitter.columnBlock(kernel, lanes: target.lanes())
                count *= (kernel.extents[kernel.innermost] + block - 1) / block
                perUnit *= block
            } else if kernel.form == .turned {
                let stripes = KernelEmitter.turnedStripes(kernel, lanes: target.lanes())
                count *= stripes
                perUnit = max(1, perUnit / stripes)
            }
            return (count, max(1, Self.elementsPerTile / max(1, perUnit)))
        case .product(let product):
            let tiles = ProductTiling(product, target).tiles
            return (tiles, max(1, min(Self.operationsPerTile * tiles / product.floatingPointOperations, tiles)))
        case .attention(let attention):
            return (
                attention.heads,
                max(
                    1,
                    min(Self.operationsPerTile * attention.heads / attention.floatingPointOperations, attention.heads))
            )
        }
    }

    /// Gives every buffer its place: in the arena for as long as it is needed, in a parameter, or among the constants.
    func places(_ schedule: Schedule) -> (places: [Place], report: MemoryReport, constants: [UInt8]) {
        let buffers = schedule.layout.buffers
        var intervals = buffers.map { _ in MemoryPlan.Interval(byteCount: 0, first: Int.max, last: -1) }
        func touch(_ buffer: Int, _ step: Int) {
            guard buffers[buffer].kind == .arena else { return }
            intervals[buffer].byteCount = buffers[buffer].byteCount
            intervals[buffer].first = min(intervals[buffer].first, step)
            intervals[buffer].last = max(intervals[buffer].last, step)
        }
        for (number, step) in schedule.steps.enumerated() { for buffer in step.buffers { touch(buffer, number) } }
        // Inputs are there before the first step, results after the last.
        for input in schedule.graph.inputs { touch(schedule.layout[input.value].buffer, -1) }
        for result in schedule.graph.results { touch(schedule.layout[result.value].buffer, schedule.steps.count) }
        let takenOver = Self.takenOver(schedule, intervals)
        let plan = MemoryPlan(intervals, takingOver: takenOver, alignment: Memory.alignment)

        var constants: [UInt8] = [], constantOffsets: [Int] = []
        for bytes in schedule.constants {
            constantOffsets.append(constants.count)
            constants += bytes
            constants += [UInt8](repeating: 0, count: Memory.aligned(constants.count) - constants.count)
        }
        let places = buffers.indices.map { buffer in
            switch buffers[buffer].kind {
            case .arena: Place(.arena, byteOffset: plan.offsets[buffer])
            case .parameter(let number): Place(.parameter(number))
            case .constants(let number): Place(.constants, byteOffset: constantOffsets[number])
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
        return (places, MemoryReport(buffers: used, arenaBytes: plan.byteCount), constants)
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

extension LoopKernel {
    /// Scratch memory that one thread needs for this kernel.
    func scratchBytes(lanes: Int) -> Int {
        guard form == .rows else { return 0 }
        return RowPlan(self, dependsOnColumn: columnDependence, lanes: lanes).scratchBytes
    }
}
