/// The general power, worked out in double precision.
extension Builder {
    /// x to the y as C defines it: within 1 ulp.
    ///
    /// y·log x needs more bits than a float has, as the exponential turns its absolute error into a
    /// relative one; double precision has them to spare and spares us the special cases of scaling.
    package func pow(_ x: Value, _ y: Value) -> Value {
        let type = x.type, lanes = type.lanes
        let f64 = module.vector(module.f64, lanes), i64 = module.vector(module.i64, lanes)
        let base = fpext(fabs(x), f64), exponent = fpext(y, f64)
        let logarithm = logarithm(ofPositive: base)
        // y = 0 and |x| = 1 give 1 even where the other operand is NaN or ∞.
        let isOne = or(
            fcmp(.oeq, exponent, zero(f64)),
            or(fcmp(.oeq, x, float(1, type)), and(isInfinite(y), fcmp(.oeq, base, float(1, f64)))))
        let product = select(isOne, zero(f64), fmul(logarithm, exponent))
        let magnitude = fptrunc(exponential(product), type)

        // The sign: a negative base keeps it under odd exponents; floats from 2^24 on are even.
        let magic = float(0x1.8p52, f64)
        let shifted = fadd(exponent, magic)
        let isSmall = fcmp(.olt, fabs(exponent), float(0x1p24, f64))
        let isWhole = or(not(isSmall), fcmp(.oeq, fsub(shifted, magic), exponent))
        let hasOddBit = icmp(.ne, and(bitcast(shifted, i64), int(1, i64)), zero(i64))
        let isOdd = and(and(isSmall, isWhole), hasOddBit)
        let bits = module.vector(module.i32, lanes)
        let isNegative = icmp(.slt, bitcast(x, bits), zero(bits))
        let signed = select(and(isNegative, isOdd), fneg(magnitude), magnitude)

        // A negative finite base has no other real powers.
        let isRoot = and(fcmp(.olt, x, zero(type)), and(not(isWhole), not(isInfinite(x))))
        return select(isRoot, float(.nan, type), signed)
    }

    private func isInfinite(_ x: Value) -> Value { fcmp(.oeq, fabs(x), float(.infinity, x.type)) }

    /// The logarithm in f64 of what was an f32 at least 0, to 12 digits.
    private func logarithm(ofPositive x: Value) -> Value {
        let type = x.type, bits = module.vector(module.i64, type.lanes)
        // x = 2^e · m with m from √½ to √2.
        let root = int(0x3fe6_a09e_667f_3bcd, bits)
        let fromRoot = sub(bitcast(x, bits), root)
        let m = bitcast(add(and(fromRoot, int(0x000f_ffff_ffff_ffff, bits)), root), type)
        let exponents = module.vector(module.i32, type.lanes)
        let e = sitofp(trunc(ashr(fromRoot, int(52, bits)), exponents), type)
        // log m = 2·atanh s = 2·(s + s³/3 + … + s¹⁵/15) with s = (m-1)/(m+1), |s| < 0.172.
        let s = fdiv(fsub(m, float(1, type)), fadd(m, float(1, type)))
        let series = polynomial(fmul(s, s), (0...7).map { 2 / Double(2 * $0 + 1) })
        let result = fma(e, float(0.6931471805599453, type), fmul(s, series))
        let finite = select(fcmp(.olt, x, float(.infinity, type)), result, x)
        return select(fcmp(.oeq, x, zero(type)), float(-.infinity, type), finite)
    }

    /// e to the x in f64 to 9 digits, as far as f32 reaches: ∞ and 0 come of rounding to f32.
    private func exponential(_ x: Value) -> Value {
        let type = x.type, bits = module.vector(module.i64, type.lanes)
        let low = float(-150, type), high = float(150, type)
        let atLeast = select(fcmp(.olt, x, low), low, x)
        let x = select(fcmp(.ogt, atLeast, high), high, atLeast)
        // x = n·ln 2 + r, and the series of e^r to r⁸.
        let magic = float(0x1.8p52, type)
        let shifted = fadd(fmul(x, float(1.4426950408889634, type)), magic)
        let r = fma(fsub(shifted, magic), float(-0.6931471805599453, type), x)
        let factorials = (0...8).map { $0 < 2 ? 1 : (2...$0).map(Double.init).reduce(1, *) }
        let power = polynomial(r, factorials.map { 1 / $0 })
        // The low bits of `shifted` are n; what is above them is shifted out.
        let scale = shl(add(bitcast(shifted, bits), int(1023, bits)), int(52, bits))
        return fmul(power, bitcast(scale, type))
    }
}
