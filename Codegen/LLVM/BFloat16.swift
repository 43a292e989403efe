/// bfloat16: the upper half of an f32, kept in i16.
extension Builder {
    /// f32 to bfloat16, to nearest even; NaN stays NaN.
    package func roundToBFloat16(_ x: Value) -> Value {
        let type = module.vector(module.i32, x.type.lanes)
        let bits = bitcast(x, type)
        let upper = lshr(bits, int(16, type))
        // Half a unit less one, and one more where the kept part is odd, so that ties go to even.
        let bias = add(int(0x7fff, type), and(upper, int(1, type)))
        let rounded = lshr(add(bits, bias), int(16, type))
        // A NaN must not lose its bits to the cut, nor be carried over into a number.
        let quiet = or(upper, int(0x40, type))
        let result = select(fcmp(.uno, x, x), quiet, rounded)
        return trunc(result, module.vector(module.i16, x.type.lanes))
    }

    /// bfloat16 to f32, exactly.
    package func extendBFloat16(_ x: Value) -> Value {
        let type = module.vector(module.i32, x.type.lanes)
        return bitcast(shl(zext(x, type), int(16, type)), module.vector(module.f32, x.type.lanes))
    }

    /// The dot product of bfloat16 pairs: `sum` (f32) plus both products of each pair in `a` and `b` (i32), as the processor adds them.
    package func dotBFloat16(_ a: Value, _ b: Value, _ sum: Value) -> Value {
        intrinsic("llvm.x86.avx512bf16.dpbf16ps.512", overloads: [], [sum, a, b])
    }
}
