/// Elementary functions of f32 scalars and vectors, without branches and without library calls.
///
/// Each states its largest error as measured, with FMA and without, against double precision; an ulp is the gap
/// between neighbouring floats. NaN in is NaN out. Coefficients are minimax fits of our own.
extension Builder {
    /// e to the x: within 1 ulp, gradual underflow, ∞ above 88.7.
    package func exp(_ x: Value) -> Value {
        let type = x.type
        // Beyond these the result is ∞ or 0 whatever x is; written so that NaN stays.
        let x = atMost(atLeast(x, -104), 89)
        let (count, n) = nearestInteger(x, times: 1.4426950408889634)
        // x = n·ln 2 + r, |r| ≤ ln 2 / 2; the high part of ln 2 is short, so that n·high is exact.
        var r = fma(count, float(-0x1.62e4p-1, type), x)
        r = fma(count, float(-0x1.7f7d1cp-20, type), r)
        let power = fadd(exponentialMinusOne(r), float(1, type))
        if module.target.vectorBytes == 64, type.lanes.isMultiple(of: 16) { return scaled(power, byPowerOf: count) }
        // 2^n in two factors, as n reaches from -150 to 128 and one exponent from -126 to 127.
        let half = ashr(n, int(1, n.type))
        return fmul(fmul(power, powerOfTwo(half)), powerOfTwo(sub(n, half)))
    }

    /// The natural logarithm: within 1 ulp, also of subnormals; -∞ of 0 and NaN below.
    package func log(_ x: Value) -> Value {
        let type = x.type, bits = module.vector(module.i32, type.lanes)
        // Subnormals are lifted by 2^25 into the normal range.
        let isSmall = fcmp(.olt, x, float(0x1p-126, type))
        let scaled = select(isSmall, fmul(x, float(0x1p25, type)), x)
        // x = 2^e · (1 + f) with 1 + f from √½ to √2: the exponent is counted from √½.
        let fromRoot = sub(bitcast(scaled, bits), int(0x3f35_04f3, bits))
        let mantissa = add(and(fromRoot, int(0x007f_ffff, bits)), int(0x3f35_04f3, bits))
        let f = fsub(bitcast(mantissa, type), float(1, type))
        let lift = select(isSmall, int(-25, bits), int(0, bits))
        let e = sitofp(add(ashr(fromRoot, int(23, bits)), lift), type)
        // log(1 + f) = f - f²/2 + f³·p(f), relative error 4e-9.
        let p = polynomial(
            f,
            [
                0.3333333117, -0.2499999399, 0.2000071477, -0.1666805728, 0.1424932234, -0.1242014898,
                0.1167701168, -0.1151455980, 0.0703758612,
            ])
        let square = fmul(f, f)
        var rest = fmul(fmul(square, f), p)
        rest = fma(e, float(0x1.7f7d1cp-20, type), rest)
        rest = fma(square, float(-0.5, type), rest)
        let result = fma(e, float(0x1.62e4p-1, type), fadd(f, rest))
        let finite = select(fcmp(.olt, x, float(.infinity, type)), result, x)
        let positive = select(fcmp(.oeq, x, zero(type)), float(-.infinity, type), finite)
        return select(fcmp(.olt, x, zero(type)), float(.nan, type), positive)
    }

    /// The hyperbolic tangent: absolute error 9e-8, relative error 1.8e-7, and never beyond ±1.
    package func tanh(_ x: Value) -> Value {
        // From 9.02 on the result rounds to 1.
        let magnitude = atMost(fabs(x), 9.02)
        // With y = 2|x|, tanh(y/2) = (e^y - 1) / (e^y + 1), and e^y - 1 = 2^n·(e^r - 1) + (2^n - 1) loses nothing near
        // 0.
        let y = fmul(magnitude, float(2, x.type))
        let (count, n) = nearestInteger(y, times: 1.4426950408889634)
        let r = fma(count, float(-0.6931471805599453, x.type), y)
        let scale = powerOfTwo(n), one = float(1, x.type)
        let difference = fma(scale, exponentialMinusOne(r), fsub(scale, one))
        return withSign(of: x, fdiv(difference, fadd(difference, float(2, x.type))))
    }

    /// The error function: absolute error 1.3e-7, relative error 3.5e-7, and never beyond ±1.
    package func erf(_ x: Value) -> Value {
        // erf x = 1 − 1/(1 + d)⁸ with d = x·s(x), s of degree 8, to 2e-8 (the form of Abramowitz and Stegun 7.1.28);
        // the result rounds to 1 from 4 on. (1 + d)² − 1 = d² + 2d loses nothing near 0.
        let magnitude = atMost(fabs(x), 4)
        let s = polynomial(
            magnitude,
            [
                0.1410473984, 0.08952441234, 0.02454219993, 0.003374011928, 0.001328154537, 2.628560744e-4,
                3.165848305e-5, -3.269883871e-6, 4.669743272e-6,
            ])
        let eighth = (0..<3).reduce(fmul(magnitude, s)) { d, _ in fma(d, d, fadd(d, d)) }
        return withSign(of: x, fdiv(eighth, fadd(eighth, float(1, x.type))))
    }

    /// The sine: within 2.3 ulp for |x| up to 10 000.
    package func sin(_ x: Value) -> Value { sine(x, quarterTurns: 0) }

    /// The cosine: within 2.3 ulp for |x| up to 10 000.
    package func cos(_ x: Value) -> Value { sine(x, quarterTurns: 1) }

    /// 1/√x, the division and the root each rounded.
    package func rsqrt(_ x: Value) -> Value { fdiv(float(1, x.type), sqrt(x)) }

    // MARK: Parts

    /// The polynomial with the given coefficients, the constant one first.
    func polynomial(_ x: Value, _ coefficients: [Double]) -> Value {
        let highest = float(coefficients[coefficients.count - 1], x.type)
        return coefficients.dropLast().reversed().reduce(highest) { fma($0, x, float($1, x.type)) }
    }

    /// The lesser of x and a limit; NaN stays, unlike with the operands the other way round.
    private func atMost(_ x: Value, _ limit: Double) -> Value {
        let limit = float(limit, x.type)
        return select(fcmp(.ogt, x, limit), limit, x)
    }

    /// The greater of x and a limit; NaN stays.
    private func atLeast(_ x: Value, _ limit: Double) -> Value {
        let limit = float(limit, x.type)
        return select(fcmp(.olt, x, limit), limit, x)
    }

    /// The integer nearest to x·factor (f32, below 2^22), as float and as i32.
    private func nearestInteger(_ x: Value, times factor: Double) -> (Value, Value) {
        // Next to 1.5·2^23 floats are whole numbers, and the integer stands in their low bits.
        let magic = float(0x1.8p23, x.type)
        let bits = module.vector(module.i32, x.type.lanes)
        let shifted = fma(x, float(factor, x.type), magic)
        return (fsub(shifted, magic), sub(bitcast(shifted, bits), int(0x4b40_0000, bits)))
    }

    /// 2^n as f32, for n (i32) from -126 to 127.
    private func powerOfTwo(_ n: Value) -> Value {
        let biased = add(n, int(127, n.type))
        return bitcast(shl(biased, int(23, n.type)), module.vector(module.f32, n.type.lanes))
    }

    /// x · 2^n for whole numbers n, rounded once, by AVX-512's own instruction.
    private func scaled(_ x: Value, byPowerOf n: Value) -> Value {
        let (all, rounding) = (int(-1, module.i16), int(4, module.i32))  // 4: as the processor is set to round
        return inParts([x, n], lanes: 16) {
            intrinsic("llvm.x86.avx512.mask.scalef.ps.512", overloads: [], [$0[0], $0[1], $0[0], all, rounding])
        }
    }

    /// The magnitude with the sign of x.
    private func withSign(of x: Value, _ magnitude: Value) -> Value {
        intrinsic("llvm.copysign", overloads: [x.type], [magnitude, x])
    }

    /// e^r - 1 for |r| ≤ ln 2 / 2.
    private func exponentialMinusOne(_ r: Value) -> Value {
        // r + r²·q(r), degree 6; the error is 8e-9 of e^r.
        let q = polynomial(r, [0.4999999955, 0.1666657696, 0.0416668541, 0.0083632000, 0.0013901306])
        return fma(fmul(r, r), q, r)
    }

    /// The sine of x and a number of quarter turns.
    private func sine(_ x: Value, quarterTurns: Int) -> Value {
        let type = x.type
        let (count, n) = nearestInteger(x, times: 0.6366197723675814)
        // r = x - n·π/2, |r| ≤ π/4; the parts of π/2 are short, so that n·part is exact without FMA too.
        let minusHalfPi = [-0x1.92p+0, -0x1.fb4p-12, -0x1.444p-24, -0x1.68c234p-39]
        let r = minusHalfPi.reduce(x) { fma(count, float($1, type), $0) }
        let square = fmul(r, r)
        // sin r = r + r³·s(r²), relative error 2e-8; cos r = 1 - r²/2 + r⁴·c(r²), 1e-9.
        let s = polynomial(square, [-0.1666666451, 0.008332721134, -1.958227868e-4])
        let sine = fma(fmul(r, square), s, r)
        let c = polynomial(square, [0.0416666645, -0.001388827714, 2.454252354e-5])
        let cosine = fma(fmul(square, square), c, fma(square, float(-0.5, type), float(1, type)))
        // Odd quarters swap sine and cosine, the second half of the turn is negative.
        let quarter = add(n, int(quarterTurns, n.type))
        let isOdd = icmp(.ne, and(quarter, int(1, n.type)), zero(n.type))
        let sign = shl(and(quarter, int(2, n.type)), int(30, n.type))
        return bitcast(xor(bitcast(select(isOdd, cosine, sine), n.type), sign), type)
    }
}
