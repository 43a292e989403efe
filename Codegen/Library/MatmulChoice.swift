import ApusDigest
import ApusIR
import ApusLLVM
import ApusRuntime
import Synchronization

/// Which matmuls are left to the library: for each shape, whoever was faster on this machine.
///
/// An answer is remembered before it is used, in the cache's folder or else for the process, so that the same question
/// never gets two answers: the library and the generated kernels add in different orders, and a run that is resumed
/// shall go on with the same bits.
package struct MatmulChoice: Sendable {
    package enum Answer: String { case generated, openblas }

    /// Floating-point operations that each of both does in a second.
    package struct Speed {
        package var generated: Double
        package var openblas: Double

        package init(generated: Double, openblas: Double) {
            (self.generated, self.openblas) = (generated, openblas)
        }
    }

    /// Measures some shapes; those that are missing in the result were not, since it would have taken too long.
    package typealias Measurement = @Sendable (Set<MeasuredShape>) throws -> [MeasuredShape: Speed]

    /// What was answered in this process, by the folder of the cache and the name of the question. Whoever holds it may
    /// measure: so measurements do not disturb each other, and none is made twice.
    private static let answered = Mutex([[String]: Answer]())

    private let target: TargetDescription
    private let tuning: Tuning
    private let cache: ObjectCache?
    private let kept: KeptAnswers?
    private let asked: KeptAnswers?
    private let isLibraryAvailable: @Sendable () -> Bool
    private let measure: Measurement

    /// A choice for a machine, with what its cache remembers; `kept` answers come first, and answers are added to them.
    /// Whatever is asked is noted in `asked`. `measure` takes the place of the clock. Where the library is not
    /// available, nothing is asked of it, and nothing remembered; nor for programs of more threads than its few tiles
    /// are enough for.
    package init(
        _ target: TargetDescription, _ cache: ObjectCache?, _ tuning: Tuning? = nil, kept: KeptAnswers? = nil,
        asked: KeptAnswers? = nil,
        isLibraryAvailable: @escaping @Sendable () -> Bool = { MatmulLibrary.isAvailable },
        measure: Measurement? = nil
    ) {
        self.target = target
        self.tuning = tuning ?? Tuning(target)
        self.cache = cache
        self.kept = kept
        self.asked = asked
        self.isLibraryAvailable = isLibraryAvailable
        self.measure = measure ?? { try MatmulMeasurement(target).speeds($0) }
    }

    /// The matmuls of a graph that the library is faster at.
    package func libraryMatmuls(_ graph: Graph) throws -> Set<ApusIR.Value> {
        var asked: [ApusIR.Value: MeasuredShape] = [:]
        for value in graph.libraryCandidates {
            asked[value] = MeasuredShape(graph, value, smallest: tuning.smallestLibraryMatmul)
        }
        let answers = try self.answers(Set(asked.values))
        return Set(asked.filter { answers[$0.value] == .openblas }.keys)
    }

    /// Who computes matmuls of these shapes: as kept or remembered, else as measured now.
    package func answers(_ shapes: Set<MeasuredShape>) throws -> [MeasuredShape: Answer] {
        var answers: [MeasuredShape: Answer] = [:]
        for shape in shapes { answers[shape] = kept?.answer(name(shape)) }
        answers.merge(try decided(shapes.filter { answers[$0] == nil })) { known, _ in known }
        for (shape, answer) in answers { for list in [kept, asked] { list?.keep(answer, to: name(shape)) } }
        return answers
    }

    /// Whether answers that were given earlier, by their questions, would be given now; if so, they are kept.
    func stillHolds(_ earlier: [(question: String, answer: String)]) -> Bool {
        guard earlier.allSatisfy({ standing($0.question)?.rawValue == $0.answer }) else { return false }
        for (question, answer) in earlier { Answer(rawValue: answer).map { kept?.keep($0, to: question) } }
        return true
    }

    /// What would be answered without a measurement; nil if there would be one.
    private func standing(_ question: String) -> Answer? {
        if let answer = kept?.answer(question) { return answer }
        guard isLibraryUsed else { return .generated }
        return Self.answered.withLock { $0[key(question)] } ?? cache?.recall(question).flatMap(Answer.init)
    }

    private var isLibraryUsed: Bool { tuning.threads <= Matmul.mostThreads && isLibraryAvailable() }

    /// A question among those of all caches that the process uses.
    private func key(_ question: String) -> [String] { [cache?.folder ?? "", question] }

    private func decided(_ shapes: Set<MeasuredShape>) throws -> [MeasuredShape: Answer] {
        guard !shapes.isEmpty else { return [:] }
        guard isLibraryUsed else {
            return Dictionary(uniqueKeysWithValues: shapes.map { ($0, .generated) })
        }
        return try Self.answered.withLock { answered in
            func key(_ shape: MeasuredShape) -> [String] { self.key(name(shape)) }
            var unknown: Set<MeasuredShape> = []
            for shape in shapes where answered[key(shape)] == nil {
                answered[key(shape)] = recalled(shape)
                if answered[key(shape)] == nil { unknown.insert(shape) }
            }
            let speeds = try speeds(unknown)
            for shape in unknown {
                let answer = speeds[shape].map(faster) ?? .generated
                // Another process may have been faster: its answer is the one that counts.
                let kept = cache?.remember(name(shape), answer.rawValue) { Answer(rawValue: $0) != nil }
                answered[key(shape)] = kept.flatMap(Answer.init) ?? answer
            }
            return Dictionary(uniqueKeysWithValues: shapes.map { ($0, answered[key($0)] ?? .generated) })
        }
    }

    /// The speeds of matmuls of some shapes. The largest of either kind of right operand come first: where the library
    /// is far behind at those, it has no kernels for this processor, and the others take no time.
    private func speeds(_ shapes: Set<MeasuredShape>) throws -> [MeasuredShape: Speed] {
        let largest = [false, true].compactMap { isTransposed in
            shapes.filter { $0.isRightTransposed == isTransposed }
                .max { ($0.operations, $0.description) < ($1.operations, $1.description) }
        }
        guard !largest.isEmpty else { return [:] }
        let speeds = try measure(Set(largest)), others = shapes.subtracting(largest)
        let isFarBehind =
            speeds.count == largest.count
            && speeds.values.allSatisfy { $0.openblas < $0.generated * tuning.hopelessSpeed }
        return try isFarBehind || others.isEmpty ? speeds : speeds.merging(measure(others)) { first, _ in first }
    }

    private func faster(_ speed: Speed) -> Answer {
        speed.openblas > speed.generated * tuning.neededGain ? .openblas : .generated
    }

    private func recalled(_ shape: MeasuredShape) -> Answer? { cache?.recall(name(shape)).flatMap(Answer.init) }

    /// What an answer is remembered under.
    package func name(_ shape: MeasuredShape) -> String {
        "matmul \(shape) on \(Digest([target.triple, target.cpu, target.features, "\(target.vectorBytes)"]).hexadecimal)"
    }
}
