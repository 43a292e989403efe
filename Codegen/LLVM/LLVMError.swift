import CLLVM

/// What LLVM said when it refused something.
public struct LLVMError: Error, CustomStringConvertible, Sendable {
    /// What was asked of LLVM, e.g. "verify".
    public let operation: String
    /// LLVM's own words.
    public let message: String

    /// The operation and LLVM's words on one line.
    public var description: String { "\(operation): \(message)" }

    init(_ operation: String, _ message: String) {
        self.operation = operation
        self.message = message
    }

    /// Takes over a message that LLVM allocated.
    init(_ operation: String, owned message: UnsafeMutablePointer<CChar>?) {
        self.init(operation, takeString(message))
    }

    /// Throws if `error` is one; LLVM's error object is consumed either way.
    static func check(_ error: LLVMErrorRef?, _ operation: String) throws(LLVMError) {
        guard let error else { return }
        let message = LLVMGetErrorMessage(error)
        defer { LLVMDisposeErrorMessage(message) }
        throw LLVMError(operation, message.map { String(cString: $0) } ?? "no message")
    }
}

/// The Swift copy of a string that LLVM allocated for its caller, which is freed here.
func takeString(_ message: UnsafeMutablePointer<CChar>?) -> String {
    guard let message else { return "" }
    defer { LLVMDisposeMessage(message) }
    return String(cString: message)
}
