import CLLVM

/// Memory: every access names the type it wants, and takes a pointer of any type.
///
/// What is said of vectors holds for scalars too, so that code for one lane needs no cases of its own.
extension Builder {
    /// The address `bytes` (i64) further on.
    package func offset(_ pointer: Value, bytes: Value) -> Value {
        var index: LLVMValueRef? = bytes.reference
        let base = bitcast(pointer, module.pointer)
        return Value(reference: LLVMBuildGEP2(self.reference, module.i8.reference, base.reference, &index, 1, ""))
    }

    /// Reads a value; `align` is in bytes and that of one element unless told.
    package func load(_ type: Type, _ pointer: Value, byteOffset: Value? = nil, align: Int? = nil) -> Value {
        let address = typed(pointer, byteOffset, type)
        let value = LLVMBuildLoad2(reference, type.reference, address.reference, "")!
        LLVMSetAlignment(value, UInt32(align ?? elementBytes(type)))
        return Value(reference: value)
    }

    /// Writes a value; `align` is in bytes and that of one element unless told.
    package func store(_ value: Value, _ pointer: Value, byteOffset: Value? = nil, align: Int? = nil) {
        let address = typed(pointer, byteOffset, value.type)
        let instruction = LLVMBuildStore(reference, value.reference, address.reference)
        LLVMSetAlignment(instruction, UInt32(align ?? elementBytes(value.type)))
    }

    /// Asks for the cache line at an address, to be read or written soon. It may be any address.
    package func prefetch(_ pointer: Value, byteOffset: Value, forWriting: Bool) {
        let address = offset(pointer, bytes: byteOffset)
        let (kind, nearest, data) = (int(forWriting ? 1 : 0, module.i32), int(3, module.i32), int(1, module.i32))
        intrinsic("llvm.prefetch", overloads: [module.pointer], [address, kind, nearest, data])
    }

    /// Reads the lanes of `type` where the mask holds and gives 0 in the others, whose memory is not touched.
    package func maskedLoad(
        _ type: Type, _ pointer: Value, byteOffset: Value? = nil, mask: Value, align: Int? = nil,
        otherwise: Value? = nil
    ) -> Value {
        guard type.isVector else {
            return whenActive(mask, type, otherwise: otherwise) {
                load(type, pointer, byteOffset: byteOffset, align: align)
            }
        }
        let address = typed(pointer, byteOffset, type)
        return masked(
            "llvm.masked.load", overloads: [type, address.type], [address, mask, otherwise ?? zero(type)],
            address: 0, align: align ?? elementBytes(type))
    }

    /// Writes the lanes where the mask holds and leaves the memory of the others alone.
    package func maskedStore(
        _ value: Value, _ pointer: Value, byteOffset: Value? = nil, mask: Value, align: Int? = nil
    ) {
        guard value.type.isVector else {
            return ifThen(mask) { store(value, pointer, byteOffset: byteOffset, align: align) }
        }
        let address = typed(pointer, byteOffset, value.type)
        masked(
            "llvm.masked.store", overloads: [value.type, address.type], [value, address, mask],
            address: 1, align: align ?? elementBytes(value.type))
    }

    /// Reads `base[indices]` lane by lane, counting in elements, and gives 0 where the mask does not hold.
    ///
    /// The indices are a vector of i32 or i64, read as signed.
    package func gather(_ element: Type, _ base: Value, indices: Value, mask: Value? = nil) -> Value {
        let type = module.vector(element, indices.type.lanes)
        let addresses = lanewise(base, indices, element)
        let mask = mask ?? allOnes(module.vector(module.i1, type.lanes))
        guard type.isVector else { return whenActive(mask, type) { load(type, addresses) } }
        return masked(
            "llvm.masked.gather", overloads: [type, addresses.type], [addresses, mask, zero(type)],
            address: 0, align: elementBytes(element))
    }

    /// Writes `base[indices] = value` lane by lane where the mask holds, later lanes over earlier ones.
    package func scatter(_ value: Value, _ base: Value, indices: Value, mask: Value? = nil) {
        let addresses = lanewise(base, indices, value.type.element)
        let mask = mask ?? allOnes(module.vector(module.i1, value.type.lanes))
        guard value.type.isVector else { return ifThen(mask) { store(value, addresses) } }
        masked(
            "llvm.masked.scatter", overloads: [value.type, addresses.type], [value, addresses, mask],
            address: 1, align: elementBytes(value.type))
    }

    /// Memory of `count` values of `type` that lasts as long as the call, allotted on entry.
    package func alloca(_ type: Type, count: Int = 1, align: Int = 64) -> Value {
        let entryBuilder = LLVMCreateBuilderInContext(module.context)
        defer { LLVMDisposeBuilder(entryBuilder) }
        let entry = LLVMGetEntryBasicBlock(function.value.reference)
        if let first = LLVMGetFirstInstruction(entry) {
            LLVMPositionBuilderBefore(entryBuilder, first)
        } else {
            LLVMPositionBuilderAtEnd(entryBuilder, entry)
        }
        let array = LLVMArrayType(type.reference, UInt32(count))
        let memory = LLVMBuildAlloca(entryBuilder, array, "")!
        LLVMSetAlignment(memory, UInt32(align))
        return Value(
            reference: LLVMBuildBitCast(entryBuilder, memory, module.pointer(to: type).reference, ""))
    }

    /// Calls an intrinsic of masked memory; `address` is the number of the argument that is aligned to `align` bytes.
    /// Up to LLVM 21 this is told by one more argument after it, later by an attribute.
    @discardableResult
    private func masked(
        _ name: String, overloads: [Type], _ arguments: [Value], address: Int, align: Int
    ) -> Value {
        let intrinsic = intrinsic(name, overloads: overloads), parameter = address + 1
        guard intrinsic.parameters.count == arguments.count else {
            let alignment = int(align, module.i32)
            return call(intrinsic, arguments[..<parameter] + [alignment] + arguments[parameter...])
        }
        let result = call(intrinsic, arguments)
        LLVMAddCallSiteAttribute(result.reference, UInt32(parameter), module.attribute("align", UInt64(align)))
        return result
    }

    /// The masked read of a scalar, which has no intrinsic: a branch.
    private func whenActive(_ mask: Value, _ type: Type, otherwise: Value? = nil, _ read: () -> Value) -> Value {
        ifThenElse(mask, then: { [read()] }, else: { [otherwise ?? zero(type)] })[0]
    }

    private func elementBytes(_ type: Type) -> Int { max(1, type.elementBits / 8) }

    /// The address as a pointer to `type`, which LLVM 14 still insists on.
    private func typed(_ pointer: Value, _ byteOffset: Value?, _ type: Type) -> Value {
        let address = byteOffset.map { offset(pointer, bytes: $0) } ?? pointer
        return bitcast(address, module.pointer(to: type))
    }

    /// The vector of the addresses `base + index`.
    private func lanewise(_ base: Value, _ indices: Value, _ element: Type) -> Value {
        var index: LLVMValueRef? = indices.reference
        let base = bitcast(base, module.pointer(to: element))
        return Value(reference: LLVMBuildGEP2(reference, element.reference, base.reference, &index, 1, ""))
    }
}
