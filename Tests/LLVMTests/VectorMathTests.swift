import ApusLLVM
import Foundation
import Testing

@Suite struct VectorMathTests {
    typealias Level = TargetDescription.Level

    /// Compiles `c = function(a, b)` over vectors.
    func compile(_ level: Level, _ function: @escaping (Builder, Value, Value) -> Value) throws -> Compiled {
        try Compiled(target(level)) { build, pointers, count in
            build.overVectors(count) { offset, mask, type in
                let a = build.maskedLoad(type, pointers[0], byteOffset: offset, mask: mask)
                let b = build.maskedLoad(type, pointers[1], byteOffset: offset, mask: mask)
                build.maskedStore(function(build, a, b), pointers[2], byteOffset: offset, mask: mask)
            }
        }
    }

    func apply(
        _ level: Level, _ a: [Float], _ b: [Float]? = nil, _ function: @escaping (Builder, Value, Value) -> Value
    ) throws -> [Float] {
        try compile(level, function)(a, b ?? a, into: a, count: a.count)
    }

    /// Floats of a range, by steps of their bits: as many near 0 as further out.
    func floats(_ range: ClosedRange<Float>, step: Int = 1009) -> [Float] {
        func ordered(_ x: Float) -> Int { x < 0 ? -Int(x.magnitude.bitPattern) : Int(x.bitPattern) }
        return stride(from: ordered(range.lowerBound), through: ordered(range.upperBound), by: step).map {
            Float(bitPattern: UInt32($0.magnitude)) * ($0 < 0 ? -1 : 1)
        }
    }

    /// The largest distance from the truth in units of the last place of the truth.
    func worstUlps(_ results: [Float], _ truths: [Double]) -> Double {
        zip(results, truths).map { result, truth -> Double in
            let nearest = Float(truth)
            if result == nearest || result.isNaN && nearest.isNaN { return 0 }
            guard nearest.isFinite, result.isFinite else { return .infinity }
            return abs(Double(result) - truth) / Double(nearest.ulp)
        }.max() ?? 0
    }

    @Test(arguments: try availableLevels())
    func exponential(level: Level) throws {
        let x = floats(-110...95)
        let results = try apply(level, x) { build, x, _ in build.exp(x) }
        #expect(worstUlps(results, x.map { Foundation.exp(Double($0)) }) <= 1.5)
        let special = try apply(level, [-.infinity, .infinity, .nan, 0, -1e30, 1e30]) { build, x, _ in build.exp(x) }
        #expect(Array(special[..<2]) == [0, .infinity] && special[2].isNaN)
        #expect(Array(special[3...]) == [1, 0, .infinity])
    }

    @Test(arguments: try availableLevels())
    func logarithm(level: Level) throws {
        let x = floats(0...Float.greatestFiniteMagnitude) + floats(0.9...1.1, step: 7)
        let results = try apply(level, x) { build, x, _ in build.log(x) }
        #expect(worstUlps(results, x.map { Foundation.log(Double($0)) }) <= 1.5)
        let special = try apply(level, [0, -0.0, .infinity, 1, -1, -.infinity, .nan]) { build, x, _ in build.log(x) }
        #expect(Array(special[..<4]) == [-.infinity, -.infinity, .infinity, 0])
        #expect(special[4...].allSatisfy { $0.isNaN })
    }

    @Test(arguments: try availableLevels())
    func hyperbolicTangent(level: Level) throws {
        let x = floats(-12...12)
        let results = try apply(level, x) { build, x, _ in build.tanh(x) }
        checkOdd(results, x, x.map { Foundation.tanh(Double($0)) })
        try checkLimits(level) { build, x, _ in build.tanh(x) }
    }

    @Test(arguments: try availableLevels())
    func errorFunction(level: Level) throws {
        let x = floats(-6...6)
        let results = try apply(level, x) { build, x, _ in build.erf(x) }
        checkOdd(results, x, x.map { Foundation.erf(Double($0)) })
        try checkLimits(level) { build, x, _ in build.erf(x) }
    }

    func checkOdd(_ results: [Float], _ x: [Float], _ truths: [Double]) {
        let absolute = zip(results, truths).map { abs(Double($0) - $1) }.max()!
        #expect(absolute <= 1.5e-7)
        let normal = zip(results, truths).filter { abs($1) > 1e-37 }
        #expect(normal.map { abs(Double($0) / $1 - 1) }.max()! <= 4e-7)
        #expect(results.allSatisfy { abs($0) <= 1 })
    }

    func checkLimits(_ level: Level, _ function: @escaping (Builder, Value, Value) -> Value) throws {
        let limits = try apply(level, [-.infinity, -1e10, -0.0, 0, 1e10, .infinity, .nan], nil, function)
        #expect(Array(limits[..<6]) == [-1, -1, 0, 0, 1, 1] && limits[6].isNaN)
        #expect(limits[2].sign == .minus)
    }

    @Test(arguments: try availableLevels())
    func sineAndCosine(level: Level) throws {
        let x =
            floats(-10_000...10_000, step: 503) + stride(from: -9_000 as Float, to: 9_000, by: 0.037)
            + (-6000...6000).map { Float(Double($0) * Double.pi / 2) }
        let sines = try apply(level, x) { build, x, _ in build.sin(x) }
        #expect(worstUlps(sines, x.map { Foundation.sin(Double($0)) }) <= 2.3)
        let cosines = try apply(level, x) { build, x, _ in build.cos(x) }
        #expect(worstUlps(cosines, x.map { Foundation.cos(Double($0)) }) <= 2.3)
        let special = try apply(level, [.infinity, -.infinity, .nan]) { build, x, _ in build.sin(x) }
        #expect(special.allSatisfy { $0.isNaN })
    }

    @Test(arguments: try availableLevels())
    func power(level: Level) throws {
        let bases = floats(1e-30...1e30, step: 1_000_003) + floats(0.5...2, step: 100_003) + [1e-42, 3e38]
        let exponents = floats(-40...40, step: 20_000_003) + [0.5, 2, -1, 3, 1000, -2000]
        let a = bases.flatMap { Array(repeating: $0, count: exponents.count) }
        let b = bases.flatMap { _ in exponents }
        let results = try apply(level, a, b) { build, x, y in build.pow(x, y) }
        #expect(worstUlps(results, zip(a, b).map { Foundation.pow(Double($0), Double($1)) }) <= 1)
    }

    @Test(arguments: try availableLevels())
    func powerOfSpecialNumbers(level: Level) throws {
        let values: [Float] = [
            -.infinity, -16_777_216, -3, -2.5, -2, -1, -0.5, -0.0, 0, 0.5, 1, 1.5, 2, 3, 16_777_215, .infinity, .nan,
        ]
        let a = values.flatMap { Array(repeating: $0, count: values.count) }, b = values.flatMap { _ in values }
        let results = try apply(level, a, b) { build, x, y in build.pow(x, y) }
        for ((x, y), result) in zip(zip(a, b), results) {
            let truth = Foundation.pow(x, y)
            let agrees = truth.isNaN ? result.isNaN : abs(result - truth) <= truth.ulp || result == truth
            #expect(agrees && (truth.isNaN || result.sign == truth.sign), "\(x) to the \(y) is \(truth), not \(result)")
        }
    }

    @Test(arguments: try availableLevels())
    func roots(level: Level) throws {
        let x = floats(1e-37...1e37)
        let roots = try apply(level, x) { build, x, _ in build.sqrt(x) }
        #expect(roots == x.map { $0.squareRoot() })
        let inverses = try apply(level, x) { build, x, _ in build.rsqrt(x) }
        #expect(inverses == x.map { 1 / $0.squareRoot() })
        let y = floats(-1e6...1e6, step: 100_003)
        let below = try apply(level, y) { build, x, _ in build.floor(x) }
        #expect(below == y.map { $0.rounded(.down) })
        let above = try apply(level, y) { build, x, _ in build.ceil(x) }
        #expect(above == y.map { $0.rounded(.up) })
        let special: [Float] = [
            0, -0.0, 0.3, -0.3, 1, -1, 0.99999994, -0.99999994, 8_388_607.5, -8_388_607.5, 8_388_608, -8_388_609,
            .leastNonzeroMagnitude,
            -Float.leastNonzeroMagnitude,
            3e38, .infinity, -.infinity, .nan,
        ]
        func bits(_ numbers: [Float]) -> [UInt32] { numbers.map { $0.isNaN ? 0 : $0.bitPattern } }
        #expect(
            bits(try apply(level, special) { build, x, _ in build.floor(x) }) == bits(special.map { $0.rounded(.down) })
        )
        #expect(
            bits(try apply(level, special) { build, x, _ in build.ceil(x) }) == bits(special.map { $0.rounded(.up) }))
        let sizes = try apply(level, y) { build, x, _ in build.fabs(x) }
        #expect(sizes == y.map(\.magnitude))
    }

    @Test(arguments: try availableLevels())
    func brainFloats(level: Level) throws {
        let pairs: [(given: UInt32, expected: UInt32)] = [
            (0x3f80_8000, 0x3f80_0000), (0x3f81_8000, 0x3f82_0000), (0x3f80_8001, 0x3f81_0000),
            (0x3f80_7fff, 0x3f80_0000), (0x0000_8000, 0), (0x7f7f_ffff, 0x7f80_0000),
            (0x7f80_0000, 0x7f80_0000), (0xff80_0000, 0xff80_0000),
            // Below the normal numbers there is only 0.
            (0x0080_0000, 0x0080_0000), (0x007f_ffff, 0), (0x0041_8000, 0), (0x8000_0000, 0x8000_0000),
            (0x807f_ffff, 0x8000_0000),
        ]
        let rounded = try thereAndBack(level, pairs.map { Float(bitPattern: $0.given) })
        #expect(rounded.map(\.bitPattern) == pairs.map(\.expected))
        let nans = [0x7f80_0001, 0x7fff_ffff, 0xffff_ffff].map { Float(bitPattern: $0) }
        #expect(try thereAndBack(level, nans).allSatisfy { $0.isNaN })
        let x = floats(-1e30...1e30)
        let back = try thereAndBack(level, x)
        #expect(zip(x, back).allSatisfy { abs($0 - $1) <= max(abs($0) / 256, 0x1p-126) && $1.bitPattern & 0xffff == 0 })
    }

    /// Floats rounded to bfloat16 and read again.
    func thereAndBack(_ level: Level, _ x: [Float]) throws -> [Float] {
        try apply(level, x) { build, x, _ in build.extendBFloat16(build.roundToBFloat16(x)) }
    }

    /// Vectors wider than the machine's are computed part by part, to the same bits.
    @Test(arguments: try availableLevels())
    func widerVectorsGiveTheSameBits(level: Level) throws {
        let lanes = try target(level).lanes()
        let x = (0..<4 * lanes).map { (Float($0) - Float(2 * lanes)) * 1.37 + 0.01 }
        func compute(_ width: Int) throws -> [UInt32] {
            let kernel = try Compiled(target(level)) { build, pointers, count in
                let module = build.module, type = module.vector(module.f32, width)
                build.loop(from: build.int(0, module.i64), to: count, step: build.int(width, module.i64)) { index, _ in
                    let place = build.mul(index, build.int(4, module.i64)),
                        value = build.load(type, pointers[0], byteOffset: place)
                    let power = build.exp(build.fmul(value, build.float(0.3, type)))
                    build.store(
                        build.fadd(power, build.extendBFloat16(build.roundToBFloat16(value))), pointers[2],
                        byteOffset: place)
                    return []
                }
            }
            return kernel(x, [Float](), into: x, count: x.count).map(\.bitPattern)
        }
        let narrow = try compute(lanes)
        #expect(try compute(2 * lanes) == narrow)
        #expect(try compute(4 * lanes) == narrow)
    }

    @Test(arguments: try availableLevels())
    func nothingCallsALibrary(level: Level) throws {
        let functions: [(Builder, Value) -> Value] = [
            { $0.exp($1) }, { $0.log($1) }, { $0.tanh($1) }, { $0.erf($1) }, { $0.sin($1) }, { $0.cos($1) },
            { $0.pow($1, $1) }, { $0.rsqrt($1) }, { $0.roundToBFloat16($1) },
        ]
        let module = Module(name: "functions", target: try target(level))
        for (number, function) in functions.enumerated() {
            let kernel = module.addFunction("f\(number)", parameters: [module.pointer], returns: module.void)
            let build = Builder(module, function: kernel)
            let x = build.load(module.vector(module.f32, module.target.lanes()), kernel.parameters[0])
            build.store(function(build, x), kernel.parameters[0])
            build.ret()
        }
        try module.optimize(passes: "default<O2>")
        let object = String(decoding: try module.object(), as: UTF8.self)
        for name in ["expf", "logf", "tanhf", "erff", "sinf", "cosf", "powf", "sqrtf", "fmaf", "fma"] {
            #expect(!object.contains("\0\(name)\0"), "\(name)")
        }
    }
}
