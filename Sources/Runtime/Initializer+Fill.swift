import ApusIR
import Foundation

extension Initializer {
    /// Fills a new parameter. The numbers depend on seed, name and place in the tensor alone.
    func fill(_ memory: UnsafeMutableRawPointer, _ type: TensorType, name: String, seed: UInt64) {
        let values = UnsafeMutableBufferPointer(start: memory.assumingMemoryBound(to: Float.self), count: type.count)
        guard type.element == .f32 else { return }
        var random = NameStream(name: name, seed: seed)
        switch self {
        case .constant(0): break  // new memory is zero
        case .constant(let value):
            for index in values.indices { values[index] = Float(value) }
        case .normal(let deviation):
            for index in values.indices { values[index] = Float(random.normal() * deviation) }
        case .truncatedNormal(let deviation):
            for index in values.indices {
                var value = random.normal() * deviation
                while abs(value) > 2 { value = random.normal() * deviation }
                values[index] = Float(value)
            }
        case .uniform(let bound):
            for index in values.indices { values[index] = Float((2 * random.uniform() - 1) * bound) }
        case .xavierUniform:
            let rows = type.shape.first ?? 1
            let bound = (6 / Double(rows + type.count / max(rows, 1))).squareRoot()
            for index in values.indices { values[index] = Float((2 * random.uniform() - 1) * bound) }
        case .sineCosine2D(let grid, let classToken):
            fillPositions(values, dim: type.shape.last ?? 0, grid: grid, classToken: classToken)
        }
    }

    /// Half of the columns encode the column, half the row of a patch; of each, half by sine, half by cosine, with
    /// frequencies 10000^(−i / (dim/4)).
    private func fillPositions(_ values: UnsafeMutableBufferPointer<Float>, dim: Int, grid: Int, classToken: Bool) {
        let quarter = dim / 4
        var row = 0
        if classToken {
            for column in 0..<dim { values[column] = 0 }
            row = 1
        }
        for y in 0..<grid {
            for x in 0..<grid {
                for (half, position) in [x, y].enumerated() {
                    for i in 0..<quarter {
                        let angle = Double(position) / pow(10000, Double(i) / Double(quarter))
                        values[row * dim + half * 2 * quarter + i] = Float(sin(angle))
                        values[row * dim + half * 2 * quarter + quarter + i] = Float(cos(angle))
                    }
                }
                row += 1
            }
        }
    }
}

/// Random numbers that belong to one name.
private struct NameStream {
    private let key: (UInt32, UInt32)
    private let name: (UInt32, UInt32)
    private var counter: UInt64 = 0
    private var spare: Double?

    init(name: String, seed: UInt64) {
        key = (UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
        // FNV-1a: stable from run to run, unlike Swift's own hash.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        self.name = (UInt32(truncatingIfNeeded: hash), UInt32(truncatingIfNeeded: hash >> 32))
    }

    /// Uniform in (0, 1), 53 bits.
    mutating func uniform() -> Double {
        let block = Philox.block(
            counter: (UInt32(truncatingIfNeeded: counter), UInt32(truncatingIfNeeded: counter >> 32), name.0, name.1),
            key: key)
        counter += 1
        let bits = UInt64(block.0) << 21 ^ UInt64(block.1 >> 11)
        return (Double(bits & ((1 << 52) - 1)) + 0.5) * 0x1p-52
    }

    /// Normal with mean 0 and deviation 1 (Box and Muller 1958).
    mutating func normal() -> Double {
        if let value = spare {
            spare = nil
            return value
        }
        let radius = (-2 * log(uniform())).squareRoot(), angle = 2 * Double.pi * uniform()
        spare = radius * sin(angle)
        return radius * cos(angle)
    }
}
