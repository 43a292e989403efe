/// What is wrong with an ONNX file, or why a graph cannot become one: what, where, and what to do.
public struct OnnxError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of mistake it is.
    public enum Code: String, Sendable {
        /// Bytes that are no ONNX file, or that say impossible things.
        case file
        /// A file that asks for more than this reader gives.
        case limit
        /// A version of the format, or of a set of operators, that is not known.
        case version
        /// An operator that is not known, or an operation that ONNX does not have.
        case unsupported
        /// An attribute or an operand that an operator cannot have.
        case attribute
        /// A name that nothing has, or that two things have.
        case name
        /// An extent that the file leaves open and nobody has given.
        case dimension
        /// Numbers that lie in another file.
        case external
    }

    /// What kind of mistake it is.
    public var code: Code
    /// The file, or empty for bytes in memory.
    public var file: String
    /// The node or the line of source that it is about; empty where it is about the whole.
    public var place: String
    /// What is wrong, and what to do.
    public var message: String

    /// A mistake of a kind.
    public init(_ code: Code, _ message: String, file: String = "", place: String = "") {
        self.code = code
        self.message = message
        self.file = file
        self.place = place
    }

    public var description: String { [file, place, message].filter { !$0.isEmpty }.joined(separator: ": ") }

    /// The same mistake, in a file.
    func inFile(_ path: String) -> OnnxError {
        var error = self
        if error.file.isEmpty { error.file = path }
        return error
    }
}

/// A text of a file as messages show it: on one line, and not longer than a line.
func shown(_ text: String) -> String {
    let line = String(text.unicodeScalars.prefix(81).map { $0.value < 32 || $0.value == 127 ? "?" : Character($0) })
    return line.unicodeScalars.count > 80 ? line.prefix(77) + "..." : line
}
