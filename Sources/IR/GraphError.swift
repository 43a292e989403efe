/// Where in a user's program an operation was declared.
public struct SourceLocation: Hashable, Sendable, CustomStringConvertible {
    /// File with its module, as `#fileID` has it.
    public var file: String
    /// The line, from 1.
    public var line: Int
    /// Names of the enclosing layers joined by dots, such as `blocks.3.mlp.fc1`; empty at the top.
    public var path: String

    /// A line of a file, inside of a layer or outside of any.
    public init(file: String, line: Int, path: String = "") {
        self.file = file
        self.line = line
        self.path = path
    }

    /// File name and line, such as `ViT.swift:42`.
    package var shortText: String { "\(file.split(separator: "/").last ?? ""):\(line)" }

    public var description: String { path.isEmpty ? shortText : "\(shortText) in \(path)" }
}

/// A mistake in a graph: what is wrong, in which operation, and where it was written.
public struct GraphError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of mistake it is.
    public enum Code: String, Sendable {
        /// Operand shapes that do not fit together.
        case shape
        /// Operand element types that do not fit together.
        case elementType
        /// An attribute (axis, permutation, bounds…) that is out of range.
        case attribute
        /// A weight, input or result that is declared twice or in two ways.
        case name
        /// Text that is not a graph.
        case syntax
        /// A graph that breaks the rules of the IR.
        case structure
        /// Something that the chosen back end does not offer.
        case unsupported
    }

    /// What kind of mistake it is.
    public var code: Code
    /// Name of the operation, such as `dot`; empty where none is concerned.
    public var operation: String
    /// What is wrong, with the types that were found.
    public var message: String
    /// Where it was written, if that is known.
    public var location: SourceLocation?

    /// A mistake of a kind in an operation or a layer.
    public init(_ code: Code, operation: String = "", _ message: String, location: SourceLocation? = nil) {
        self.code = code
        self.operation = operation
        self.message = message
        self.location = location
    }

    public var description: String {
        var text = ""
        if let location { text += "\(location.shortText): " }
        if !operation.isEmpty { text += "\(operation): " }
        text += message
        if let location, !location.path.isEmpty { text += " in \(location.path)" }
        return text
    }
}

/// All mistakes that were found in one declaration, in the order of the source.
public struct GraphErrors: Error, Sendable, CustomStringConvertible {
    /// The mistakes, of which there is at least one.
    public var errors: [GraphError]
    /// Mistakes that are thrown together.
    public init(_ errors: [GraphError]) { self.errors = errors }
    public var description: String { errors.map(\.description).joined(separator: "\n") }
}
