import CLLVM

/// A type of LLVM IR; it lives as long as its module.
package struct Type: Hashable {
    let reference: LLVMTypeRef

    /// Whether this is a vector.
    package var isVector: Bool { LLVMGetTypeKind(reference) == LLVMVectorTypeKind }
    /// The type of one lane; of a scalar, the type itself.
    package var element: Type { isVector ? Type(reference: LLVMGetElementType(reference)) : self }
    /// The number of lanes; 1 of a scalar.
    package var lanes: Int { isVector ? Int(LLVMGetVectorSize(reference)) : 1 }
    /// Whether the (element) type is a floating-point number.
    package var isFloat: Bool {
        let kind = LLVMGetTypeKind(element.reference)
        return kind == LLVMFloatTypeKind || kind == LLVMDoubleTypeKind
    }
    /// The bits of one lane; 64 of a pointer.
    package var elementBits: Int {
        switch LLVMGetTypeKind(element.reference) {
        case LLVMIntegerTypeKind: Int(LLVMGetIntTypeWidth(element.reference))
        case LLVMFloatTypeKind: 32
        default: 64
        }
    }
}

/// An operand: constant, parameter or result of an instruction; it lives as long as its module.
package struct Value: Hashable {
    let reference: LLVMValueRef

    /// The value's type.
    package var type: Type { Type(reference: LLVMTypeOf(reference)) }
}

/// A function of a module, declared or with a body.
package struct Function {
    /// The function as an operand.
    package let value: Value
    /// Its arguments in order.
    package let parameters: [Value]

    init(_ reference: LLVMValueRef) {
        value = Value(reference: reference)
        parameters = (0..<LLVMCountParams(reference)).map { Value(reference: LLVMGetParam(reference, $0)) }
    }
}

/// One unit of LLVM IR for one target, from the first function to the object code; it owns its context.
package final class Module {
    /// The machine the code is for.
    package let target: TargetDescription
    let context: LLVMContextRef
    let reference: LLVMModuleRef

    /// Whether each function has a section of its own, by which an object file can be taken apart.
    private let hasSections: Bool

    /// An empty module.
    package init(name: String, target: TargetDescription, sections hasSections: Bool = false) {
        self.target = target
        self.hasSections = hasSections
        context = LLVMContextCreate()
        reference = LLVMModuleCreateWithNameInContext(name, context)
        LLVMSetTarget(reference, target.triple)
    }

    deinit {
        LLVMDisposeModule(reference)
        LLVMContextDispose(context)
    }

    // MARK: Types

    /// No value, as a function returns it.
    package var void: Type { Type(reference: LLVMVoidTypeInContext(context)) }
    /// A truth value.
    package var i1: Type { Type(reference: LLVMInt1TypeInContext(context)) }
    /// An integer of 8 bits.
    package var i8: Type { Type(reference: LLVMInt8TypeInContext(context)) }
    /// An integer of 16 bits.
    package var i16: Type { Type(reference: LLVMInt16TypeInContext(context)) }
    /// An integer of 32 bits.
    package var i32: Type { Type(reference: LLVMInt32TypeInContext(context)) }
    /// An integer of 64 bits.
    package var i64: Type { Type(reference: LLVMInt64TypeInContext(context)) }
    /// A single-precision number.
    package var f32: Type { Type(reference: LLVMFloatTypeInContext(context)) }
    /// A double-precision number.
    package var f64: Type { Type(reference: LLVMDoubleTypeInContext(context)) }
    /// An address of bytes.
    package var pointer: Type { pointer(to: i8) }

    /// An address of `pointee`, which later LLVMs do not tell from any other address.
    package func pointer(to pointee: Type) -> Type { Type(reference: LLVMPointerType(pointee.reference, 0)) }

    /// `count` lanes of `element`; one lane is the scalar itself.
    package func vector(_ element: Type, _ count: Int) -> Type {
        count == 1 ? element : Type(reference: LLVMVectorType(element.reference, UInt32(count)))
    }

    /// The address of bytes that never change, at a multiple of a cache line.
    package func constant(_ bytes: [UInt8]) -> Value {
        var lanes = bytes.map { LLVMConstInt(i8.reference, UInt64($0), 0) }
        let content = LLVMConstArray(i8.reference, &lanes, UInt32(lanes.count))
        let global = LLVMAddGlobal(reference, LLVMTypeOf(content), "")!
        LLVMSetInitializer(global, content)
        LLVMSetGlobalConstant(global, 1)
        LLVMSetLinkage(global, LLVMPrivateLinkage)
        LLVMSetUnnamedAddress(global, LLVMGlobalUnnamedAddr)
        LLVMSetAlignment(global, 64)
        return Value(reference: LLVMConstBitCast(global, pointer.reference))
    }

    // MARK: Functions

    /// Declares a function; a `Builder` on it gives it a body, without one it is found when the code is loaded.
    ///
    /// `noAlias` lists the pointer parameters whose memory is reached through no other parameter. An internal function
    /// is known to this module alone.
    package func addFunction(
        _ name: String, parameters: [Type], returns result: Type, noAlias: [Int] = [], isInternal: Bool = false
    ) -> Function {
        var types: [LLVMTypeRef?] = parameters.map(\.reference)
        let type = LLVMFunctionType(result.reference, &types, UInt32(types.count), 0)
        let function = LLVMAddFunction(reference, name, type)!
        if isInternal { LLVMSetLinkage(function, LLVMInternalLinkage) }
        if hasSections { LLVMSetSection(function, ".text.\(name)") }
        let functionIndex = UInt32(bitPattern: Int32(LLVMAttributeFunctionIndex))
        addAttribute("nounwind", to: function, at: functionIndex)
        addAttribute("target-cpu", target.cpu, to: function, at: functionIndex)
        addAttribute("target-features", target.features, to: function, at: functionIndex)
        if target.vectorBytes >= 64 {
            // LLVM holds some processors to 256 bits by default, for fear of their clock.
            addAttribute("prefer-vector-width", "512", to: function, at: functionIndex)
        }
        for parameter in noAlias {
            addAttribute("noalias", to: function, at: UInt32(parameter + 1))
        }
        return Function(function)
    }

    /// The function of that name, if there is one.
    package func function(named name: String) -> Function? {
        LLVMGetNamedFunction(reference, name).map(Function.init)
    }

    /// One of LLVM's own attributes, with a number where it takes one.
    func attribute(_ name: String, _ value: UInt64 = 0) -> LLVMAttributeRef {
        LLVMCreateEnumAttribute(context, LLVMGetEnumAttributeKindForName(name, name.utf8.count), value)
    }

    private func addAttribute(_ name: String, to function: LLVMValueRef, at index: UInt32) {
        LLVMAddAttributeAtIndex(function, index, attribute(name))
    }

    private func addAttribute(_ name: String, _ value: String, to function: LLVMValueRef, at index: UInt32) {
        let attribute = LLVMCreateStringAttribute(
            context, name, UInt32(name.utf8.count), value, UInt32(value.utf8.count))
        LLVMAddAttributeAtIndex(function, index, attribute)
    }

    // MARK: From IR to code

    /// The module as LLVM IR.
    package var text: String { takeString(LLVMPrintModuleToString(reference)) }

    /// Throws what is wrong with the module, naming the functions at fault.
    package func verify() throws(LLVMError) {
        var message: UnsafeMutablePointer<CChar>?
        let isBroken = LLVMVerifyModule(reference, LLVMReturnStatusAction, &message) != 0
        let reason = takeString(message)
        guard isBroken else { return }
        var broken: [String] = []
        var next = LLVMGetFirstFunction(reference)
        while let function = next {
            if LLVMVerifyFunction(function, LLVMReturnStatusAction) != 0 {
                var length = 0
                broken.append(LLVMGetValueName2(function, &length).map { String(cString: $0) } ?? "?")
            }
            next = LLVMGetNextFunction(function)
        }
        throw LLVMError("verify \(broken.joined(separator: ", "))", reason)
    }

    /// Runs some of LLVM's passes, given in its own notation, such as "default<O1>".
    package func optimize(passes: String) throws(LLVMError) {
        let options = LLVMCreatePassBuilderOptions()
        defer { LLVMDisposePassBuilderOptions(options) }
        try withTargetMachine { machine throws(LLVMError) in
            try LLVMError.check(LLVMRunPasses(reference, passes, machine, options), "optimize")
        }
    }

    /// LLVM's pass of that name. From 18 on it goes over the code once, and ends the process where that was not enough,
    /// unless it is told not to look.
    package static let instcombine =
        llvmHeadersVersion() >= 18 ? "instcombine<no-verify-fixpoint>" : "instcombine"

    /// The module as the target's assembly text.
    package func assembly() throws(LLVMError) -> String {
        String(decoding: try emit(LLVMAssemblyFile, "emit assembly"), as: UTF8.self)
    }

    /// The module as a relocatable, position-independent object file.
    package func object() throws(LLVMError) -> [UInt8] {
        try emit(LLVMObjectFile, "emit object")
    }

    private func emit(_ kind: LLVMCodeGenFileType, _ operation: String) throws(LLVMError) -> [UInt8] {
        try withTargetMachine { machine throws(LLVMError) in
            // Code generation rewrites what it is given, so it gets a copy.
            let copy = LLVMCloneModule(reference)
            defer { LLVMDisposeModule(copy) }
            var message: UnsafeMutablePointer<CChar>?
            var buffer: LLVMMemoryBufferRef?
            guard LLVMTargetMachineEmitToMemoryBuffer(machine, copy, kind, &message, &buffer) == 0, let buffer else {
                throw LLVMError(operation, owned: message)
            }
            defer { LLVMDisposeMemoryBuffer(buffer) }
            let bytes = UnsafeRawBufferPointer(start: LLVMGetBufferStart(buffer), count: LLVMGetBufferSize(buffer))
            return [UInt8](bytes)
        }
    }

    /// Calls `body` with a target machine, to which the module's data layout is set.
    private func withTargetMachine<Result>(
        _ body: (LLVMTargetMachineRef) throws(LLVMError) -> Result
    ) throws(LLVMError) -> Result {
        let machine = try TargetMachine.idle(for: target)
        defer { machine.release() }
        let layout = LLVMCreateTargetDataLayout(machine.reference)
        LLVMSetModuleDataLayout(reference, layout)
        LLVMDisposeTargetData(layout)
        return try body(machine.reference)
    }
}
