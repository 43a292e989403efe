import CLLVM

/// Object code loaded into this process, whose undefined symbols are those of the process.
///
/// The code is linked when an address is first asked for and lives as long as this object, which
/// must therefore outlive every call into it.
public final class LoadedObject: @unchecked Sendable {
    // LLJIT serves lookups from any thread, hence Sendable.
    private let jit: LLVMOrcLLJITRef

    /// Loads a relocatable object file for this machine.
    public init(object: [UInt8], name: String) throws(LLVMError) {
        try TargetDescription.initializeNativeTarget()
        var created: LLVMOrcLLJITRef?
        try LLVMError.check(LLVMOrcCreateLLJIT(&created, nil), "create JIT")
        guard let jit = created else { throw LLVMError("create JIT", "LLVM returned none") }
        do throws(LLVMError) {
            try Self.fill(jit, with: object, name: name)
        } catch {
            LLVMConsumeError(LLVMOrcDisposeLLJIT(jit))
            throw error
        }
        self.jit = jit
    }

    deinit {
        LLVMConsumeError(LLVMOrcDisposeLLJIT(jit))
    }

    /// Where a function or variable of the object is.
    public func address(of symbol: String) throws(LLVMError) -> UnsafeRawPointer {
        var address: LLVMOrcExecutorAddress = 0
        try LLVMError.check(LLVMOrcLLJITLookup(jit, &address, symbol), "find \(symbol)")
        guard let pointer = UnsafeRawPointer(bitPattern: UInt(address)) else {
            throw LLVMError("find \(symbol)", "its address is null")
        }
        return pointer
    }

    private static func fill(_ jit: LLVMOrcLLJITRef, with object: [UInt8], name: String) throws(LLVMError) {
        let library = LLVMOrcLLJITGetMainJITDylib(jit)
        var process: LLVMOrcDefinitionGeneratorRef?
        let prefix = LLVMOrcLLJITGetGlobalPrefix(jit)
        try LLVMError.check(
            LLVMOrcCreateDynamicLibrarySearchGeneratorForProcess(&process, prefix, nil, nil),
            "see the symbols of the process")
        LLVMOrcJITDylibAddGenerator(library, process)
        let buffer = object.withUnsafeBytes { bytes in
            bytes.withMemoryRebound(to: CChar.self) {
                LLVMCreateMemoryBufferWithMemoryRangeCopy($0.baseAddress, $0.count, name)
            }
        }
        // The JIT takes the buffer over, also when it refuses it.
        try LLVMError.check(LLVMOrcLLJITAddObjectFile(jit, library, buffer), "load \(name)")
    }
}
