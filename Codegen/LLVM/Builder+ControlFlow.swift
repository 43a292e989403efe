import CLLVM

/// A straight run of instructions that ends in a branch or return.
package struct Block {
    let reference: LLVMBasicBlockRef
}

/// Branches, loops and returns.
extension Builder {
    /// The block being written.
    package var currentBlock: Block { Block(reference: LLVMGetInsertBlock(reference)) }

    /// A new, empty block at the end of the function.
    package func appendBlock(_ name: String) -> Block {
        Block(reference: LLVMAppendBasicBlockInContext(module.context, function.value.reference, name))
    }

    /// Continues writing at the end of `block`.
    package func position(at block: Block) { LLVMPositionBuilderAtEnd(reference, block.reference) }

    /// Goes on in `block`.
    package func br(_ block: Block) { LLVMBuildBr(reference, block.reference) }

    /// Goes on in one of two blocks.
    package func condBr(_ condition: Value, then: Block, else otherwise: Block) {
        LLVMBuildCondBr(reference, condition.reference, then.reference, otherwise.reference)
    }

    /// A value that depends on the block control came from; its cases are added with `addIncoming`.
    package func phi(_ type: Type) -> Value { Value(reference: LLVMBuildPhi(reference, type.reference, "")) }

    /// States what `phi` is when control comes from `block`.
    package func addIncoming(_ phi: Value, _ value: Value, from block: Block) {
        var value: LLVMValueRef? = value.reference
        var block: LLVMBasicBlockRef? = block.reference
        LLVMAddIncoming(phi.reference, &value, &block, 1)
    }

    /// Returns nothing.
    package func ret() { LLVMBuildRetVoid(reference) }

    /// Returns a value.
    package func ret(_ value: Value) { LLVMBuildRet(reference, value.reference) }

    /// Runs the body with `from`, `from + step`, … while less than `to` (i64, signed), possibly never.
    ///
    /// The body gets the index and the carried values, and gives the carried values of the next turn;
    /// the result is what the last turn left, or the initial values if there was none.
    @discardableResult
    package func loop(
        from: Value, to: Value, step: Value, carrying initial: [Value] = [],
        body: (_ index: Value, _ carried: [Value]) throws -> [Value]
    ) rethrows -> [Value] {
        let before = currentBlock
        let inside = appendBlock("loop"), after = appendBlock("done")
        condBr(icmp(.slt, from, to), then: inside, else: after)

        position(at: inside)
        let index = phi(from.type)
        let carried = initial.map { phi($0.type) }
        addIncoming(index, from, from: before)
        for (phi, value) in zip(carried, initial) { addIncoming(phi, value, from: before) }
        let next = try body(index, carried)
        precondition(next.count == carried.count, "a loop's body gives what it is given")
        let nextIndex = add(index, step)
        let last = currentBlock  // the body may have gone on in blocks of its own
        addIncoming(index, nextIndex, from: last)
        for (phi, value) in zip(carried, next) { addIncoming(phi, value, from: last) }
        condBr(icmp(.slt, nextIndex, to), then: inside, else: after)

        position(at: after)
        return zip(initial, next).map { initial, next in
            let result = phi(initial.type)
            addIncoming(result, initial, from: before)
            addIncoming(result, next, from: last)
            return result
        }
    }

    /// Runs the body if the condition holds.
    package func ifThen(_ condition: Value, _ body: () throws -> Void) rethrows {
        let inside = appendBlock("then"), after = appendBlock("after")
        condBr(condition, then: inside, else: after)
        position(at: inside)
        try body()
        br(after)
        position(at: after)
    }

    /// Runs one of two bodies and gives its values, of the same types in both.
    @discardableResult
    package func ifThenElse(
        _ condition: Value, then: () throws -> [Value], else otherwise: () throws -> [Value]
    ) rethrows -> [Value] {
        let first = appendBlock("then"), second = appendBlock("else"), after = appendBlock("after")
        condBr(condition, then: first, else: second)

        position(at: first)
        let thenValues = try then()
        let firstEnd = currentBlock
        br(after)

        position(at: second)
        let elseValues = try otherwise()
        let secondEnd = currentBlock
        br(after)

        position(at: after)
        precondition(thenValues.count == elseValues.count, "both branches give the same values")
        return zip(thenValues, elseValues).map { thenValue, elseValue in
            let value = phi(thenValue.type)
            addIncoming(value, thenValue, from: firstEnd)
            addIncoming(value, elseValue, from: secondEnd)
            return value
        }
    }
}
