/// The larger of each element and 0; the gradient at exactly 0 is 0, and NaN stays NaN, as in PyTorch.
public func relu(_ x: Tensor) -> Tensor { select(lessEqual(x, x.constant(0)), x.constant(0), x) }

/// 1 / (1 + exp(−x)), written with tanh so that it neither overflows nor cancels.
public func sigmoid(_ x: Tensor) -> Tensor { tanh(x * 0.5) * 0.5 + 0.5 }

/// x · sigmoid(x), also called swish (Elfwing, Uchibe, Doya 2017).
public func silu(_ x: Tensor) -> Tensor { x * sigmoid(x) }
