/// How a parameter is filled before training.
public enum Initializer: Hashable, Sendable {
    /// One number throughout.
    case constant(Double)
    /// Normal distribution.
    case normal(mean: Double = 0, deviation: Double)
    /// Normal distribution, mean 0, drawn again outside ±2 (absolute, as the public MAE code does).
    case truncatedNormal(deviation: Double)
    /// Uniform in ±bound.
    case uniform(bound: Double)
    /// Uniform in ±sqrt(6 / (fan in + fan out)), the weight seen as a matrix [rows, everything else] (Glorot and Bengio
    /// 2010).
    case xavierUniform
    /// Fixed two-dimensional sine-cosine position table [1, leadingZeros + grid², dim]: of each place of a square grid,
    /// row by row, half of the numbers tell the column and half the row, as those of Vaswani et al. (2017) tell a
    /// position. Rows of zeros before it are for what has no place in the grid.
    case sineCosine2D(grid: Int, leadingZeros: Int = 0)
    /// The lower 32 bits of the seed that the state is made with, then zeros: a key of random draws.
    case seed

    /// All zeros.
    public static let zeros = Initializer.constant(0)
    /// All ones.
    public static let ones = Initializer.constant(1)

    package var text: String {
        switch self {
        case .constant(let value): "constant(\(value))"
        case .normal(mean: 0, let deviation): "normal(\(deviation))"
        case .normal(let mean, let deviation): "normal(\(mean),\(deviation))"
        case .truncatedNormal(let deviation): "truncated_normal(\(deviation))"
        case .uniform(let bound): "uniform(\(bound))"
        case .xavierUniform: "xavier_uniform"
        case .sineCosine2D(let grid, let leadingZeros): "sine_cosine_2d(\(grid),\(leadingZeros))"
        case .seed: "seed"
        }
    }

    /// Why a parameter of this type cannot be filled; nil if it can.
    package func problem(for type: TensorType) -> String? {
        switch self {
        case .constant(let value):
            // Whole numbers and truth values must be what they are given as, not something near it.
            let isExact = value.isFinite && type.element.rounded(value) == value
            return type.element.isFloatingPoint
                ? (value.isNaN ? "NaN is no start value" : nil)
                : (isExact ? nil : "\(type.element) does not hold \(value)")
        case .normal(let mean, _) where !mean.isFinite: return "\(mean) is no mean of a distribution"
        case .normal(_, let width), .truncatedNormal(let width), .uniform(let width):
            guard width.isFinite, width >= 0 else { return "\(width) is no width of a distribution" }
        case .xavierUniform: break
        case .seed: return type.element == .i32 ? nil : "a seed is a number of i32"
        case .sineCosine2D(let grid, let leadingZeros):
            let (places, overflows) = grid.multipliedReportingOverflow(by: grid)
            let rows = places.addingReportingOverflow(leadingZeros)
            let isTable = grid > 0 && leadingZeros >= 0 && !overflows && !rows.overflow
            guard isTable, type.rank == 3, type.shape[0] == 1, type.shape[1] == rows.partialValue,
                type.shape[2] % 4 == 0
            else {
                let count = isTable ? "\(rows.partialValue)" : "zeros+grid²"
                return "the table has the shape [1,\(count),dim] with a dim that is a multiple of 4"
            }
        }
        return type.element.isFloatingPoint ? nil : "random numbers and tables are of floating point"
    }

    package init(text: String) throws(GraphError) {
        let parts = text.split(separator: "(", maxSplits: 1, omittingEmptySubsequences: false)
        var arguments: [String] = []
        if parts.count > 1, parts[1].hasSuffix(")") {
            arguments = parts[1].dropLast().split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
        let numbers = arguments.compactMap { Double($0) }.filter { !$0.isNaN }
        let number = arguments.count == 1 ? numbers.first : nil
        switch (String(parts[0]), number) {
        case ("constant", let value?): self = .constant(value)
        case ("normal", let value?): self = .normal(deviation: value)
        case ("normal", nil) where arguments.count == 2 && numbers.count == 2:
            self = .normal(mean: numbers[0], deviation: numbers[1])
        case ("truncated_normal", let value?): self = .truncatedNormal(deviation: value)
        case ("uniform", let value?): self = .uniform(bound: value)
        case ("xavier_uniform", nil) where parts.count == 1: self = .xavierUniform
        case ("seed", nil) where parts.count == 1: self = .seed
        case ("sine_cosine_2d", nil) where arguments.count == 2:
            guard let grid = Int(arguments[0]), grid > 0, let zeros = Int(arguments[1]), zeros >= 0 else { fallthrough }
            self = .sineCosine2D(grid: grid, leadingZeros: zeros)
        default: throw GraphError(.syntax, "unknown initializer '\(text)'")
        }
    }
}
