import Foundation

/// Points in the plane of their first two principal components, small: where t-SNE begins (Kobak and Berens 2019).
struct PrincipalPlane {
    /// x and y of each point in turn; the first axis has the standard deviation 10⁻⁴.
    let positions: [Double]

    /// - Parameter seed: Of a noise far below the extent, which keeps points off a line if that is where the components
    ///   lie.
    init(_ features: [Float], dimensions: Int, seed: UInt64) {
        let count = features.count / dimensions
        var rows = features.map(Double.init)
        for d in 0..<dimensions {
            let mean =
                stride(from: d, to: rows.count, by: dimensions).reduce(0) { $0 + rows[$1] } / Double(max(count, 1))
            for index in stride(from: d, to: rows.count, by: dimensions) { rows[index] -= mean }
        }
        var noise = HashedNoise(seed: seed)
        let first = Self.component(rows, dimensions, beside: nil, &noise)
        let second = Self.component(rows, dimensions, beside: first, &noise)
        let xs = Self.project(rows, dimensions, on: first), ys = Self.project(rows, dimensions, on: second)
        let deviation = (xs.reduce(0) { $0 + $1 * $1 } / Double(max(count, 1))).squareRoot()
        let scale = deviation > 0 ? 1e-4 / deviation : 0
        positions = (0..<count).flatMap {
            [xs[$0] * scale + 1e-8 * noise.next(), ys[$0] * scale + 1e-8 * noise.next()]
        }
    }

    /// The direction of the largest variance at a right angle to another, by power iteration.
    private static func component(
        _ rows: [Double], _ dimensions: Int, beside other: [Double]?, _ noise: inout HashedNoise
    ) -> [Double] {
        var direction = (0..<dimensions).map { _ in noise.next() }
        for _ in 0..<60 {
            if let other {
                let overlap = zip(direction, other).reduce(0) { $0 + $1.0 * $1.1 }
                for d in direction.indices { direction[d] -= overlap * other[d] }
            }
            let length = direction.reduce(0) { $0 + $1 * $1 }.squareRoot()
            guard length > 0 else { break }
            for d in direction.indices { direction[d] /= length }
            let weights = project(rows, dimensions, on: direction)
            var next = [Double](repeating: 0, count: dimensions)
            for (row, weight) in weights.enumerated() {
                for d in 0..<dimensions { next[d] += weight * rows[row * dimensions + d] }
            }
            guard next.contains(where: { $0 != 0 }) else { break }
            direction = next
        }
        if let other {
            let overlap = zip(direction, other).reduce(0) { $0 + $1.0 * $1.1 }
            for d in direction.indices { direction[d] -= overlap * other[d] }
        }
        let length = direction.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return length > 0 ? direction.map { $0 / length } : direction
    }

    private static func project(_ rows: [Double], _ dimensions: Int, on direction: [Double]) -> [Double] {
        (0..<rows.count / dimensions).map { row in
            (0..<dimensions).reduce(0) { $0 + rows[row * dimensions + $1] * direction[$1] }
        }
    }
}

/// Numbers from −1 to 1 that are a hash of a seed and a counter (SplitMix64, Steele et al. 2014).
private struct HashedNoise {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> Double {
        state &+= 0x9E37_79B9_7F4A_7C15
        var bits = state
        bits = (bits ^ bits >> 30) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ bits >> 27) &* 0x94D0_49BB_1331_11EB
        return Double((bits ^ bits >> 31) >> 11) * 0x1p-52 - 1
    }
}
