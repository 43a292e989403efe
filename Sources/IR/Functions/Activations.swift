/// The larger of each element and 0; the gradient at exactly 0 is 0, and NaN stays NaN, as in PyTorch.
public func relu(_ x: Tensor) -> Tensor {
    x.within("relu") { select(lessEqual(x, x.constant(0)), x.constant(0), x) }
}

/// 1 / (1 + exp(−x)), written with tanh so that it neither overflows nor cancels.
public func sigmoid(_ x: Tensor) -> Tensor {
    x.within("sigmoid") { tanh(x * 0.5) * 0.5 + 0.5 }
}

/// log(sigmoid(x)), without overflow.
public func logSigmoid(_ x: Tensor) -> Tensor {
    x.within("logSigmoid") { -softplus(-x) }
}

/// x · sigmoid(x), also called swish (Elfwing, Uchibe, Doya 2017).
public func silu(_ x: Tensor) -> Tensor {
    x.within("silu") { x * sigmoid(x) }
}

/// x · tanh(softplus(x)) (Misra 2019).
public func mish(_ x: Tensor) -> Tensor {
    x.within("mish") { x * tanh(softplus(x)) }
}

/// The approximation of GELU by tanh: x/2 · (1 + tanh(√(2/π) · (x + 0.044715 · x³))) (Hendrycks and Gimpel 2016).
public func geluTanh(_ x: Tensor) -> Tensor {
    x.within("geluTanh") { x * 0.5 * (tanh((x + x * x * x * 0.044715) * (2 / Double.pi).squareRoot()) + 1) }
}

/// x where it is above 0, elsewhere `slope` · x (Maas, Hannun, Ng 2013).
public func leakyReLU(_ x: Tensor, slope: Double = 0.01) -> Tensor {
    x.within("leakyReLU") { select(greater(x, x.constant(0)), x, x * slope) }
}

/// x where it is above 0, elsewhere α · (exp(x) − 1) (Clevert, Unterthiner, Hochreiter 2015).
public func elu(_ x: Tensor, alpha: Double = 1) -> Tensor {
    x.within("elu") { select(greater(x, x.constant(0)), x, exponentialMinusOne(x) * alpha) }
}

/// x where it is above 0, elsewhere α · (exp(x / α) − 1) (Barron 2017).
public func celu(_ x: Tensor, alpha: Double = 1) -> Tensor {
    x.within("celu") { select(greater(x, x.constant(0)), x, exponentialMinusOne(x * (1 / alpha)) * alpha) }
}

/// λ · elu(x) with the constants that keep mean and variance (Klambauer et al. 2017).
public func selu(_ x: Tensor) -> Tensor {
    x.within("selu") { elu(x, alpha: 1.6732632423543772848170429916717) * 1.0507009873554804934193349852946 }
}

/// exp(x) − 1 for x up to 0, where it loses no digits; of larger ones, that of 0.
///
/// With t = tanh(x / 2) it is 2t / (1 − t), whose divisor is from 1 to 2.
private func exponentialMinusOne(_ x: Tensor) -> Tensor {
    let t = tanh(select(greater(x, x.constant(0)), x.constant(0), x) * 0.5)
    return t * 2 / (1 - t)
}

/// x / (1 + |x|).
public func softsign(_ x: Tensor) -> Tensor {
    x.within("softsign") { x / (abs(x) + 1) }
}

/// x − tanh(x).
public func tanhshrink(_ x: Tensor) -> Tensor {
    x.within("tanhshrink") { x - tanh(x) }
}

/// x where |x| is above λ, elsewhere 0.
public func hardshrink(_ x: Tensor, lambda: Double = 0.5) -> Tensor {
    x.within("hardshrink") { select(greater(abs(x), x.constant(lambda)), x, x.constant(0)) }
}

/// x brought nearer to 0 by λ, and 0 where |x| is not above λ.
public func softshrink(_ x: Tensor, lambda: Double = 0.5) -> Tensor {
    x.within("softshrink") {
        let zero = x.constant(0)
        return select(
            greater(x, x.constant(lambda)), x - lambda, select(less(x, x.constant(-lambda)), x + lambda, zero))
    }
}

/// x where it is above the threshold, elsewhere the value.
public func threshold(_ x: Tensor, above threshold: Double, otherwise value: Double) -> Tensor {
    x.within("threshold") { select(greater(x, x.constant(threshold)), x, x.constant(value)) }
}

/// Each element brought into lower...upper, such as `hardtanh`; the gradient outside is 0.
public func clamp(_ x: Tensor, _ lower: Double = -.infinity, _ upper: Double = .infinity) -> Tensor {
    x.within("clamp") {
        guard x.isValid else { return x }
        guard lower <= upper else {
            return x.mistake("clamp", "there is no number from \(lower) to \(upper)", .attribute)
        }
        var y = x
        // At a bound itself, the gradient goes through, as in PyTorch's `clamp`.
        if lower > -.infinity { y = select(less(y, y.constant(lower)), y.constant(lower), y) }
        if upper < .infinity { y = select(greater(y, y.constant(upper)), y.constant(upper), y) }
        return y
    }
}

/// x brought into lower...upper, whose gradient at the bounds is 0, as PyTorch's `hardtanh`.
public func hardtanh(_ x: Tensor, _ lower: Double = -1, _ upper: Double = 1) -> Tensor {
    x.within("hardtanh") {
        let low = x.constant(lower), high = x.constant(upper)
        return select(lessEqual(x, low), low, select(greaterEqual(x, high), high, x))
    }
}

/// relu(x), but 6 at most (Howard et al. 2017).
public func relu6(_ x: Tensor) -> Tensor {
    x.within("relu6") { hardtanh(x, 0, 6) }
}

/// (x + 3) / 6, brought into 0...1 (Howard et al. 2019).
public func hardsigmoid(_ x: Tensor) -> Tensor {
    x.within("hardsigmoid") {
        let zero = x.constant(0), one = x.constant(1)
        return select(
            lessEqual(x, x.constant(-3)), zero, select(greaterEqual(x, x.constant(3)), one, x * (1 / 6.0) + 0.5))
    }
}

/// x · hardsigmoid(x) (Howard et al. 2019).
public func hardswish(_ x: Tensor) -> Tensor {
    x.within("hardswish") {
        let zero = x.constant(0)
        return select(
            lessEqual(x, x.constant(-3)), zero, select(greaterEqual(x, x.constant(3)), x, x * (x + 3) * (1 / 6.0)))
    }
}

/// The first half of an axis times the sigmoid of the second (Dauphin et al. 2016).
public func glu(_ x: Tensor, axis: Int = -1) -> Tensor {
    x.within("glu") {
        guard x.isValid else { return x }
        let place = x.axis(axis)
        guard x.shape.indices.contains(place), x.shape[place] % 2 == 0 else {
            return x.mistake("glu", "takes an axis of even extent; axis \(axis) of \(shapeText(x.shape)) is not")
        }
        let half = x.shape[place] / 2
        return x.slice(0..<half, axis: place) * sigmoid(x.slice(half..<2 * half, axis: place))
    }
}
