import Synchronization

/// Who computes which matmul, as answered once: whoever compiles with them gets the same answers again, whatever a
/// clock or a cache would say. A run of training keeps them, so that going on with it is like never having stopped.
public final class KeptAnswers: Sendable {
    private let answers: Mutex<[String: String]>

    /// Answers by their questions, such as those that ``all`` has given earlier.
    public init(_ answers: [String: String] = [:]) { self.answers = Mutex(answers) }

    /// All that was answered so far.
    public var all: [String: String] { answers.withLock { $0 } }

    func answer(_ question: String) -> MatmulChoice.Answer? {
        answers.withLock { $0[question] }.flatMap(MatmulChoice.Answer.init)
    }

    func keep(_ answer: MatmulChoice.Answer, to question: String) {
        answers.withLock { $0[question] = answer.rawValue }
    }
}
