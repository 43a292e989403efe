import ApusIR

/// What is wrong with a compiled graph.
public enum Failure: Hashable, Sendable, CustomStringConvertible {
    /// A result that is too far from the interpreter's.
    public struct Result: Hashable, Sendable {
        public var name: String
        public var type: TensorType
        /// Row-major place of the worst element.
        public var element: Int
        public var found: Double
        public var expected: Double
        /// How far the element may be from the expected one.
        public var allowed: Double

        public init(name: String, type: TensorType, element: Int, found: Double, expected: Double, allowed: Double) {
            (self.name, self.type, self.element) = (name, type, element)
            (self.found, self.expected, self.allowed) = (found, expected, allowed)
        }
    }
    case result(Result)
    /// The graph could not be made, compiled or run, or the results are not those that it declares.
    case error(String)

    public var description: String {
        switch self {
        case .result(let result):
            """
            '\(result.name)' \(result.type): element \(result.element) is \(result.found), not \(result.expected), \
            and may differ by \(result.allowed)
            """
        case .error(let text): text
        }
    }

    /// Whether a smaller graph fails in the same way: with a wrong result too, or with the same words in its error,
    /// whatever numbers stand between them.
    public func isLike(_ other: Failure) -> Bool {
        switch (self, other) {
        case (.result, .result): true
        case (.error(let text), .error(let otherText)): words(text) == words(otherText)
        default: false
        }
    }

    private func words(_ text: String) -> [Substring] {
        text.prefix { $0 != "\n" }.split { !$0.isLetter }.filter { $0.count > 2 }
    }
}

/// Results that no graph may have, whatever the numbers in them.
struct WrongResult: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
