import Apus
import Testing

/// Against the numbers of scikit-learn 1.7 for probabilities with many ties and a class without samples.
@Suite struct ClassificationMetricsTests {
    /// Eighths, 40 samples of 5 classes.
    static let eighths: [Int] = [
        3, 1, 2, 1, 0, 2, 2, 0, 0, 4, 1, 2, 0, 3, 2, 4, 1, 0, 1, 1, 5, 0, 0, 2, 1, 2, 3, 0, 4, 0, 3, 1, 0, 1, 2, 1, 1,
        2, 3, 1,
        1, 1, 4, 3, 0, 1, 0, 3, 2, 2, 1, 2, 0, 1, 4, 3, 3, 0, 2, 1, 0, 2, 2, 1, 3, 0, 1, 3, 0, 4, 1, 1, 2, 3, 1, 0, 2,
        4, 1, 1,
        1, 3, 3, 1, 0, 1, 1, 4, 1, 1, 2, 4, 0, 1, 0, 2, 4, 0, 1, 1, 0, 3, 1, 2, 2, 6, 0, 0, 1, 1, 4, 1, 1, 1, 1, 3, 0,
        2, 1, 2,
        3, 2, 2, 1, 0, 0, 1, 5, 1, 0, 2, 0, 3, 1, 2, 3, 1, 3, 1, 1, 2, 1, 3, 1, 2, 1, 3, 1, 1, 2, 0, 0, 1, 3, 4, 0, 2,
        2, 3, 1,
        2, 1, 2, 2, 1, 0, 2, 1, 3, 2, 5, 1, 2, 1, 0, 0, 1, 1, 0, 5, 0, 0, 1, 5, 1, 3, 1, 1, 1, 3, 0, 4, 0, 1, 3, 0, 6,
        1, 1, 0,
    ]
    static let labels: [Int] = [
        2, 0, 0, 1, 1, 2, 2, 1, 0, 4, 2, 4, 1, 1, 1, 1, 4, 4, 2, 0, 4, 4, 1, 1, 0, 1, 1, 1, 4, 1, 1, 2, 1, 0, 1, 1, 1,
        4, 1, 2,
    ]

    private func scores(_ change: (_ classNumber: Int, _ score: Double) -> Double = { $1 }) -> [Double] {
        Self.eighths.enumerated().map { change($0 % 5, Double($1) / 8) }
    }

    private func isNear(_ a: Double?, _ b: Double?) -> Bool {
        guard let a, let b else { return a == nil && b == nil }
        return abs(a - b) <= 1e-12
    }

    @Test func tiesAndAClassWithoutSamples() throws {
        let metrics = try ClassificationMetrics(scores: scores(), labels: Self.labels, classes: 5)
        #expect(
            metrics.confusion == [
                [1, 1, 1, 2, 1], [7, 2, 3, 3, 4], [2, 2, 0, 2, 1], [0, 0, 0, 0, 0], [3, 2, 3, 0, 0],
            ])
        #expect(metrics.accuracy == 0.075)
        #expect(metrics.top2Accuracy == 0.325)
        #expect(isNear(metrics.macroF1, 0.051821862348178135))
        #expect(isNear(metrics.macroRecall, 0.05438596491228069))
        let areas = [0.49754901960784315, 0.2807017543859649, 0.29004329004329005, nil, 0.533203125]
        #expect(zip(metrics.areaUnderROC, areas).allSatisfy(isNear), "\(metrics.areaUnderROC)")
        #expect(isNear(metrics.meanAreaUnderROC, 0.40037429725927454))
        #expect(metrics.recall[3] == nil && metrics.f1[3] == 0)
    }

    @Test func aClassThatNeitherIsNorIsPredictedDoesNotCount() throws {
        let metrics = try ClassificationMetrics(scores: scores { $0 == 3 ? -1 : $1 }, labels: Self.labels, classes: 5)
        #expect(isNear(metrics.macroF1, 0.05964912280701754))
        #expect(isNear(metrics.macroRecall, 0.06798245614035087))
        #expect(metrics.top2Accuracy == 0.375)
        #expect(metrics.f1[3] == nil)
    }

    @Test func oneClassHasNoArea() throws {
        let metrics = try ClassificationMetrics(scores: [0.5, 0.5], labels: [0, 0], classes: 1)
        #expect(
            metrics.accuracy == 1 && metrics.top2Accuracy == 1 && metrics.areaUnderROC == [nil]
                && metrics.meanAreaUnderROC == nil)
    }

    @Test func numbersThatDoNotFitAreRefused() {
        func error(_ scores: [Double], _ labels: [Int], _ classes: Int) -> MetricsError? {
            #expect(throws: MetricsError.self) {
                try ClassificationMetrics(scores: scores, labels: labels, classes: classes)
            }
        }
        #expect(error([], [], 2) == .noSamples)
        #expect(error([1, 0, 1], [0], 2) == .mismatch(scores: 3, samples: 1, classes: 2))
        #expect(error([], [0], 0) == .mismatch(scores: 0, samples: 1, classes: 0))
        #expect(error([1, 0], [0, 1], .max) == .mismatch(scores: 2, samples: 2, classes: .max))
        #expect(error([1, 0], [2], 2) == .unknownClass(sample: 0, label: 2, classes: 2))
        #expect(error([1, 0, .nan, 1], [0, 1], 2) == .notANumber(sample: 1, classNumber: 0))
    }

    @Test func scoresThatAreNoCurveAreRefused() {
        func error(_ scores: [Double], _ isPositive: [Bool]) -> [MetricsError?] {
            [
                #expect(throws: MetricsError.self) { try ROC.area(scores: scores, isPositive: isPositive) },
                #expect(throws: MetricsError.self) { try ROC.curve(scores: scores, isPositive: isPositive) },
            ]
        }
        let mismatch = MetricsError.mismatch(scores: 1, samples: 2, classes: 1)
        #expect(error([1], [true, false]) == [mismatch, mismatch])
        let notANumber = MetricsError.notANumber(sample: 1, classNumber: 0)
        #expect(error([1, .nan], [true, false]) == [notANumber, notANumber])
        // A curve that is given backwards has a mean all the same.
        let curve = try? ROC.curve(scores: [0.9, 0.8, 0.1], isPositive: [true, true, false])
        #expect(ROC.mean(of: [curve?.reversed() ?? []]).count >= 2)
    }
}
