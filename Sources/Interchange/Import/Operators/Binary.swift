import ApusIR

extension OperatorTable {
    /// Functions of elements at the same place of several operands, which are broadcast together.
    static let binaryOperators: [String: Operator] = [
        "Add": binary(+), "Sub": binary(-), "Mul": binary(*),
        "Div": one { node in
            let (x, y) = (try node.tensor(0), try node.tensor(1))
            guard x.element.isFloatingPoint || !x.isValid else {
                throw node.error(.unsupported, "divides integers that depend on the input's numbers")
            }
            return x / y
        },
        "Mod": one(remainder), "Pow": one(raised),
        "Max": folded(maximum), "Min": folded(minimum), "Sum": folded(+),
        "Mean": one { node in
            let parts = try node.tensors()
            return parts.dropFirst().reduce(parts[0], +) * (1 / Double(parts.count))
        },
        "Equal": comparison(equal), "Less": comparison(less), "LessOrEqual": comparison(lessEqual),
        "Greater": comparison(greater), "GreaterOrEqual": comparison(greaterEqual),
        "And": binary { select($0, $1, truth($0.builder, 0)) },
        "Or": binary { select($0, truth($0.builder, 1), $1) },
        "Xor": binary { notEqual($0.cast(.i32), $1.cast(.i32)) },
        "Where": one { select(try $0.tensor(0), try $0.tensor(1), try $0.tensor(2)) },
    ]

    private static func binary(_ function: @escaping @Sendable (Tensor, Tensor) -> Tensor) -> Operator {
        one { function(try $0.tensor(0), try $0.tensor(1)) }
    }

    private static func folded(_ function: @escaping @Sendable (Tensor, Tensor) -> Tensor) -> Operator {
        one { node in
            let parts = try node.tensors()
            return parts.dropFirst().reduce(parts[0], function)
        }
    }

    /// Truth values are compared as the integers 0 and 1.
    private static func comparison(_ function: @escaping @Sendable (Tensor, Tensor) -> Tensor) -> Operator {
        binary { x, y in
            x.element == .bool && y.element == .bool ? function(x.cast(.i32), y.cast(.i32)) : function(x, y)
        }
    }

    private static func truth(_ builder: GraphBuilder, _ value: Double) -> Tensor {
        builder.add(Constant(TensorType(.bool, []), splat: value), [])
    }

    /// What is left of a division: of the sign of the dividend with `fmod`, else of that of the divisor.
    @Sendable private static func remainder(_ node: ImportedNode) throws -> Tensor {
        let (x, y) = (try node.tensor(0), try node.tensor(1))
        guard x.element.isFloatingPoint else {
            throw node.error(.unsupported, "divides integers that depend on the input's numbers")
        }
        let quotient = x / y
        guard try node.flag("fmod") else { return x - floor(quotient) * y }
        return x - select(less(quotient, quotient.constant(0)), -floor(-quotient), floor(quotient)) * y
    }

    /// A power; those of small whole numbers, which bases of any sign have, are products.
    @Sendable private static func raised(_ node: ImportedNode) throws -> Tensor {
        let x = try node.tensor(0)
        guard let exponent = try? node.known(1, "the exponent")?.splat, try node.shape(1).allSatisfy({ $0 == 1 }),
            try node.shape(1).count <= x.rank
        else { return power(x, try node.tensor(1).cast(x.element)) }
        switch exponent {
        case 0.5: return sqrt(x)
        case -0.5: return 1 / sqrt(x)
        case 1, 2, 3, 4, 5, 6, 7, 8: return (1..<Int(exponent)).reduce(x) { product, _ in product * x }
        case -1, -2, -3, -4: return 1 / (1..<Int(-exponent)).reduce(x) { product, _ in product * x }
        default: return power(x, exponent)
        }
    }
}
