import CLLVM

/// How two integers are compared; `s` reads them as signed, `u` as unsigned.
package enum IntegerComparison {
    case eq, ne, slt, sle, sgt, sge, ult, ule, ugt, uge

    var predicate: LLVMIntPredicate {
        switch self {
        case .eq: LLVMIntEQ
        case .ne: LLVMIntNE
        case .slt: LLVMIntSLT
        case .sle: LLVMIntSLE
        case .sgt: LLVMIntSGT
        case .sge: LLVMIntSGE
        case .ult: LLVMIntULT
        case .ule: LLVMIntULE
        case .ugt: LLVMIntUGT
        case .uge: LLVMIntUGE
        }
    }
}

/// How two floats are compared; `o` is false and `u` is true when either is NaN.
package enum FloatComparison {
    case oeq, one, olt, ole, ogt, oge, ord, ueq, une, ult, ule, ugt, uge, uno

    var predicate: LLVMRealPredicate {
        switch self {
        case .oeq: LLVMRealOEQ
        case .one: LLVMRealONE
        case .olt: LLVMRealOLT
        case .ole: LLVMRealOLE
        case .ogt: LLVMRealOGT
        case .oge: LLVMRealOGE
        case .ord: LLVMRealORD
        case .ueq: LLVMRealUEQ
        case .une: LLVMRealUNE
        case .ult: LLVMRealULT
        case .ule: LLVMRealULE
        case .ugt: LLVMRealUGT
        case .uge: LLVMRealUGE
        case .uno: LLVMRealUNO
        }
    }
}

/// A cursor that appends instructions to one function.
///
/// Operations take scalars and vectors alike; both operands of one have the same type.
package final class Builder {
    /// The module of the function.
    package let module: Module
    /// The function being written.
    package let function: Function
    let reference: LLVMBuilderRef

    /// A cursor at the end of the function's entry block, which is made if the function has none.
    package init(_ module: Module, function: Function) {
        self.module = module
        self.function = function
        reference = LLVMCreateBuilderInContext(module.context)
        let entry =
            LLVMCountBasicBlocks(function.value.reference) > 0
            ? LLVMGetEntryBasicBlock(function.value.reference)
            : LLVMAppendBasicBlockInContext(module.context, function.value.reference, "entry")
        LLVMPositionBuilderAtEnd(reference, entry)
    }

    deinit { LLVMDisposeBuilder(reference) }

    // MARK: Constants

    /// An integer constant, in every lane if `type` is a vector.
    package func int(_ value: Int, _ type: Type) -> Value {
        let scalar = LLVMConstInt(type.element.reference, UInt64(bitPattern: Int64(value)), 1)!
        return constant(Array(repeating: scalar, count: type.lanes))
    }

    /// A floating-point constant, in every lane if `type` is a vector.
    package func float(_ value: Double, _ type: Type) -> Value {
        let scalar = LLVMConstReal(type.element.reference, value)!
        return constant(Array(repeating: scalar, count: type.lanes))
    }

    /// A constant with one integer per lane.
    package func ints(_ values: [Int], _ element: Type) -> Value {
        constant(values.map { LLVMConstInt(element.reference, UInt64(bitPattern: Int64($0)), 1) })
    }

    /// The lanes' own numbers: 0, 1, 2, …
    package func iota(_ lanes: Int, _ element: Type) -> Value { ints(Array(0..<lanes), element) }

    /// The zero of any type.
    package func zero(_ type: Type) -> Value { Value(reference: LLVMConstNull(type.reference)) }

    /// All bits one of an integer type: -1, or the mask that is true everywhere.
    package func allOnes(_ type: Type) -> Value { int(-1, type) }

    /// A value whose content does not matter.
    package func undefined(_ type: Type) -> Value { Value(reference: LLVMGetUndef(type.reference)) }

    private func constant(_ lanes: [LLVMValueRef]) -> Value {
        if lanes.count == 1 { return Value(reference: lanes[0]) }
        var lanes: [LLVMValueRef?] = lanes
        return Value(reference: LLVMConstVector(&lanes, UInt32(lanes.count)))
    }

    // MARK: Integers

    /// a + b, wrapping.
    package func add(_ a: Value, _ b: Value) -> Value { binary(LLVMAdd, a, b) }
    /// a − b, wrapping.
    package func sub(_ a: Value, _ b: Value) -> Value { binary(LLVMSub, a, b) }
    /// a · b, wrapping.
    package func mul(_ a: Value, _ b: Value) -> Value { binary(LLVMMul, a, b) }
    /// The signed quotient, towards zero.
    package func sdiv(_ a: Value, _ b: Value) -> Value { binary(LLVMSDiv, a, b) }
    /// The signed remainder, with the sign of `a`.
    package func srem(_ a: Value, _ b: Value) -> Value { binary(LLVMSRem, a, b) }
    /// The unsigned quotient.
    package func udiv(_ a: Value, _ b: Value) -> Value { binary(LLVMUDiv, a, b) }
    /// The unsigned remainder.
    package func urem(_ a: Value, _ b: Value) -> Value { binary(LLVMURem, a, b) }
    /// Bitwise and.
    package func and(_ a: Value, _ b: Value) -> Value { binary(LLVMAnd, a, b) }
    /// Bitwise or.
    package func or(_ a: Value, _ b: Value) -> Value { binary(LLVMOr, a, b) }
    /// Bitwise exclusive or.
    package func xor(_ a: Value, _ b: Value) -> Value { binary(LLVMXor, a, b) }
    /// Bitwise complement; the opposite of a mask.
    package func not(_ a: Value) -> Value { xor(a, allOnes(a.type)) }
    /// `a` shifted left by `b` bits.
    package func shl(_ a: Value, _ b: Value) -> Value { binary(LLVMShl, a, b) }
    /// `a` shifted right by `b` bits, zeros coming in.
    package func lshr(_ a: Value, _ b: Value) -> Value { binary(LLVMLShr, a, b) }
    /// `a` shifted right by `b` bits, the sign coming in.
    package func ashr(_ a: Value, _ b: Value) -> Value { binary(LLVMAShr, a, b) }

    // MARK: Floats

    /// a + b.
    package func fadd(_ a: Value, _ b: Value) -> Value { binary(LLVMFAdd, a, b) }
    /// a − b.
    package func fsub(_ a: Value, _ b: Value) -> Value { binary(LLVMFSub, a, b) }
    /// a · b.
    package func fmul(_ a: Value, _ b: Value) -> Value { binary(LLVMFMul, a, b) }
    /// a / b.
    package func fdiv(_ a: Value, _ b: Value) -> Value { binary(LLVMFDiv, a, b) }
    /// −a.
    package func fneg(_ a: Value) -> Value { Value(reference: LLVMBuildFNeg(reference, a.reference, "")) }

    /// a · b + c, rounded once where the target can, else twice.
    package func fma(_ a: Value, _ b: Value, _ c: Value) -> Value {
        // Without the instruction llvm.fma would be a library call for each lane.
        guard module.target.hasFusedMultiplyAdd else { return fadd(fmul(a, b), c) }
        return intrinsic("llvm.fma", overloads: [a.type], [a, b, c])
    }

    /// The lesser of two numbers, `b` where they are equal; NaN if either is NaN.
    package func fmin(_ a: Value, _ b: Value) -> Value {
        keepingNaN(a, b, select(fcmp(.olt, a, b), a, b))
    }

    /// The greater of two numbers, `b` where they are equal; NaN if either is NaN.
    package func fmax(_ a: Value, _ b: Value) -> Value {
        keepingNaN(a, b, select(fcmp(.ogt, a, b), a, b))
    }

    private func keepingNaN(_ a: Value, _ b: Value, _ chosen: Value) -> Value {
        // The sum is NaN as needed, and LLVM leaves the inner select, one instruction on x86, as it is.
        select(fcmp(.uno, a, b), fadd(a, b), chosen)
    }

    /// The square root, correctly rounded.
    package func sqrt(_ a: Value) -> Value { intrinsic("llvm.sqrt", overloads: [a.type], [a]) }
    /// The absolute value.
    package func fabs(_ a: Value) -> Value { intrinsic("llvm.fabs", overloads: [a.type], [a]) }
    /// The next whole number below, of f32.
    package func floor(_ a: Value) -> Value {
        // Without the instruction llvm.floor would be a library call for each lane.
        guard !module.target.hasRounding else { return intrinsic("llvm.floor", overloads: [a.type], [a]) }
        // From 2^23 on all numbers are whole; below, a sum with it is rounded to a whole number.
        let large = float(0x1p23, a.type), magnitude = fabs(a)
        let nearest = intrinsic(
            "llvm.copysign", overloads: [a.type], [fsub(fadd(magnitude, large), large), a])
        let below = select(fcmp(.ogt, nearest, a), fsub(nearest, float(1, a.type)), nearest)
        return select(fcmp(.olt, magnitude, large), below, a)
    }
    /// The next whole number above, of f32.
    package func ceil(_ a: Value) -> Value {
        module.target.hasRounding ? intrinsic("llvm.ceil", overloads: [a.type], [a]) : fneg(floor(fneg(a)))
    }

    private func binary(_ operation: LLVMOpcode, _ a: Value, _ b: Value) -> Value {
        Value(reference: LLVMBuildBinOp(reference, operation, a.reference, b.reference, ""))
    }

    // MARK: Comparison and choice

    /// Compares integers; a mask if they are vectors.
    package func icmp(_ comparison: IntegerComparison, _ a: Value, _ b: Value) -> Value {
        Value(reference: LLVMBuildICmp(reference, comparison.predicate, a.reference, b.reference, ""))
    }

    /// Compares floats; a mask if they are vectors.
    package func fcmp(_ comparison: FloatComparison, _ a: Value, _ b: Value) -> Value {
        Value(reference: LLVMBuildFCmp(reference, comparison.predicate, a.reference, b.reference, ""))
    }

    /// `a` where the condition holds, else `b`.
    package func select(_ condition: Value, _ a: Value, _ b: Value) -> Value {
        Value(reference: LLVMBuildSelect(reference, condition.reference, a.reference, b.reference, ""))
    }

    // MARK: Conversion

    /// A wider integer, zeros coming in.
    package func zext(_ a: Value, _ type: Type) -> Value { cast(LLVMZExt, a, type) }
    /// A wider integer, the sign coming in.
    package func sext(_ a: Value, _ type: Type) -> Value { cast(LLVMSExt, a, type) }
    /// The low bits of an integer.
    package func trunc(_ a: Value, _ type: Type) -> Value { cast(LLVMTrunc, a, type) }
    /// The float of a signed integer.
    package func sitofp(_ a: Value, _ type: Type) -> Value { cast(LLVMSIToFP, a, type) }
    /// The float of an unsigned integer.
    package func uitofp(_ a: Value, _ type: Type) -> Value { cast(LLVMUIToFP, a, type) }
    /// The signed integer of a float, towards zero; it must fit.
    package func fptosi(_ a: Value, _ type: Type) -> Value { cast(LLVMFPToSI, a, type) }
    /// A wider float.
    package func fpext(_ a: Value, _ type: Type) -> Value { cast(LLVMFPExt, a, type) }
    /// A narrower float, to nearest even.
    package func fptrunc(_ a: Value, _ type: Type) -> Value { cast(LLVMFPTrunc, a, type) }
    /// The same bits, or the same address, as another type.
    package func bitcast(_ a: Value, _ type: Type) -> Value { cast(LLVMBitCast, a, type) }

    private func cast(_ operation: LLVMOpcode, _ a: Value, _ type: Type) -> Value {
        if a.type == type { return a }
        return Value(reference: LLVMBuildCast(reference, operation, a.reference, type.reference, ""))
    }

    // MARK: Calls

    /// Calls a function of this module.
    @discardableResult
    package func call(_ function: Function, _ arguments: [Value]) -> Value {
        let callee = function.value.reference
        // Later versions give some intrinsics other vector types of the same size.
        var arguments: [LLVMValueRef?] = zip(arguments, function.parameters).map { argument, parameter in
            (parameter.type.isVector ? bitcast(argument, parameter.type) : argument).reference
        }
        let (type, count) = (LLVMGlobalGetValueType(callee), UInt32(arguments.count))
        return Value(reference: LLVMBuildCall2(reference, type, callee, &arguments, count, ""))
    }

    /// Calls an LLVM intrinsic, e.g. "llvm.fma", at the types it is overloaded on.
    @discardableResult
    package func intrinsic(_ name: String, overloads: [Type], _ arguments: [Value]) -> Value {
        call(intrinsic(name, overloads: overloads), arguments)
    }

    /// An LLVM intrinsic at the types it is overloaded on, with the parameters that this version gives it.
    func intrinsic(_ name: String, overloads: [Type]) -> Function {
        let id = LLVMLookupIntrinsicID(name, name.utf8.count)
        precondition(id != 0, "LLVM has no intrinsic \(name)")
        var types: [LLVMTypeRef?] = overloads.map(\.reference)
        return Function(LLVMGetIntrinsicDeclaration(module.reference, id, &types, types.count))
    }
}
