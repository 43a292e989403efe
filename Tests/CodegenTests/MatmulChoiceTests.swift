import ApusCodegen
import ApusIR
import ApusLLVM
import ApusRuntime
import ApusTestSupport
import Foundation
import Synchronization
import Testing

/// Who computes which matmul.
struct MatmulChoiceTests {
    private let shape = MeasuredShape(m: 300, n: 200, k: 400, isRightTransposed: false)

    private func withCache(_ body: (ObjectCache) throws -> Void) throws {
        let folder = NSTemporaryDirectory() + "apus-products-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body(ObjectCache(folder: folder))
    }

    /// A choice with a clock that always shows the same, and how often it was looked at.
    private final class FixedClock: Sendable {
        let count = Mutex(0)
        private let speed: MatmulChoice.Speed?

        init(generated: Double, openblas: Double) {
            speed = MatmulChoice.Speed(generated: generated, openblas: openblas)
        }
        /// A clock that has no time.
        init() { speed = nil }

        func choice(
            _ cache: ObjectCache?, kept: KeptAnswers? = nil, isLibraryAvailable: Bool = true, threads: Int = 2
        ) throws -> MatmulChoice {
            let target = try TargetDescription.host()
            var tuning = Tuning(target)
            tuning.threads = threads
            return MatmulChoice(target, cache, tuning, kept: kept, isLibraryAvailable: { isLibraryAvailable }) {
                shapes in
                self.count.withLock { $0 += shapes.count }
                return self.speed.map { speed in Dictionary(uniqueKeysWithValues: shapes.map { ($0, speed) }) } ?? [:]
            }
        }
    }

    // MARK: Answers

    /// The library's tiles are too few for more threads than four.
    @Test(arguments: [(1, MatmulChoice.Answer.openblas), (4, .openblas), (5, .generated), (64, .generated)])
    func manyThreadsGenerate(_ threads: Int, _ answer: MatmulChoice.Answer) throws {
        let clock = FixedClock(generated: 100, openblas: 200)
        try withCache { (cache: ObjectCache) throws in
            #expect(try clock.choice(cache, threads: threads).answers([shape]) == [shape: answer])
        }
    }

    @Test func theLibraryHasToGain() throws {
        for (openblas, answer) in [
            (50.0, MatmulChoice.Answer.generated), (100, .generated), (109, .generated), (111, .openblas),
            (200, .openblas),
        ] {
            try withCache { (cache: ObjectCache) throws in
                #expect(
                    try FixedClock(generated: 100, openblas: openblas).choice(cache).answers([shape]) == [
                        shape: answer
                    ], "\(openblas)")
                #expect(try cache.recall(FixedClock().choice(cache).name(shape)) == answer.rawValue)
            }
        }
    }

    /// What a run has kept is not asked again, whatever cache and clock would say; what is new is added.
    @Test func keptAnswersComeFirst() throws {
        try withCache { (cache: ObjectCache) throws in
            let clock = FixedClock(generated: 100, openblas: 200), kept = KeptAnswers()
            #expect(try clock.choice(cache, kept: kept).answers([shape]) == [shape: .openblas])
            #expect(try kept.all == [clock.choice(cache).name(shape): "openblas"])
            let other = FixedClock(generated: 200, openblas: 100), copy = KeptAnswers(kept.all)
            try withCache { (empty: ObjectCache) throws in
                #expect(try other.choice(empty, kept: copy).answers([shape]) == [shape: .openblas])
                #expect(other.count.withLock { $0 } == 0)
                #expect(try other.choice(empty).answers([shape]) == [shape: .generated])
                // Text that is no answer is as good as none.
                let damaged = KeptAnswers(kept.all.mapValues { _ in "neither" })
                #expect(try other.choice(empty, kept: damaged).answers([shape]) == [shape: .generated])
            }
        }
    }

    /// Where the library is far behind at the largest matmul of each kind, nothing else is measured; where it is at one
    /// of them alone, everything is.
    @Test(arguments: [
        (59.0, 59.0, 2, MatmulChoice.Answer.generated), (59, 61, 4, .openblas), (61, 59, 4, .openblas),
        (200, 200, 4, .openblas),
    ])
    func aLibraryThatIsFarBehindIsNotMeasuredFurther(
        _ plain: Double, _ transposed: Double, _ count: Int, _ answer: MatmulChoice.Answer
    ) throws {
        let small = [false, true].map { MeasuredShape(m: 300, n: 200, k: 400, isRightTransposed: $0) }
        let large = [false, true].map { MeasuredShape(m: 300, n: 300, k: 400, isRightTransposed: $0) }
        let measured = Mutex([MeasuredShape]())
        try withCache { (cache: ObjectCache) throws in
            let target = try TargetDescription.host()
            var tuning = Tuning(target)
            tuning.threads = 2
            let choice = MatmulChoice(target, cache, tuning, isLibraryAvailable: { true }) { shapes in
                measured.withLock { $0 += shapes }
                return Dictionary(
                    uniqueKeysWithValues: shapes.map { shape in
                        let speed = shape == large[0] ? plain : shape == large[1] ? transposed : 200
                        return (shape, MatmulChoice.Speed(generated: 100, openblas: speed))
                    })
            }
            let answers = try choice.answers(Set(small + large))
            #expect(measured.withLock { $0.count } == count)
            #expect(small.allSatisfy { answers[$0] == answer })
            #expect(answers[large[0]] == (plain > 110 ? .openblas : .generated))
        }
    }

    @Test func whatCannotBeMeasuredIsGenerated() throws {
        try withCache { (cache: ObjectCache) throws in
            let clock = FixedClock()
            #expect(try clock.choice(cache).answers([shape]) == [shape: .generated])
            #expect(try clock.choice(cache).answers([shape]) == [shape: .generated])
            #expect(clock.count.withLock { $0 } == 1)
            #expect(try clock.choice(cache).answers([]) == [:])
        }
    }

    /// A run that begins without the library goes on without it; others ask again once it is there.
    @Test func withoutTheLibraryAllIsGenerated() throws {
        try withCache { (cache: ObjectCache) throws in
            let clock = FixedClock(generated: 1, openblas: 100), kept = KeptAnswers()
            #expect(
                try clock.choice(cache, kept: kept, isLibraryAvailable: false).answers([shape]) == [shape: .generated])
            #expect(clock.count.withLock { $0 } == 0)
            #expect(try clock.choice(cache).answers([shape]) == [shape: .openblas])
            #expect(try clock.choice(cache, kept: kept).answers([shape]) == [shape: .generated])
        }
    }

    @Test func aMeasurementThatFailsIsAnError() throws {
        struct Failure: Error {}
        let odd = MeasuredShape(m: 303, n: 201, k: 401, isRightTransposed: true)
        let choice = try MatmulChoice(.host(), nil, isLibraryAvailable: { true }) { _ in throw Failure() }
        #expect(throws: Failure.self) { try choice.answers([odd]) }
    }

    @Test func anAnswerIsRemembered() throws {
        try withCache { (cache: ObjectCache) throws in
            let clock = FixedClock(generated: 1, openblas: 100)
            cache.remember(try clock.choice(cache).name(shape), "generated")
            #expect(try clock.choice(cache).answers([shape]) == [shape: .generated])
            #expect(clock.count.withLock { $0 } == 0)
        }
    }

    @Test func garbageIsMeasuredAnew() throws {
        for text in ["", "Generated", "openblas\n", "\u{0}"] {
            try withCache { (cache: ObjectCache) throws in
                let clock = FixedClock(generated: 1, openblas: 100), name = try clock.choice(cache).name(shape)
                cache.remember(name, text)
                #expect(try clock.choice(cache).answers([shape]) == [shape: .openblas])
                #expect(clock.count.withLock { $0 } == 1)
                #expect(cache.recall(name) == "openblas")
            }
        }
    }

    /// Also if others measure something else, if the folder goes, and for many that ask at once.
    @Test func theSameQuestionGetsTheSameAnswer() throws {
        try withCache { (cache: ObjectCache) throws in
            let first = FixedClock(generated: 1, openblas: 100), second = FixedClock(generated: 100, openblas: 1)
            let answers = Mutex(Set<MatmulChoice.Answer>())
            DispatchQueue.concurrentPerform(iterations: 20) { turn in
                let answer = try? (turn % 2 == 0 ? first : second).choice(cache).answers([shape])[shape]
                answers.withLock { _ = $0.insert(answer ?? .generated) }
            }
            #expect(answers.withLock { $0.count } == 1)
            #expect(first.count.withLock { $0 } + second.count.withLock { $0 } == 1)
            try FileManager.default.removeItem(atPath: cache.folder)
            #expect(try Set(first.choice(cache).answers([shape]).values) == answers.withLock { $0 })
        }
        // Without a cache, for the process.
        let odd = MeasuredShape(m: 301, n: 201, k: 401, isRightTransposed: true),
            clock = FixedClock(generated: 1, openblas: 100)
        for _ in 0..<2 { #expect(try clock.choice(nil).answers([odd]) == [odd: .openblas]) }
        #expect(clock.count.withLock { $0 } == 1)
    }

    @Test func largeShapesShareAMeasurement() {
        let large = MeasuredShape(m: 3152, n: 3072, k: 768, isRightTransposed: true)
        #expect(large == MeasuredShape(m: 12608, n: 2304, k: 800, isRightTransposed: true))
        #expect(large != MeasuredShape(m: 3152, n: 3072, k: 768, isRightTransposed: false))
        #expect(large != MeasuredShape(m: 3152, n: 3072, k: 3072, isRightTransposed: true))
        #expect("\(large)" == "384x768x768 transposed")
        #expect("\(MeasuredShape(m: 1, n: 2, k: 10_000, isRightTransposed: false))" == "1x2x4096")
    }

    // MARK: Programs

    /// A matmul large enough to be asked about, one that is not, and one in bfloat16.
    private func graph() throws -> Graph {
        try functionGraph([
            f32(300, 400), f32(200, 400), f32(200), f32(5, 6), f32(6, 7), bf16(300, 400), bf16(400, 200),
        ]) { x in
            [gelu(linear(x[0], weight: x[1], bias: x[2])), matmul(x[3], x[4]), matmul(x[5], x[6])]
        }
    }

    /// How many matmuls of the program are the library's; its results must be those of the interpreter.
    private func libraryMatmuls(_ products: CompilerOptions.Products, _ cache: ObjectCache?) throws -> Int {
        let graph = try graph(), inputs = randomInputs(for: graph, seed: 3)
        let loaded = try GraphCompiler(CompilerOptions(products: products), cache: cache).compile(graph).loaded
        let program = loaded.program
        let results = try ProgramRunner(loaded, pool: WorkerPool(threads: 2)).run(
            ProgramState(), inputs.mapValues { TensorData($0) })
        for (name, value) in try runInterpreted(graph, inputs: inputs) {
            let result = try #require(results[name])
            #expect(relativeError(result.hostTensor, value) < (name == "y2" ? 1 / 128 : 2e-5), "\(products): \(name)")
        }
        #expect(program.steps.filter { $0.name.contains("matmul") }.count == 3)
        return program.steps.count { $0.name.hasPrefix("library matmul") }
    }

    @Test func forcedModes() throws {
        #expect(try libraryMatmuls(.generated, nil) == 0)
        #expect(try libraryMatmuls(.openblas, nil) == 2)
    }

    @Test func programsFollowTheAnswers() throws {
        let asked = MeasuredShape(m: 300, n: 200, k: 400, isRightTransposed: true)
        for (answer, count) in [("generated", 0), ("openblas", 1)] {
            try withCache { (cache: ObjectCache) throws in
                cache.remember(try MatmulChoice(.host(), cache).name(asked), answer)
                #expect(try libraryMatmuls(.auto, cache) == count)
                #expect(try libraryMatmuls(.auto, cache) == count)
            }
        }
    }

    /// With the real clock: something is answered, kept, and answered again.
    @Test func measured() throws {
        try withCache { (cache: ObjectCache) throws in
            let choice = try MatmulChoice(.host(), cache), first = try choice.answers([shape])
            #expect(first.count == 1)
            #expect(cache.recall(choice.name(shape)) == first[shape]?.rawValue)
            #expect(try choice.answers([shape]) == first)
        }
        #expect(try libraryMatmuls(.auto, nil) <= 1)
    }
}
