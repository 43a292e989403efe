/// bfloat16: the upper half of an f32, kept in i16.
extension Builder {
    /// f32 to bfloat16, to nearest even; NaN stays NaN, and numbers below the normal ones become 0, as for the
    /// processor's own instruction.
    package func roundToBFloat16(_ x: Value) -> Value {
        let narrow = module.vector(module.i16, x.type.lanes)
        if module.target.hasBFloat16DotProduct, module.target.vectorBytes == 64, x.type.lanes.isMultiple(of: 16) {
            return inParts([x], lanes: 16) {
                bitcast(
                    intrinsic("llvm.x86.avx512bf16.cvtneps2bf16.512", overloads: [], $0), module.vector(module.i16, 16))
            }
        }
        let type = module.vector(module.i32, x.type.lanes)
        let isSubnormal = fcmp(.olt, fabs(x), float(0x1p-126, x.type))
        let bits = select(isSubnormal, and(bitcast(x, type), int(-0x8000_0000, type)), bitcast(x, type))
        let upper = lshr(bits, int(16, type))
        // Half a unit less one, and one more where the kept part is odd, so that ties go to even.
        let bias = add(int(0x7fff, type), and(upper, int(1, type)))
        let rounded = lshr(add(bits, bias), int(16, type))
        // A NaN must not lose its bits to the cut, nor be carried over into a number.
        let quiet = or(upper, int(0x40, type))
        let result = select(fcmp(.uno, x, x), quiet, rounded)
        return trunc(result, narrow)
    }

    /// f32 that bfloat16 holds exactly, to bfloat16.
    package func narrowToBFloat16(_ x: Value) -> Value {
        let type = module.vector(module.i32, x.type.lanes)
        return trunc(lshr(bitcast(x, type), int(16, type)), module.vector(module.i16, x.type.lanes))
    }

    /// bfloat16 to f32, exactly.
    package func extendBFloat16(_ x: Value) -> Value {
        let type = module.vector(module.i32, x.type.lanes)
        return bitcast(shl(zext(x, type), int(16, type)), module.vector(module.f32, x.type.lanes))
    }

    /// The dot product of bfloat16 pairs: `sum` (f32) plus both products of each pair in `a` and `b` (i32), as the
    /// processor adds them.
    package func dotBFloat16(_ a: Value, _ b: Value, _ sum: Value) -> Value {
        intrinsic("llvm.x86.avx512bf16.dpbf16ps.512", overloads: [], [sum, a, b])
    }
}
