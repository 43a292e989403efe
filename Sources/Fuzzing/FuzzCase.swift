import ApusCodegen
import ApusIR
import ApusLLVM

/// A random graph and a way to compile it: both follow from a seed and from what is not left to chance.
public struct FuzzCase: Sendable {
    /// What all cases of a run have in common; nil is drawn for each.
    public struct Choices: Hashable, Sendable {
        public var precision: CompilerOptions.Precision?
        public var products: CompilerOptions.Products?
        public var gradients: Bool?
        /// Whether the compiler decides by sizes so small that small graphs meet every limit.
        public var isTiny: Bool?

        public init(
            precision: CompilerOptions.Precision? = nil, products: CompilerOptions.Products? = nil,
            gradients: Bool? = nil, isTiny: Bool? = nil
        ) {
            (self.precision, self.products) = (precision, products)
            (self.gradients, self.isTiny) = (gradients, isTiny)
        }
    }

    public let seed: UInt64
    public let choices: Choices
    public let configuration: RandomGraph.Configuration
    public var comparison: Comparison

    /// Throws if this machine's features cannot be told.
    public init(seed: UInt64, _ choices: Choices = Choices()) throws {
        var random = SeededGenerator(seed: seed ^ 0x5EED_CA5E)
        // Each is drawn, whether it is needed or not: what is fixed must not change the rest.
        let precision = random.pick([CompilerOptions.Precision.float32, .float32, .bfloat16])
        let products = random.pick([CompilerOptions.Products.generated, .generated, .auto, .openblas])
        let gradients = random.chance(0.6), isLarge = random.chance(0.1), isLong = random.chance(0.12)
        let isTiny = random.chance(0.5)

        var configuration = RandomGraph.Configuration(steps: isLong ? 14 : 5)
        configuration.gradients = choices.gradients ?? gradients
        configuration.hasParameters = random.chance(0.5)
        configuration.leafDenominator = random.pick([64, 4096])
        if random.chance(0.15) { configuration.extents = [1, 2, 16, 32, 48, 64] }

        var comparison = Comparison()
        comparison.seed = seed
        comparison.leafDenominator = configuration.leafDenominator
        comparison.threads = random.integer(1...3)
        let host = try TargetDescription.host()
        if random.chance(0.15), let level = host.availableLevels.randomElement(using: &random) {
            comparison.target = host.restricted(to: level)
        }
        comparison.answerSeed = random.next()
        comparison.guardsMemory = random.chance(0.5)
        if choices.isTiny ?? isTiny { comparison.options.tuning = .tiny(comparison.target ?? host) }
        comparison.options.precision = choices.precision ?? precision
        comparison.options.products = choices.products ?? products
        configuration.roundsOperands = comparison.options.precision == .bfloat16
        let elementBytes = configuration.roundsOperands ? 2 : 4
        let period = (comparison.options.tuning ?? Tuning(host)).cachePeriod / elementBytes
        if comparison.options.tuning != nil {
            configuration.rowPeriod = period
        } else if isLarge {
            configuration.rowPeriod = period
            configuration.largestCount = 4 * period
            configuration.steps = 4
        }
        self.seed = seed
        self.choices = choices
        self.configuration = configuration
        self.comparison = comparison
    }

    /// The case's graph; throws if it cannot be made, which is a defect.
    public func graph() throws -> Graph { try RandomGraph(seed: seed, configuration).graph }

    /// Makes the graph, compiles it, and compares its results with the interpreter's.
    public func verdict() -> Comparison.Verdict {
        do { return try comparison.verdict(on: graph()) } catch { return .different(.error("\(error)")) }
    }

    /// The smallest graph found that fails in the same way as the case's; it has a comment on how to compare it again.
    public func reduced(_ failure: Failure) throws -> String {
        let original = try graph()
        let reduced = Reducer { candidate in
            if case .different(let found) = comparison.verdict(on: candidate) { found.isLike(failure) } else { false }
        }.reduced(original)
        let header = "// \(comparison)\n// apus fuzz FILE.graph \(arguments)\n"
        return header + reduced.text()
    }

    /// The arguments of `apus fuzz` after which it compares this case.
    public var arguments: String {
        var words = ["--seed \(seed)"]
        if let precision = choices.precision { words.append("--precision \(precision.rawValue)") }
        if let products = choices.products { words.append("--products \(products.rawValue)") }
        if let isTiny = choices.isTiny { words.append(isTiny ? "--tiny" : "--no-tiny") }
        if let gradients = choices.gradients { words.append(gradients ? "--gradients" : "--no-gradients") }
        return words.joined(separator: " ")
    }
}

extension Comparison: CustomStringConvertible {
    public var description: String {
        let level = target.map { ", \($0.level.rawValue)" } ?? "", size = options.tuning == nil ? "" : ", tiny"
        let products = options.products == .auto ? "of both makers" : options.products.rawValue
        let pages = guardsMemory ? ", guarded" : ""
        return "\(options.precision.rawValue), products \(products), \(threads) threads\(level)\(size)\(pages)"
    }
}
