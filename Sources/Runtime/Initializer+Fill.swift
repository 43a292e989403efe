import ApusIR
import CRuntime

extension Initializer {
    /// Fills a new parameter, whose memory is zero and whose type the initialiser fits. The numbers depend on seed,
    /// name and place in the tensor alone; narrower types round them.
    func fill(_ memory: UnsafeMutableRawPointer, _ type: TensorType, name: String, seed: UInt64) {
        var initial = initial(for: type), name = name
        name.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { name in
                apus_fill(memory, type.element.inMemory, type.count, &initial, name.baseAddress, name.count, seed)
            }
        }
    }

    /// What it means for a type that it fits.
    package func initial(for type: TensorType) -> apus_initial {
        func initial(
            _ distribution: apus_distribution, _ first: Double = 0, _ second: Double = 0, grid: Int = 0, rows: Int = 0,
            columns: Int = 0
        ) -> apus_initial {
            apus_initial(
                distribution: distribution, first: first, second: second, grid: grid, rows: rows, columns: columns)
        }
        switch self {
        case .constant(let value): return initial(APUS_CONSTANT, value)
        case .normal(let mean, let deviation): return initial(APUS_NORMAL, mean, deviation)
        case .truncatedNormal(let deviation): return initial(APUS_TRUNCATED_NORMAL, deviation)
        case .uniform(let bound): return initial(APUS_UNIFORM, bound)
        case .xavierUniform:
            let rows = type.shape.first ?? 1
            return initial(APUS_UNIFORM, (6 / Double(rows + type.count / max(rows, 1))).squareRoot())
        case .seed: return initial(APUS_SEED)
        case .sineCosine2D(let grid, let leadingZeros):
            return initial(APUS_SINE_COSINE_2D, grid: grid, rows: leadingZeros, columns: type.shape.last ?? 0)
        }
    }
}

extension ElementType {
    /// How elements lie in memory.
    package var inMemory: apus_memory_type {
        switch self {
        case .f32: APUS_MEMORY_F32
        case .bf16: APUS_MEMORY_BF16
        case .f64: APUS_MEMORY_F64
        case .i32: APUS_MEMORY_I32
        case .bool: APUS_MEMORY_BOOL
        }
    }
}
