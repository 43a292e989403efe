/// A run that cannot take place: what is wrong with what the caller gave.
public struct RuntimeError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of mistake it is.
    public enum Code: String, Sendable {
        /// An input or parameter that the program does not know, or one that is missing.
        case name
        /// A tensor of another shape or element type than the program was compiled for.
        case type
        /// A number that means nothing, such as a label of a class that is not there.
        case value
        /// More memory, or address space, than there is.
        case outOfMemory
        /// A library that cannot be loaded.
        case library
        /// Ranks that cannot be reached, or that do not do the same; or a program that needs them, without any.
        case communication
        /// Another rank has failed while this one waited for it, and says why.
        case otherRank
    }
    /// What kind of mistake it is.
    public var code: Code
    /// What is wrong, with names and shapes.
    public var message: String

    /// An error of a kind with its message.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}
