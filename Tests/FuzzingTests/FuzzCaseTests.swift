import ApusCodegen
import ApusFuzzing
import ApusIR
import Testing

struct FuzzCaseTests {
    @Test func casesFollowFromTheirSeed() throws {
        for seed in 0..<20 as Range<UInt64> {
            let (one, other) = (try FuzzCase(seed: seed), try FuzzCase(seed: seed))
            #expect(try one.graph() == other.graph())
            #expect(one.comparison.description == other.comparison.description)
        }
    }

    /// What is fixed for all cases leaves the rest of a case alone.
    @Test func choicesChangeNothingElse() throws {
        for seed in 0..<50 as Range<UInt64> {
            let free = try FuzzCase(seed: seed), fixed = try FuzzCase(seed: seed, .init(products: .generated))
            #expect(fixed.comparison.options.products == .generated)
            #expect(fixed.configuration == free.configuration)
            #expect(fixed.comparison.threads == free.comparison.threads)
        }
    }

    @Test func argumentsNameWhatIsFixed() throws {
        #expect(try FuzzCase(seed: 17).arguments == "--seed 17")
        let choices = FuzzCase.Choices(precision: .bfloat16, products: .openblas, gradients: false, isTiny: true)
        let arguments = "--seed 3 --precision bf16 --products openblas --tiny --no-gradients"
        #expect(try FuzzCase(seed: 3, choices).arguments == arguments)
    }

    @Test func everyKindOccurs() throws {
        let cases = try (0..<200 as Range<UInt64>).map { try FuzzCase(seed: $0) }
        #expect(Set(cases.map(\.comparison.options.precision)) == Set(CompilerOptions.Precision.allCases))
        #expect(Set(cases.map(\.comparison.options.products)) == Set(CompilerOptions.Products.allCases))
        #expect(Set(cases.map(\.configuration.gradients)) == [true, false])
        #expect(Set(cases.map(\.configuration.hasParameters)) == [true, false])
        #expect(Set(cases.map(\.configuration.leafDenominator)) == [64, 4096])
        #expect(cases.contains { $0.configuration.rowPeriod >= 1024 })
        #expect(cases.contains { $0.comparison.target != nil })
        let isTiny = cases.count { $0.comparison.options.tuning != nil }
        #expect((70...130).contains(isTiny))
        // Rows meet the period of the cache by which the compiler decides.
        for fuzzCase in cases {
            guard let tuning = fuzzCase.comparison.options.tuning else { continue }
            let elementBytes = fuzzCase.comparison.options.precision == .bfloat16 ? 2 : 4
            #expect(fuzzCase.configuration.rowPeriod * elementBytes == tuning.cachePeriod)
        }
    }
}
