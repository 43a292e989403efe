/// Signature of a generated kernel: pointers to its tensors, the range of tiles to compute, and scratch memory.
public typealias KernelFunction =
    @convention(c) (
        _ arguments: UnsafePointer<UnsafeMutableRawPointer>, _ begin: Int, _ end: Int,
        _ scratch: UnsafeMutableRawPointer
    ) -> Void

/// Where the functions of kernels come from. They can be called for as long as this value lives.
public protocol KernelLibrary: Sendable {
    /// The function of a symbol; throws if there is none.
    func function(of symbol: String) throws -> KernelFunction
}

/// A program whose kernels have been found: plain data bound to code in this process.
public struct LoadedProgram: Sendable {
    /// The program as plain data.
    public let program: Program
    /// The function of each step that calls one.
    let functions: [KernelFunction?]
    /// Keeps the functions' code loaded.
    private let library: any KernelLibrary

    /// Finds all kernels of a program; throws what the library throws for one that it does not have.
    public init(_ program: Program, _ library: some KernelLibrary) throws {
        var known: [String: KernelFunction] = [:]
        functions = try program.steps.map { step in
            guard case .kernel(let symbol, _, _, _) = step.work else { return nil }
            if let function = known[symbol] { return function }
            let function = try library.function(of: symbol)
            known[symbol] = function
            return function
        }
        self.program = program
        self.library = library
    }
}
