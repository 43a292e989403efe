import ApusIR
import Foundation

/// Rotates pairs of numbers of each head by angles that grow with the place (Su et al. 2021), so that products of
/// queries and keys depend on distances: number i goes with number i + d/2, at the frequency base^(−2i/d).
///
/// *Shapes*: [batch, n, heads, d] with an even d -> the same.
public func rotaryPositions(
    _ x: Tensor, base: Double = 10000, first: Int = 0, file: String = #fileID, line: Int = #line
) -> Tensor {
    guard x.isValid else { return x }
    guard x.rank == 4, x.shape[3] % 2 == 0 else {
        return x.mistake(
            "rotaryPositions", "takes [b,n,heads,d] with an even d, has \(shapeText(x.shape))",
            at: x.builder.location(file, line))
    }
    let half = x.shape[3] / 2
    let angles = positionAngles(x, count: x.shape[1], pairs: half, base: base, first: first).reshape([-1, 1, half])
    let (cosine, sine) = (cos(angles), sin(angles))
    let (a, b) = (x.slice(0..<half, axis: 3), x.slice(half..<2 * half, axis: 3))
    return concatenate([a * cosine - b * sine, a * sine + b * cosine], axis: 3)
}

/// Angles of places at frequencies base^(−i/pairs): [count, pairs].
private func positionAngles(_ x: Tensor, count: Int, pairs: Int, base: Double, first: Int) -> Tensor {
    let frequencies = (0..<pairs).map { pow(base, -Double($0) / Double(pairs)) }
    let places = x.builder.add(Iota(TensorType(.f32, [count, 1]), axis: 0), []) + Double(first)
    return places * x.builder.add(Constant(TensorType(.f32, [pairs]), values: frequencies), [])
}

/// Adds the sines and cosines of places (Vaswani et al. 2017): number 2i of a token is the sine, 2i + 1 the cosine of
/// the place times base^(−2i/dim).
///
/// *Shapes*: [batch, n, dim] with an even dim -> the same.
public struct SinusoidalPositions: Layer {
    /// The base of the frequencies.
    public let base: Double
    private let file: String, line: Int

    /// The layer with the base of its frequencies.
    public init(base: Double = 10000, file: String = #fileID, line: Int = #line) {
        self.base = base
        self.file = file
        self.line = line
    }

    public func callAsFunction(_ x: Tensor) -> Tensor {
        located(file, line) {
            guard x.isValid else { return x }
            guard x.rank == 3, x.shape[2] % 2 == 0 else {
                return x.mistake(
                    "SinusoidalPositions", "takes [b,n,dim] with an even dim, has \(shapeText(x.shape))")
            }
            let pairs = x.shape[2] / 2
            let angles = positionAngles(x, count: x.shape[1], pairs: pairs, base: base, first: 0)
            return x + stack([sin(angles), cos(angles)], axis: -1).reshape([x.shape[1], x.shape[2]])
        }
    }
}
