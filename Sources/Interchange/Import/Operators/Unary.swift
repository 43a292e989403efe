import ApusIR

extension OperatorTable {
    /// Functions of single elements.
    static let unaryOperators: [String: Operator] = [
        "Abs": unary(abs), "Neg": unary { -$0 }, "Exp": unary(exp), "Log": unary(log), "Sqrt": unary(sqrt),
        "Tanh": unary(tanh), "Erf": unary(erf), "Sin": unary(sin), "Cos": unary(cos),
        "Tan": unary { sin($0) / cos($0) },
        "Floor": unary(floor), "Ceil": unary { -floor(-$0) }, "Round": unary(rounded),
        "Reciprocal": unary { 1 / $0 }, "Sign": unary(sign),
        "Relu": unary(relu), "Sigmoid": unary(sigmoid), "Softplus": unary { softplus($0) }, "Softsign": unary(softsign),
        "HardSwish": unary(hardswish), "Mish": unary(mish), "Swish": one(swish),
        "Gelu": one { try $0.text("approximate") == "tanh" ? geluTanh($0.tensor(0)) : gelu($0.tensor(0)) },
        "HardSigmoid": one { node in
            let alpha = try node.number("alpha", default: 0.2), beta = try node.number("beta", default: 0.5)
            return clamp(try node.tensor(0) * alpha + beta, 0, 1)
        },
        "LeakyRelu": one { try leakyReLU($0.tensor(0), slope: $0.number("alpha", default: 0.01)) },
        "Elu": one { try elu($0.tensor(0), alpha: $0.number("alpha", default: 1)) },
        "Celu": one { try celu($0.tensor(0), alpha: $0.number("alpha", default: 1)) },
        "Selu": one { node in
            let alpha = try node.number("alpha", default: 1.6732632423543772)
            return elu(try node.tensor(0), alpha: alpha) * (try node.number("gamma", default: 1.0507009873554805))
        },
        "ThresholdedRelu": one { try threshold($0.tensor(0), above: $0.number("alpha", default: 1), otherwise: 0) },
        "Shrink": one(shrink), "PRelu": one(leakyByTensor), "Clip": one(clip),
        "Not": unary { equal($0.cast(.i32), $0.builder.add(Constant(TensorType(.i32, []), splat: 0), [])) },
        "IsNaN": unary { notEqual($0, $0) },
        "IsInf": unary { equal(abs($0), $0.constant(.infinity)) },
        "Cast": one { node in
            let code = try node.castCode()
            guard let element = code.element else {
                throw node.error(.unsupported, "casts to \(code.name), which the graph cannot have")
            }
            return try node.tensor(0).cast(element)
        },
        "CastLike": one { try $0.tensor(0).cast($0.tensor(1).element) },
        "Identity": { [try $0.value(0)] },
        "Dropout": { node in
            if node.has(2), let isTraining = try node.known(2, "whether it is in training"),
                isTraining.values.contains(1)
            {
                throw node.error(.unsupported, "is in training; export the model for inference")
            }
            try node.expectResults(1)
            return [try node.value(0)]
        },
    ]

    /// To the nearest integer; of two, the even one.
    private static func rounded(_ x: Tensor) -> Tensor {
        let near = floor(x + 0.5), odd = near - floor(near * 0.5) * 2
        return select(equal(near - x, x.constant(0.5)), near - odd, near)
    }

    private static func sign(_ x: Tensor) -> Tensor {
        let zero = x.constant(0)
        return select(greater(x, zero), x.constant(1), select(less(x, zero), x.constant(-1), x))
    }

    @Sendable private static func swish(_ node: ImportedNode) throws -> Tensor {
        let x = try node.tensor(0), alpha = try node.number("alpha", default: 1)
        return alpha == 1 ? silu(x) : x * sigmoid(x * alpha)
    }

    @Sendable private static func shrink(_ node: ImportedNode) throws -> Tensor {
        let x = try node.tensor(0), limit = try node.number("lambd", default: 0.5),
            bias = try node.number("bias", default: 0)
        return select(
            less(x, x.constant(-limit)), x + bias, select(greater(x, x.constant(limit)), x - bias, x.constant(0)))
    }

    @Sendable private static func leakyByTensor(_ node: ImportedNode) throws -> Tensor {
        let x = try node.tensor(0)
        return select(less(x, x.constant(0)), x * (try node.tensor(1)), x)
    }

    @Sendable private static func clip(_ node: ImportedNode) throws -> Tensor {
        var x = try node.tensor(0)
        if let lower = try node.optionalTensor(1) { x = maximum(x, lower) }
        if let upper = try node.optionalTensor(2) { x = minimum(x, upper) }
        return x
    }
}
