import ApusTransforms

/// What may be chosen about a compilation; the defaults are what is fastest.
public struct CompilerOptions: Hashable, Sendable {
    /// The numbers that a program computes with.
    public enum Precision: String, Sendable, CaseIterable {
        /// f32 throughout.
        case float32 = "fp32"
        /// Operands of matmuls and stored activations in bfloat16; weights, optimizer state, normalisation, softmax
        /// and losses in f32.
        case bfloat16 = "bf16"
    }

    /// Who computes matrix products.
    public enum Products: String, Sendable, CaseIterable {
        /// Kernels that are generated for each shape, with what comes before and after the matmul inside.
        case generated
        /// OpenBLAS, where it can: f32.
        case openblas
        /// Of both the faster one for each shape, measured once per machine and remembered. Where the answers are not
        /// the same, neither are the last bits of results; with the other two they do not depend on measurements.
        case auto
    }

    /// The numbers that matmuls and attention compute with.
    public var precision: Precision
    /// Who computes matmuls.
    public var products: Products
    /// The rewrites that are allowed.
    public var fusions: Set<Fusion>
    /// Bytes that the program's memory (parameters, inputs and arena) should not exceed; more is computed again to stay
    /// below it.
    public var memoryLimit: Int?
    /// Sizes and limits of decisions, in place of the machine's; for tests and experiments.
    public var tuning: Tuning?

    /// Options of which each has a default: f32, the faster of kernels and library, all fusions, no limit.
    public init(
        precision: Precision = .float32, products: Products = .auto, fusions: Set<Fusion> = Set(Fusion.allCases),
        memoryLimit: Int? = nil, tuning: Tuning? = nil
    ) {
        self.precision = precision
        self.products = products
        self.fusions = fusions
        self.memoryLimit = memoryLimit
        self.tuning = tuning
    }
}
