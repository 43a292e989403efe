import ApusIR

extension GraphGrower {
    mutating func growUnary() {
        switch random.integer(0...17) {
        case 0:
            let x = value()
            keep(-x.tensor, bound: x.bound, exact: x.exact)
        case 1:
            let x = kinkable()
            keep(abs(x.tensor), bound: x.bound, exact: x.exact)
        case 2, 3:
            let x = value(), scale = x.bound > 3 ? 3 / x.bound : 1
            keep(exp(scale == 1 ? x.tensor : x.tensor * scale), bound: 20.1)
        case 4:
            let x = value()
            keep(log(x.tensor * x.tensor + 0.5), bound: 7)
        case 5:
            let x = value()
            keep(sqrt(x.tensor * x.tensor + 0.25), bound: x.bound + 0.5)
        case 6: keep(tanh(value().tensor), bound: 1)
        case 7: keep(erf(value().tensor), bound: 1)
        case 8: keep(sin(value().tensor), bound: 1)
        case 9: keep(cos(value().tensor), bound: 1)
        case 10:
            let x = exactValue()
            keep(floor(x.tensor), bound: x.bound + 1, exact: true)
        case 11:
            let x = value()
            let base = tanh(x.tensor) * 0.75 + 1.25
            keep(power(base, random.pick([-1.5, 0.5, 2, 3.25])), bound: 15)
        case 12:
            let x = value()
            keep(gelu(x.tensor), bound: x.bound)
        case 13:
            let x = value()
            keep(softplus(x.tensor), bound: x.bound + 1)
        case 14: keep(sigmoid(value().tensor), bound: 1)
        case 15:
            let x = value()
            keep(silu(x.tensor), bound: x.bound)
        case 16:
            let x = kinkable()
            keep(relu(x.tensor), bound: x.bound, exact: x.exact)
        default:
            let x = value(), factor = random.pick([-1.75, -1, 0.1, 0.5, 1, 3]), offset = random.pick([-1, 0, 0.3, 2.0])
            keep(x.tensor * factor + offset, bound: Swift.abs(factor) * x.bound + Swift.abs(offset))
        }
    }

    /// A second operand: a value of the same shape, or a new input that is broadcast.
    mutating func partner(of x: Grown, exact: Bool) -> Grown {
        let fitting = pool.filter { $0.tensor.shape == x.tensor.shape && ($0.exact || !exact) }
        if let found = fitting.randomElement(using: &random), random.chance(0.6) { return found }
        let dropped = random.chance(0.5) ? random.integer(0...x.tensor.rank) : 0
        var shape = Array(x.tensor.shape.dropFirst(dropped))
        for axis in shape.indices where random.chance(0.3) { shape[axis] = 1 }
        return fresh(shape)
    }

    mutating func growBinary() {
        switch random.integer(0...8) {
        case 0, 1:
            let x = value(), y = partner(of: x, exact: false)
            keep(x.tensor + y.tensor, bound: x.bound + y.bound, exact: x.exact && y.exact)
        case 2:
            let x = value(), y = partner(of: x, exact: false)
            keep(y.tensor - x.tensor, bound: x.bound + y.bound, exact: x.exact && y.exact)
        case 3, 4:
            let x = value(), y = partner(of: x, exact: false)
            keep(x.tensor * y.tensor, bound: x.bound * y.bound)
        case 5:
            let x = value(), y = partner(of: x, exact: false)
            keep(x.tensor / (y.tensor * y.tensor + 0.5), bound: 2 * x.bound)
        case 6:
            let x = kinkable(), y = partner(of: x, exact: smooth)
            keep(maximum(x.tensor, y.tensor), bound: max(x.bound, y.bound), exact: x.exact && y.exact)
        case 7:
            let x = kinkable(), y = partner(of: x, exact: smooth)
            keep(minimum(x.tensor, y.tensor), bound: max(x.bound, y.bound), exact: x.exact && y.exact)
        default:
            let x = value(), y = partner(of: x, exact: false)
            keep(power(sigmoid(x.tensor) + 0.5, tanh(y.tensor) * 2), bound: 4)
        }
    }

    mutating func growSelect() {
        let x = exactValue(), y = partner(of: x, exact: true)
        let direction = random.pick(Compare.Direction.allCases)
        let condition = x.tensor.binary(Compare(direction), y.tensor)
        if random.chance(0.2) {
            keep(condition.cast(.f32), bound: 1, exact: true)
        } else {
            let z = pool.filter { $0.tensor.shape == condition.shape }.randomElement(using: &random) ?? x
            keep(select(condition, z.tensor, y.tensor), bound: max(z.bound, y.bound), exact: z.exact && y.exact)
        }
    }

    /// Integer arithmetic within small bounds, casts in both directions.
    mutating func growIntegers() {
        switch random.integer(0...4) {
        case 0:
            let x = exactValue()
            let whole = x.tensor.cast(.i32)
            integers.append(whole)
            keep(whole.cast(.f32), bound: x.bound, exact: true)
        case 1:
            let i = input(.i32, shape(rank: 1...3)), j = input(.i32, [1])
            integers.append(minimum(maximum(i - j * 2.0, -60), 60.0))
            keep(i.cast(.f32) * 0.25, bound: 15, exact: true)
        case 2:
            let i = input(.i32, shape(rank: 2...3))
            let largest = maximum(i, axes: [random.integer(0...i.rank - 1)])
            integers.append(largest)
            keep(less(largest, largest.constant(30)).cast(.f32), bound: 1, exact: true)
        case 3:
            let x = exactValue()
            guard x.tensor.rank > 0 else { return }
            integers.append(argmax(x.tensor))
        default:
            let condition = input(.bool, shape(rank: 1...3))
            let x = fresh(condition.shape)
            keep(select(condition, x.tensor, -x.tensor), bound: 2, exact: true)
        }
    }

    private mutating func constants(_ type: TensorType) -> [Double] {
        randomTensor(type, &random, denominator: configuration.leafDenominator).values
    }

    mutating func growLeaf() {
        let shape = shape(rank: 1...3)
        switch random.integer(0...3) {
        case 0:
            let counted = builder.add(Iota(TensorType(.f32, shape), axis: random.integer(0...shape.count - 1)), [])
            keep(counted * 0.25, bound: 12.5, exact: true)
        case 1:
            let type = TensorType(.f32, shape)
            keep(builder.add(Constant(type, values: constants(type)), []), bound: 2, exact: true)
        case 2: keep(randomUniform(shape, key: input(.i32, [2]), stream: random.integer(0...9)), bound: 1)
        default: plant()
        }
    }
}
