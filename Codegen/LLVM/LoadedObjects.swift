import CLLVM
import CLLVMLinking
import Synchronization

/// Object code loaded into this process, whose undefined symbols are those of the process.
///
/// Code is linked when an address in it is first asked for and lives as long as this object, which
/// must therefore outlive every call into it.
public final class LoadedObjects: @unchecked Sendable {
    // LLJIT serves lookups from any thread, hence Sendable.
    private let jit: LLVMOrcLLJITRef
    private let reports: Reports

    /// Loads relocatable object files for this machine, which may use each other's symbols.
    public init(_ objects: [[UInt8]], name: String) throws(LLVMError) {
        try TargetDescription.initializeNativeTarget()
        let builder = LLVMOrcCreateLLJITBuilder()
        #if os(Linux)
            LLVMOrcLLJITBuilderSetObjectLinkingLayerCreator(builder, apusCreateLinkingLayer, nil)
        #endif
        var created: LLVMOrcLLJITRef?
        try LLVMError.check(LLVMOrcCreateLLJIT(&created, builder), "create JIT")
        guard let jit = created else { throw LLVMError("create JIT", "LLVM returned none") }
        let reports = Reports()
        reports.collect(from: jit)
        do throws(LLVMError) {
            try Self.fill(jit, with: objects, name: name)
        } catch {
            withExtendedLifetime(reports) { LLVMConsumeError(LLVMOrcDisposeLLJIT(jit)) }
            throw error
        }
        self.jit = jit
        self.reports = reports
    }

    deinit {
        LLVMConsumeError(LLVMOrcDisposeLLJIT(jit))
    }

    /// Where a function or variable of the objects is.
    public func address(of symbol: String) throws(LLVMError) -> UnsafeRawPointer {
        var address: LLVMOrcExecutorAddress = 0
        do throws(LLVMError) {
            try LLVMError.check(LLVMOrcLLJITLookup(jit, &address, symbol), "find \(symbol)")
        } catch {
            // The lookup says only that linking failed; the reason was reported on the side.
            throw LLVMError(error.operation, ([error.message] + reports.take()).joined(separator: "; "))
        }
        guard let pointer = UnsafeRawPointer(bitPattern: UInt(address)) else {
            throw LLVMError("find \(symbol)", "its address is null")
        }
        return pointer
    }

    private static func fill(_ jit: LLVMOrcLLJITRef, with objects: [[UInt8]], name: String) throws(LLVMError) {
        let library = LLVMOrcLLJITGetMainJITDylib(jit)
        var process: LLVMOrcDefinitionGeneratorRef?
        let prefix = LLVMOrcLLJITGetGlobalPrefix(jit)
        try LLVMError.check(
            LLVMOrcCreateDynamicLibrarySearchGeneratorForProcess(&process, prefix, nil, nil),
            "see the symbols of the process")
        LLVMOrcJITDylibAddGenerator(library, process)
        for object in objects {
            let buffer = object.withUnsafeBytes { bytes in
                bytes.withMemoryRebound(to: CChar.self) {
                    LLVMCreateMemoryBufferWithMemoryRangeCopy($0.baseAddress, $0.count, name)
                }
            }
            // The JIT takes the buffer over, also when it refuses it.
            try LLVMError.check(LLVMOrcLLJITAddObjectFile(jit, library, buffer), "load \(name)")
        }
    }
}

/// What LLVM reports on the side, which it would otherwise print.
private final class Reports: Sendable {
    private let messages = Mutex<[String]>([])

    /// Receives the reports of `jit`, which must not outlive this object.
    func collect(from jit: LLVMOrcLLJITRef) {
        LLVMOrcExecutionSessionSetErrorReporter(
            LLVMOrcLLJITGetExecutionSession(jit),
            { context, error in
                guard let context else { return LLVMConsumeError(error) }
                let reports = Unmanaged<Reports>.fromOpaque(context).takeUnretainedValue()
                do throws(LLVMError) {
                    try LLVMError.check(error, "link")
                } catch {
                    reports.messages.withLock { $0.append(error.message) }
                }
            },
            Unmanaged.passUnretained(self).toOpaque())
    }

    /// The reports so far, which are forgotten here.
    func take() -> [String] {
        messages.withLock { messages in
            defer { messages = [] }
            return messages
        }
    }
}
