/// How a parameter is filled before training.
public enum Initializer: Hashable, Sendable {
    case constant(Double)
    /// Normal distribution, mean 0.
    case normal(deviation: Double)
    /// Normal distribution, mean 0, drawn again outside ±2 (absolute, as the public MAE code does).
    case truncatedNormal(deviation: Double)
    /// Uniform in ±bound.
    case uniform(bound: Double)
    /// Uniform in ±sqrt(6 / (fan in + fan out)), the weight seen as a matrix [rows, everything else] (Glorot and Bengio
    /// 2010).
    case xavierUniform
    /// Fixed two-dimensional sine-cosine position table [1, grid² (+1), dim] (MAE, He et al. 2022); the class token's
    /// row is zero.
    case sineCosine2D(grid: Int, classToken: Bool)

    public static let zeros = Initializer.constant(0)
    public static let ones = Initializer.constant(1)

    package var text: String {
        switch self {
        case .constant(let value): "constant(\(value))"
        case .normal(let deviation): "normal(\(deviation))"
        case .truncatedNormal(let deviation): "truncated_normal(\(deviation))"
        case .uniform(let bound): "uniform(\(bound))"
        case .xavierUniform: "xavier_uniform"
        case .sineCosine2D(let grid, let classToken): "sine_cosine_2d(\(grid),\(classToken))"
        }
    }

    package init(text: String) throws(GraphError) {
        let parts = text.split(separator: "(", maxSplits: 1, omittingEmptySubsequences: false)
        var arguments: [String] = []
        if parts.count > 1, parts[1].hasSuffix(")") {
            arguments = parts[1].dropLast().split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
        let number = arguments.count == 1 ? Double(arguments[0]).flatMap { $0.isNaN ? nil : $0 } : nil
        switch (String(parts[0]), number) {
        case ("constant", let value?): self = .constant(value)
        case ("normal", let value?): self = .normal(deviation: value)
        case ("truncated_normal", let value?): self = .truncatedNormal(deviation: value)
        case ("uniform", let value?): self = .uniform(bound: value)
        case ("xavier_uniform", nil) where parts.count == 1: self = .xavierUniform
        case ("sine_cosine_2d", nil) where arguments.count == 2:
            guard let grid = Int(arguments[0]), grid > 0, let classToken = Bool(arguments[1]) else { fallthrough }
            self = .sineCosine2D(grid: grid, classToken: classToken)
        default: throw GraphError(.syntax, "unknown initializer '\(text)'")
        }
    }
}
