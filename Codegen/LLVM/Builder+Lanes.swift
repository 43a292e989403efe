import CLLVM

/// What joins the lanes of a vector into one.
package enum Reduction {
    case add, mul, max, min, or
    /// The greatest of what are numbers, in one instruction a step: of a NaN and a number it is either.
    case greatest
}

/// Work across the lanes of vectors.
extension Builder {
    /// The scalar in every one of `lanes` lanes.
    package func splat(_ value: Value, _ lanes: Int) -> Value {
        if lanes == 1 { return value }
        let type = module.vector(value.type, lanes)
        let first = insertLane(undefined(type), value, int(0, module.i32))
        return shuffle(first, undefined(type), Array(repeating: 0, count: lanes))
    }

    /// One lane of a vector, by its number (i32 or i64).
    package func extractLane(_ vector: Value, _ lane: Value) -> Value {
        Value(reference: LLVMBuildExtractElement(reference, vector.reference, lane.reference, ""))
    }

    /// One lane of a vector; a scalar is its own only lane.
    package func extractLane(_ vector: Value, _ lane: Int) -> Value {
        vector.type.isVector ? extractLane(vector, int(lane, module.i32)) : vector
    }

    /// The vector with one lane replaced, by its number (i32 or i64).
    package func insertLane(_ vector: Value, _ value: Value, _ lane: Value) -> Value {
        Value(
            reference: LLVMBuildInsertElement(
                reference, vector.reference, value.reference, lane.reference, ""))
    }

    /// The vector with one lane replaced; of a scalar, the new value.
    package func insertLane(_ vector: Value, _ value: Value, _ lane: Int) -> Value {
        vector.type.isVector ? insertLane(vector, value, int(lane, module.i32)) : value
    }

    /// The lanes named by `lanes`, counting through `a` and on through `b`.
    package func shuffle(_ a: Value, _ b: Value, _ lanes: [Int]) -> Value {
        // Built as a vector even of one lane, as the instruction takes no scalar.
        var numbers: [LLVMValueRef?] = lanes.map { int($0, module.i32).reference }
        let mask = LLVMConstVector(&numbers, UInt32(numbers.count))
        return Value(reference: LLVMBuildShuffleVector(reference, a.reference, b.reference, mask, ""))
    }

    /// The value itself, where LLVM must not look beyond it for other instructions.
    package func freeze(_ value: Value) -> Value { Value(reference: LLVMBuildFreeze(reference, value.reference, "")) }

    /// Gives vectors to an instruction that takes so many lanes, part by part, and joins what it makes of them. Their
    /// lanes are that many times a power of 2.
    package func inParts(_ values: [Value], lanes: Int, _ body: ([Value]) -> Value) -> Value {
        let count = values[0].type.lanes
        if count == lanes { return body(values) }
        func half(_ numbers: Range<Int>) -> Value {
            inParts(values.map { shuffle($0, undefined($0.type), Array(numbers)) }, lanes: lanes, body)
        }
        return shuffle(half(0..<count / 2), half(count / 2..<count), Array(0..<count))
    }

    /// Joins all lanes into a scalar, always in the same order: the upper half onto the lower, again
    /// and again, and last the lanes of an odd rest one after the other.
    package func reduce(_ reduction: Reduction, _ vector: Value) -> Value {
        var vector = vector
        while vector.type.lanes > 2, vector.type.lanes.isMultiple(of: 2) {
            let count = vector.type.lanes, none = undefined(vector.type)
            let lower = shuffle(vector, none, Array(0..<count / 2))
            let upper = shuffle(vector, none, Array(count / 2..<count))
            vector = combine(reduction, lower, upper)
        }
        let rest = (0..<vector.type.lanes).map { extractLane(vector, $0) }
        return rest.dropFirst().reduce(rest[0]) { combine(reduction, $0, $1) }
    }

    /// Joins two values as `reduce` does.
    package func combine(_ reduction: Reduction, _ a: Value, _ b: Value) -> Value {
        let isFloat = a.type.isFloat
        switch reduction {
        case .add: return isFloat ? fadd(a, b) : add(a, b)
        case .mul: return isFloat ? fmul(a, b) : mul(a, b)
        case .max: return isFloat ? fmax(a, b) : select(icmp(.sgt, a, b), a, b)
        case .greatest: return select(fcmp(.ogt, a, b), a, b)
        case .min: return isFloat ? fmin(a, b) : select(icmp(.slt, a, b), a, b)
        case .or: return or(a, b)
        }
    }

    /// The mask of the first `count` (i64) lanes: all of them if there are fewer, none if it is negative.
    package func laneMask(count: Value, lanes: Int) -> Value {
        let limit = int(lanes, module.i64)
        let active = trunc(select(icmp(.slt, count, limit), count, limit), module.i32)
        return icmp(.slt, iota(lanes, module.i32), splat(active, lanes))
    }
}
