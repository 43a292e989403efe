/// A program of which no C library can be made.
public struct CLibraryError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of obstacle it is.
    public enum Code: String, Sendable {
        /// A name that is none in C, or that is there twice.
        case name
        /// Levels that do not belong together, or none.
        case levels
        /// A program that needs more than its own code.
        case program
        /// Weights that do not fit the parameters, or the library.
        case weights
        /// No C compiler, or one that fails.
        case compiler
    }
    /// What kind of obstacle it is.
    public var code: Code
    /// What is wrong, and what to do.
    public var message: String

    /// An error of a kind with its message.
    public init(_ code: Code, _ message: String) { (self.code, self.message) = (code, message) }

    public var description: String { message }
}
