import ApusCodegen
import ApusIR
import ApusRuntime
import ApusTestSupport
import Testing

/// Where tensors lie: never two that live at the same time in one place.
struct MemoryTests {
    private static let alignment = 64

    /// In tests of the code each tensor ends where a page begins that nobody may touch, and has one before it.
    @Test func guardedTensorsLieApart() {
        let sizes = [0, 1, 64, 4096, 4097, 100_000], page = 4096
        let intervals = sizes.map { MemoryPlan.Interval(byteCount: $0, first: 0, last: 3) }
        let plan = MemoryPlan(guarding: intervals, takingOver: [2: 4], alignment: Self.alignment, pageBytes: page)
        #expect(plan.offsets[2] == plan.offsets[4])
        #expect(plan.guardPages.allSatisfy { $0 % page == 0 } && plan.guardPages.last == plan.byteCount - page)
        for tensor in [1, 3, 4, 5] {
            let offset = plan.offsets[tensor], end = offset + (sizes[tensor] + 63) / 64 * 64
            #expect(offset % Self.alignment == 0 && plan.guardPages.contains(end), "\(sizes[tensor])")
            let pages = (offset / page * page..<end)
            #expect(!plan.guardPages.contains { pages.contains($0) }, "\(sizes[tensor])")
            #expect(plan.guardPages.contains(pages.lowerBound - page), "\(sizes[tensor])")
        }
    }

    private func expectSound(
        _ intervals: [MemoryPlan.Interval], _ comment: String, sourceLocation: Testing.SourceLocation = #_sourceLocation
    ) {
        let plan = MemoryPlan(intervals, alignment: Self.alignment)
        let rounded = intervals.map { ($0.byteCount + Self.alignment - 1) / Self.alignment * Self.alignment }
        #expect(plan.offsets.count == intervals.count, "\(comment)", sourceLocation: sourceLocation)
        for a in intervals.indices where intervals[a].byteCount > 0 {
            let offset = plan.offsets[a]
            #expect(
                offset >= 0 && offset % Self.alignment == 0 && offset + intervals[a].byteCount <= plan.byteCount,
                "\(comment): tensor \(a) at \(offset) of \(plan.byteCount)", sourceLocation: sourceLocation)
            for b in intervals.indices where b < a && intervals[b].byteCount > 0 {
                guard intervals[a].first <= intervals[b].last, intervals[b].first <= intervals[a].last else { continue }
                let apart =
                    offset + intervals[a].byteCount <= plan.offsets[b]
                    || plan.offsets[b] + intervals[b].byteCount <= offset
                #expect(apart, "\(comment): tensors \(b) and \(a) overlap", sourceLocation: sourceLocation)
            }
        }
        let times = Set(intervals.flatMap { [$0.first, $0.last] })
        let needed =
            times.map { time in
                zip(intervals, rounded).reduce(0) { $0 + ($1.0.first <= time && time <= $1.0.last ? $1.1 : 0) }
            }.max() ?? 0
        #expect(
            plan.byteCount >= needed, "\(comment): \(plan.byteCount) bytes for \(needed)",
            sourceLocation: sourceLocation)
        #expect(
            plan.byteCount <= rounded.reduce(0, +), "\(comment): more than all tensors", sourceLocation: sourceLocation)
    }

    @Test(arguments: 0..<60 as Range<UInt64>)
    func randomIntervals(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let intervals = (0..<random.integer(0...80)).map { _ in
            let first = random.integer(-1...40)
            let bytes = random.pick([0, 1, 63, 64, 65, 4096, random.integer(1...10_000)])
            return MemoryPlan.Interval(
                byteCount: bytes, first: first, last: first + random.integer(0...(random.chance(0.2) ? 40 : 4)))
        }
        expectSound(intervals, "seed \(seed)")
    }

    @Test func memoryIsUsedAgain() {
        let chain = (0..<10).map { MemoryPlan.Interval(byteCount: 640, first: $0, last: $0 + 1) }
        #expect(MemoryPlan(chain, alignment: 64).byteCount == 2 * 640)
        #expect(MemoryPlan([], alignment: 64).byteCount == 0)
        // Tensors that meet in a single step live at the same time.
        let meeting = [
            MemoryPlan.Interval(byteCount: 64, first: 0, last: 3),
            MemoryPlan.Interval(byteCount: 64, first: 3, last: 5),
        ]
        #expect(MemoryPlan(meeting, alignment: 64).byteCount == 128)
    }

    /// Here the largest tensor, placed first, leaves a gap; what lives long has to go first.
    @Test func theOrderWithFewerGapsIsTaken() {
        let tensors = [(192, 0, 4), (192, 4, 4), (128, 4, 5), (256, 2, 3)].map {
            MemoryPlan.Interval(byteCount: $0, first: $1, last: $2)
        }
        expectSound(tensors, "four tensors")
        #expect(MemoryPlan(tensors, alignment: 64).byteCount == 512)
    }

    @Test func whatIsWrittenInPlaceTakesNoMemoryOfItsOwn() {
        let chain = (0..<4).map { MemoryPlan.Interval(byteCount: $0 == 2 ? 100 : 200, first: $0, last: $0 + 1) }
        let plan = MemoryPlan(chain, takingOver: [1: 0, 2: 1], alignment: 64)
        #expect(plan.offsets == [0, 0, 0, 256] && plan.byteCount == 512)
    }

    // MARK: Schedules

    /// A sum in the epilogue of a matmul is written over the residual that it is added to, if nobody reads that any
    /// more.
    @Test(arguments: [false, true])
    func elementwiseWorkIsDoneInPlace(isReadLater: Bool) throws {
        let graph = try functionGraph([f32(64, 64), f32(64, 64)]) { x in
            let residual = matmul(x[0], x[0])
            let sum = residual + matmul(x[1], x[1])
            return isReadLater ? [matmul(sum, x[0]), matmul(residual, sum)] : [matmul(sum, x[0])]
        }
        let report = try GraphCompiler(cache: nil).report(graph).memory
        let taken = report.buffers.filter { $0.takesOver != nil }
        #expect(isReadLater || taken.contains { $0.content.hasPrefix("add") }, "\(report.text())")
        for buffer in taken {
            let source = try #require(report.buffers.first { $0.number == buffer.takesOver })
            #expect(source.offset == buffer.offset && source.steps.upperBound == buffer.steps.lowerBound)
        }
    }

    /// Gathered rows are copied for the matmul that cannot read them in place, and for everyone else, so that the rows
    /// they are taken of go early.
    @Test func gatheredRowsAreKeptInPlaceOfAllRows() throws {
        let graph = try functionGraph([f32(512, 64), i32(64), f32(64, 64)]) { x in
            let rows = gather(matmul(x[0], x[2]), x[1])
            return [matmul(matmul(rows, x[2]), rows)]
        }
        let report = try GraphCompiler(cache: nil).report(graph).memory
        let all = try #require(report.buffers.first { $0.content.hasPrefix("dot f32[512,64]") })
        #expect(all.steps == 0...1, "\(report.text())")
    }

    /// Runs a schedule on paper: each step may read only what is whole, and what it writes must not be wanted any more.
    ///
    /// The lives of buffers are found here anew, from the steps' buffers alone.
    @Test(arguments: 3000..<3020 as Range<UInt64>)
    func schedulesNeverReuseLiveMemory(seed: UInt64) throws {
        let graph = try RandomGraph(seed: seed).graph
        let schedule = try CodegenTests.schedule(graph)
        let compiler = try GraphCompiler(cache: nil), program = try compiler.compile(graph).program
        let buffers = schedule.layout.buffers, report = try compiler.report(graph).memory.buffers
        let offsets = Dictionary(uniqueKeysWithValues: report.map { ($0.number, $0.offset) })
        var first = [Int: Int](), last = [Int: Int]()
        func touch(_ buffer: Int, _ time: Int) {
            first[buffer] = min(first[buffer] ?? time, time)
            last[buffer] = max(last[buffer] ?? time, time)
        }
        try #require(program.steps.count == schedule.steps.count)
        for (time, step) in schedule.steps.enumerated() {
            let locations: [Location] =
                switch program.steps[time].work {
                case .kernel(_, let arguments, _, _): arguments
                case .matmul(let matmul): [matmul.a.location, matmul.b.location, matmul.c.location]
                case .sort(let sort): [sort.source, sort.result]
                case .begin(let collective), .finish(let collective): [collective.location]
                }
            for (buffer, location) in zip(step.buffers, locations) where buffers[buffer].kind == .arena {
                touch(buffer, time)
                let offset = try #require(offsets[buffer], "seed \(seed): buffer \(buffer) lies nowhere")
                #expect(
                    (offset..<offset + buffers[buffer].byteCount).contains(location.byteOffset),
                    "seed \(seed): step \(time) looks for buffer \(buffer) elsewhere")
            }
        }
        for result in schedule.graph.results where buffers[schedule.layout[result.value].buffer].kind == .arena {
            touch(schedule.layout[result.value].buffer, schedule.steps.count)
        }
        /// Whether a step reads some buffer for the last time where it writes another one.
        func isWrittenInPlace(_ buffer: Int, at time: Int) -> Bool {
            guard time >= 0, time < schedule.steps.count, case .kernel(let call) = schedule.steps[time].work else {
                return false
            }
            return call.inPlace.contains {
                $0.written == buffer && last[$0.read] == time && offsets[$0.read] == offsets[buffer]
            }
        }
        let placed = offsets.sorted { $0.key < $1.key }
        for (a, aOffset) in placed {
            #expect(aOffset + buffers[a].byteCount <= program.arenaBytes, "seed \(seed): buffer \(a) leaves the arena")
            for (b, bOffset) in placed where b < a && first[a]! <= last[b]! && first[b]! <= last[a]! {
                // One may end where the other begins, if that step writes it in place.
                let later = first[a]! < first[b]! ? b : a
                if first[later]! == last[later == a ? b : a]!, isWrittenInPlace(later, at: first[later]!) { continue }
                let apart = aOffset + buffers[a].byteCount <= bOffset || bOffset + buffers[b].byteCount <= aOffset
                #expect(apart, "seed \(seed): buffers \(b) and \(a) overlap")
            }
        }
    }

    /// Every buffer is written before it is read, and every result is written.
    @Test(arguments: 3100..<3180 as Range<UInt64>)
    func schedulesReadOnlyWhatIsWritten(seed: UInt64) throws {
        let graph = try RandomGraph(seed: seed).graph
        let schedule = try CodegenTests.schedule(graph)
        let buffers = schedule.layout.buffers
        var written: Set<Int> = []
        for (number, buffer) in buffers.enumerated() where buffer.kind != .arena { written.insert(number) }
        for (time, step) in schedule.steps.enumerated() {
            var reads: Set<Int> = [], writes: Set<Int> = []
            switch step.work {
            case .kernel(let call):
                reads = Set(call.kernel.access.reads.map { call.buffers[$0] })
                writes = Set(call.kernel.access.writes.map { call.buffers[$0] })
            case .matmul(_, let a, let b, let c): (reads, writes) = ([a, b], [c])
            case .sort(_, let source, let result): (reads, writes) = ([source], [result])
            case .begin(_, let buffer), .finish(_, let buffer): (reads, writes) = ([buffer], [buffer])
            }
            #expect(reads.isSubset(of: written), "seed \(seed), step \(time): reads \(reads.subtracting(written))")
            #expect(!writes.isEmpty, "seed \(seed), step \(time) writes nothing")
            if case .matmul = step.work {
                #expect(reads.isDisjoint(with: writes), "seed \(seed), step \(time): a matmul overwrites its operand")
            }
            written.formUnion(writes)
        }
        for result in schedule.graph.results {
            #expect(written.contains(schedule.layout[result.value].buffer), "seed \(seed): a result is not written")
        }
    }

    // MARK: Report

    /// The report names every buffer of the arena, with the life that the schedule gives it, and its sizes add up.
    @Test(arguments: 3200..<3220 as Range<UInt64>)
    func reportIsComplete(seed: UInt64) throws {
        let graph = try RandomGraph(seed: seed).graph
        let compiler = try GraphCompiler(), compilation = try compiler.compile(graph)
        let report = try compiler.report(graph).memory, schedule = try CodegenTests.schedule(graph)
        var used = Set(schedule.steps.flatMap(\.buffers))
        used.formUnion(
            (schedule.graph.inputs.map(\.value) + schedule.graph.results.map(\.value)).map {
                schedule.layout[$0].buffer
            })
        #expect(
            report.buffers.map(\.number) == used.filter { schedule.layout.buffers[$0].kind == .arena }.sorted(),
            "seed \(seed)")
        #expect(report.arenaBytes == compilation.program.arenaBytes)
        #expect(
            report.arenaBytes == report.buffers.map { $0.offset + Memory.aligned($0.byteCount) }.max() ?? 0,
            "seed \(seed)")
        #expect(report.peakBytes <= report.arenaBytes)
        for buffer in report.buffers {
            #expect(
                buffer.byteCount == schedule.layout.buffers[buffer.number].byteCount && !buffer.content.isEmpty,
                "seed \(seed): \(buffer)")
            for (time, step) in schedule.steps.enumerated() where step.buffers.contains(buffer.number) {
                #expect(buffer.steps.contains(time), "seed \(seed): \(buffer) at step \(time)")
            }
        }
        for step in -1...schedule.steps.count {
            #expect(report.bytes(at: step) <= report.peakBytes, "seed \(seed), step \(step)")
        }
        #expect(report.bytes(at: report.peakStep) == report.peakBytes)
        #expect(
            (2...6).contains(report.text(lines: 3).split(separator: "\n").count),
            "seed \(seed): \(report.text(lines: 3))")
    }

    /// Inputs are read where they lie, by kernels, matmuls of the library and sorts, and are as before after a run.
    @Test(arguments: [CompilerOptions.Products.generated, .openblas])
    func inputsAreReadInPlace(_ products: CompilerOptions.Products) throws {
        let graph = try functionGraph([f32(96, 96), f32(96, 96)]) { x in
            [x[0] + 1, matmul(x[0], x[1]), argsort(x[1]).cast(.f32)]
        }
        let compilation = try GraphCompiler(CompilerOptions(products: products), cache: nil).compile(graph)
        #expect(compilation.program.inputs.map(\.location) == [Location(.input(0)), Location(.input(1))])
        // The library gets matmuls of this size; results, and the sort in i32, are all that the arena has.
        #expect(compilation.program.arenaBytes <= 4 * 96 * 96 * 4)
        let numbers = randomInputs(for: graph, seed: 1), data = numbers.mapValues { TensorData($0) }
        let runner = try ProgramRunner(compilation.loaded, pool: WorkerPool(threads: 2))
        let first = try runner.run(ProgramState(), data), second = try runner.run(ProgramState(), data)
        #expect(first == second && data == numbers.mapValues { TensorData($0) })
        let expected = try Interpreter().run(graph, inputs: numbers, parameters: [:]).outputs
        for (name, value) in expected {
            let found = try #require(first[name]).hostTensor.values
            #expect(zip(found, value.values).allSatisfy { abs($0 - $1) < 1e-3 }, "\(name)")
        }
    }

    /// Without gaps the arena is as large as what is in use at the peak; buffers of one kind are one line.
    @Test func reportOfAChain() throws {
        let graph = try functionGraph([f32(64, 64)]) { x in [matmul(matmul(x[0], x[0]), x[0])] }
        let report = try GraphCompiler().report(graph).memory
        #expect(
            report.buffers.count == 2 && report.arenaBytes == 2 * 64 * 64 * 4 && report.peakBytes == report.arenaBytes)
        #expect(report.peakStep == 1)
        #expect(
            report.text() == """
                      0.0 MB       0.0 MB  arena of 2 buffers; its peak is at step 1
                      in all      at peak
                      0.0 MB       0.0 MB  dot f32[64,64]: 2 buffers, steps 0…2, each for 2 at most
                """)
    }

    @Test func bytesAreReadAsPeopleWriteThem() {
        #expect(
            ["1500000", "1.5MB", "1.5mb", "0.0015GB", "1e3KB", "2B"].map { ByteCount($0)?.bytes } == [
                1_500_000, 1_500_000, 1_500_000, 1_500_000, 1_000_000, 2,
            ])
        for text in ["", "B", "GB", "x", "-1", "0", "0.5", "1e-9", "0.0001KB", "nan", "inf", "1e300GB", "1e15", "1 2"] {
            #expect(ByteCount(text) == nil, "\(text)")
        }
    }
}
