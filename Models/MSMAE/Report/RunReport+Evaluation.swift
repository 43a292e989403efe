import Apus
import ApusReport

extension RunReport {
    /// ROC curves of each classifying run, from its predictions.
    static func receiverCharacteristics(_ groups: [RunGroup]) -> Page.Section? {
        let groups = groups.filter { $0.kind.classifies }
        guard !groups.isEmpty else { return nil }
        let figures = groups.flatMap { group in
            EvaluationPath.allCases.compactMap { path -> Page.CaptionedFigure? in
                guard let predictions = path == .all ? group.first.predictions : group.first.maskedPredictions else {
                    return nil
                }
                return rocFigure(group, predictions, path)
            }
        }
        let blocks =
            (figures.isEmpty ? [] : [Page.Block.figures(figures)])
            + missing(
                "No predictions to draw curves of",
                groups.filter { $0.first.predictions == nil && $0.first.maskedPredictions == nil })
        return Page.Section("ROC curves", blocks)
    }

    private static func rocFigure(_ group: RunGroup, _ predictions: Predictions, _ path: EvaluationPath)
        -> Page.CaptionedFigure
    {
        let classes = group.first.classes
        var curves: [(name: String, area: Double?, points: [Point])] = [], drawn: [[ROC.Point]] = [],
            areas: [Double] = []
        for number in 0..<predictions.classes {
            let curve = predictions.curve(of: number)
            let name = classes.indices.contains(number) ? classes[number] : "class \(number)"
            curves.append((name, curve?.area, (curve?.points ?? []).map { Point($0.negatives, $0.positives) }))
            if let curve {
                drawn.append(curve.points)
                areas.append(curve.area)
            }
        }
        let mean =
            areas.isEmpty
            ? nil
            : (
                area: areas.reduce(0, +) / Double(areas.count),
                points: ROC.mean(of: drawn).map { Point($0.negatives, $0.positives) }
            )
        let absent = curves.filter { $0.area == nil }.map(\.name)
        let chart = LineChart.roc(
            name: "roc \(group.name) \(path.rawValue)".slug, title: "\(group.name), \(path.name)", curves: curves,
            mean: mean)
        return Page.CaptionedFigure(
            chart.figure,
            "\(NumberText.whole(predictions.labels.count)) images\(seedRemark(group))."
                + (absent.isEmpty
                    ? "" : " Without images, and left out of the mean: \(absent.joined(separator: ", "))."))
    }

    /// The confusion matrices of each classifying run's last checkpoint.
    static func confusion(_ groups: [RunGroup]) -> Page.Section? {
        let groups = groups.filter { $0.kind.classifies }
        guard !groups.isEmpty else { return nil }
        let figures = groups.flatMap { group in
            EvaluationPath.allCases.compactMap { path -> Page.CaptionedFigure? in
                guard let evaluation = group.first.evaluation, let result = evaluation.result("last", path)
                else { return nil }
                let chart = MatrixChart(
                    name: "confusion \(group.name) \(path.rawValue)".slug, title: "\(group.name), \(path.name)",
                    counts: result.confusion,
                    classes: evaluation.classes)
                return Page.CaptionedFigure(
                    chart.figure,
                    "Counts, and shares of each true class\(seedRemark(group)). Accuracy \(NumberText.percent(result.accuracy))."
                )
            }
        }
        let blocks =
            (figures.isEmpty ? [] : [Page.Block.figures(figures)])
            + missing(
                "No confusion matrix",
                groups.filter { group in
                    !EvaluationPath.allCases.contains { group.first.evaluation?.result("last", $0) != nil }
                })
        return Page.Section("Confusion matrices", blocks)
    }

    /// Images of an embedding, at most: its time grows with their square.
    static let embeddedImages = 1500

    /// The features of each classifying run in a plane.
    static func embeddings(_ groups: [RunGroup], _ problems: inout [String]) -> Page.Section? {
        let groups = groups.filter { $0.kind.classifies || $0.first.features != nil }
        guard !groups.isEmpty else { return nil }
        var figures: [Page.CaptionedFigure] = []
        for group in groups {
            guard let recorded = group.first.features else { continue }
            do {
                figures.append(try embedding(group, recorded))
            } catch {
                problems.append("\(group.first.path)/features.safetensors: \(error)")
            }
        }
        let blocks =
            (figures.isEmpty ? [] : [Page.Block.figures(figures)])
            + missing("No features", groups.filter { $0.first.features == nil })
        return Page.Section("Features (t-SNE)", blocks)
    }

    private static func embedding(_ group: RunGroup, _ recorded: RecordedFeatures) throws -> Page.CaptionedFigure {
        let count = recorded.labels.count, dimensions = recorded.dimensions
        // Evenly spread over the file, which is ordered by class: each class keeps its share.
        let shown =
            count <= embeddedImages ? Array(0..<count) : (0..<embeddedImages).map { $0 * count / embeddedImages }
        let features = shown.flatMap { recorded.features[$0 * dimensions..<($0 + 1) * dimensions] }
        let tsne = TSNE(), embedding = try tsne.embed(features, dimensions: dimensions)
        let labels = shown.map { recorded.labels[$0] }
        var classes = group.first.classes
        for number in classes.count..<max(classes.count, (labels.max() ?? 0) + 1) { classes.append("class \(number)") }
        let chart = ScatterChart(
            name: "tsne \(group.name)".slug, title: group.name, points: embedding.points, labels: labels,
            classes: classes)
        let sample =
            count > shown.count
            ? "\(NumberText.whole(shown.count)) of \(NumberText.whole(count)) images, evenly spread"
            : "\(NumberText.whole(count)) images"
        return Page.CaptionedFigure(
            chart.figure,
            "\(sample), all tokens\(seedRemark(group)); what the head reads, in \(dimensions) dimensions. Exact t-SNE, perplexity "
                + "\(NumberText.short(embedding.perplexity)), \(tsne.iterations) iterations, begun at the principal components. Axes and distances between far groups have no meaning."
        )
    }
}
