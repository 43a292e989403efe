import CLLVM
import Synchronization

/// LLVM's code generator for a target, with the tables of its instructions and how they are lowered.
///
/// It serves one module at a time. To set it up takes about as long as the code of a small kernel, so that one whose
/// module is done stays for the next, until the process ends.
struct TargetMachine: @unchecked Sendable {
    let reference: LLVMTargetMachineRef
    /// All that it was made from.
    private let name: String

    private static let idle = Mutex<[String: [TargetMachine]]>([:])

    /// One that serves no module, to be given back by `release`.
    static func idle(for target: TargetDescription) throws(LLVMError) -> TargetMachine {
        let name = "\(target.triple) \(target.cpu) \(target.features)"
        if let machine = idle.withLock({ $0[name]?.popLast() }) { return machine }
        return TargetMachine(reference: try make(for: target), name: name)
    }

    /// Lets the next module have it.
    func release() { Self.idle.withLock { $0[name, default: []].append(self) } }

    private static func make(for target: TargetDescription) throws(LLVMError) -> LLVMTargetMachineRef {
        let code = try find(target.triple)
        _ = configuration
        guard
            let machine = LLVMCreateTargetMachine(
                code, target.triple, target.cpu, target.features, LLVMCodeGenLevelAggressive, LLVMRelocPIC,
                LLVMCodeModelDefault)
        else { throw LLVMError("create target machine", "LLVM has no machine for \(target.triple) \(target.cpu)") }
        return machine
    }

    /// What LLVM is told once, for all code of this process.
    ///
    /// Its reduction of the strength of addresses takes a quarter of a compilation. Loops that ask at their end whether
    /// to go on (`Builder.loop`) are as fast without it.
    private static let configuration: Void = {
        // A version that lacks the option would end the process; up to this one it is known to be there.
        guard llvmHeadersVersion() <= 22 else { return }
        let arguments: [StaticString] = ["apus", "-disable-lsr"]
        let pointers = arguments.map { UnsafeRawPointer($0.utf8Start).assumingMemoryBound(to: CChar.self) as Optional }
        LLVMParseCommandLineOptions(Int32(pointers.count), pointers, "")
    }()

    private static let registry = Mutex<Void>(())

    /// LLVM's code generator for an architecture. Those of other machines are registered when one is asked for, which
    /// the list of them must not be read during.
    private static func find(_ triple: String) throws(LLVMError) -> LLVMTargetRef {
        try registry.withLock { _ throws(LLVMError) in
            try TargetDescription.initializeNativeTarget()
            var found: LLVMTargetRef?
            if LLVMGetTargetFromTriple(triple, &found, nil) == 0, let found { return found }
            TargetDescription.initializeAllTargets()
            var message: UnsafeMutablePointer<CChar>?
            guard LLVMGetTargetFromTriple(triple, &found, &message) == 0, let found else {
                throw LLVMError("find target \(triple)", owned: message)
            }
            return found
        }
    }
}
