import ApusLLVM
import Testing

@Suite struct BuilderTests {
    @Test(arguments: try availableLevels())
    func addsArraysWithAMaskedTail(level: TargetDescription.Level) throws {
        let add = try Compiled(target(level)) { build, pointers, count in
            build.overVectors(count) { offset, mask, type in
                let a = build.maskedLoad(type, pointers[0], byteOffset: offset, mask: mask)
                let b = build.maskedLoad(type, pointers[1], byteOffset: offset, mask: mask)
                build.maskedStore(build.fadd(a, b), pointers[2], byteOffset: offset, mask: mask)
            }
        }
        for count in [0, 1, 5, 16, 17, 40] {
            let a = (0..<40).map { Float($0) }, b = (0..<40).map { Float(100 * $0) }
            let sums = add(a, b, into: [Float](repeating: -1, count: 40), count: count)
            #expect(sums == (0..<40).map { $0 < count ? Float(101 * $0) : -1 })
        }
    }

    @Test(arguments: try availableLevels())
    func gathersAndScattersWhereTheMaskHolds(level: TargetDescription.Level) throws {
        // c[2 i] = a[b[i]], for the active lanes only.
        let lanes = try target(level).lanes()
        for wide in [false, true] {
            let move = try Compiled(target(level)) { build, pointers, count in
                let module = build.module
                let mask = build.laneMask(count: count, lanes: lanes)
                var indices = build.load(module.vector(module.i32, lanes), pointers[1])
                if wide { indices = build.sext(indices, module.vector(module.i64, lanes)) }
                let values = build.gather(module.f32, pointers[0], indices: indices, mask: mask)
                let places = build.mul(build.iota(lanes, module.i32), build.int(2, module.vector(module.i32, lanes)))
                build.scatter(values, pointers[2], indices: places, mask: mask)
            }
            let source = (0..<100).map { Float($0) }
            let indices = (0..<lanes).map { Int32(99 - 3 * $0) }
            for count in Set([0, 1, lanes - 1, lanes]) {
                let moved = move(source, indices, into: [Float](repeating: -1, count: 2 * lanes), count: count)
                let expected = (0..<2 * lanes).map {
                    $0.isMultiple(of: 2) && $0 / 2 < count ? Float(99 - 3 * ($0 / 2)) : -1
                }
                #expect(moved == expected)
            }
        }
    }

    @Test(arguments: [1, 2, 4, 6, 12, 16])
    func reducesLanesInAFixedOrder(lanes: Int) throws {
        let host = try TargetDescription.host()
        let reduce = try Compiled(host) { build, pointers, _ in
            let module = build.module
            let floats = build.load(module.vector(module.f32, lanes), pointers[0])
            let ints = build.load(module.vector(module.i32, lanes), pointers[1])
            let results =
                [Reduction.add, .mul, .max, .min].map { build.reduce($0, floats) }
                + [Reduction.add, .max, .min, .or].map { build.sitofp(build.reduce($0, ints), module.f32) }
            for (place, result) in results.enumerated() {
                build.store(result, pointers[2], byteOffset: build.int(4 * place, module.i64))
            }
        }
        let floats = (0..<lanes).map { 0.1 + Float(($0 * 7) % 5) }
        let ints = (0..<lanes).map { Int32(1 << ($0 % 20)) }
        let results = reduce(floats, ints, into: [Float](repeating: 0, count: 8), count: 0)

        func tree(_ values: [Float], _ join: (Float, Float) -> Float) -> Float {
            var values = values
            while values.count > 2, values.count.isMultiple(of: 2) {
                let half = values.count / 2
                values = (0..<half).map { join(values[$0], values[$0 + half]) }
            }
            return values.dropFirst().reduce(values[0], join)
        }
        let expected: [Float] = [
            tree(floats, +), tree(floats, *), floats.max()!, floats.min()!,
            Float(ints.reduce(0, +)), Float(ints.max()!), Float(ints.min()!), Float(ints.reduce(0, |)),
        ]
        #expect(results == expected)
    }

    @Test(arguments: try availableLevels())
    func minAndMaxPropagateNaN(level: TargetDescription.Level) throws {
        let choose = try Compiled(target(level)) { build, pointers, count in
            let module = build.module, lanes = module.target.lanes()
            let type = module.vector(module.f32, lanes), step = build.int(4 * lanes, module.i64)
            build.loop(from: build.int(0, module.i64), to: count, step: step) { offset, _ in
                let a = build.load(type, pointers[0], byteOffset: offset)
                let b = build.load(type, pointers[1], byteOffset: offset)
                build.store(build.fmin(a, b), pointers[2], byteOffset: offset)
                build.store(build.fmax(a, b), pointers[2], byteOffset: build.add(offset, count))
                return []
            }
        }
        let values: [Float] = [-.infinity, -1, 0, 2, .infinity, .nan, -3, 5]
        let a = values.flatMap { Array(repeating: $0, count: 8) }, b = values.flatMap { _ in values }
        let chosen = choose(a, b, into: [Float](repeating: 0, count: 128), count: 256)
        for place in 0..<64 {
            let isNaN = a[place].isNaN || b[place].isNaN
            #expect(isNaN ? chosen[place].isNaN : chosen[place] == min(a[place], b[place]))
            #expect(isNaN ? chosen[64 + place].isNaN : chosen[64 + place] == max(a[place], b[place]))
        }
    }

    @Test func carriesValuesThroughLoopsAndBranches() throws {
        // c[0] = the sum of the even numbers below count, minus the odd ones; c[1] = 7 if count > 3.
        let kernel = try Compiled(try TargetDescription.host()) { build, pointers, count in
            let i64 = build.module.i64, zero = build.int(0, build.module.i64)
            let scratch = build.alloca(i64, count: 4)
            let sum = build.loop(from: zero, to: count, step: build.int(1, i64), carrying: [zero]) { index, carried in
                let isEven = build.icmp(.eq, build.and(index, build.int(1, i64)), zero)
                return build.ifThenElse(
                    isEven, then: { [build.add(carried[0], index)] }, else: { [build.sub(carried[0], index)] })
            }
            build.store(sum[0], scratch)
            build.store(build.load(i64, scratch), pointers[2])
            build.ifThen(build.icmp(.sgt, count, build.int(3, i64))) {
                build.store(build.int(7, i64), pointers[2], byteOffset: build.int(8, i64))
            }
        }
        let none: [Int] = []
        #expect(kernel(none, none, into: [1, 1], count: 0) == [0, 1])
        #expect(kernel(none, none, into: [1, 1], count: 3) == [1, 1])
        #expect(kernel(none, none, into: [1, 1], count: 10) == [-5, 7])
    }

    @Test func callsFunctionsOfTheModule() throws {
        let kernel = try Compiled(try TargetDescription.host()) { build, pointers, count in
            let module = build.module
            let double = module.addFunction("double", parameters: [module.i64], returns: module.i64)
            let inside = Builder(module, function: double)
            inside.ret(inside.add(double.parameters[0], double.parameters[0]))
            build.store(build.call(double, [count]), pointers[2])
            #expect(module.function(named: "double") != nil)
            #expect(module.function(named: "triple") == nil)
        }
        #expect(kernel([0], [0], into: [1, 1], count: 8) == [16, 1])
    }
}
