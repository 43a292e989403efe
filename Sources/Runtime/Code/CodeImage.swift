/// Machine code that runs wherever it lies: functions and their constants in one piece, with no symbol left to find.
public struct CodeImage: Hashable, Sendable {
    /// Code and constants. They belong at an address that is a multiple of ``alignment``, and are never written.
    public var bytes: [UInt8]
    /// Where functions begin, in bytes.
    public var functions: [String: Int]

    /// What the address of the first byte is a multiple of: a page.
    public static let alignment = 4096

    /// An image of code with the places of its functions.
    public init(bytes: [UInt8], functions: [String: Int]) {
        self.bytes = bytes
        self.functions = functions
    }
}
