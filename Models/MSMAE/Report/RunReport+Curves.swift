import Apus
import ApusReport

extension RunReport {
    /// A line that a chart can hold: a metric of training, or of validation on a path.
    private struct Source {
        let name: String, metric: String
        var path: String?
    }

    /// What is drawn of a kind of run.
    private struct Plan {
        let title: String, axis: Axis
        let sources: [Source]
    }

    private static let loss = Axis("loss", limits: 0...Double.greatestFiniteMagnitude)
    private static func share(_ name: String) -> Axis { Axis(name, style: .percent, limits: 0...1) }

    private static func validated(_ metric: String) -> [Source] {
        EvaluationPath.allCases.map { Source(name: "validation, \($0.name)", metric: metric, path: $0.rawValue) }
    }

    private static func plans(_ kind: RunKind) -> [Plan] {
        let rate = Plan(
            title: "Learning rate", axis: Axis("learning rate", limits: 0...Double.greatestFiniteMagnitude),
            sources: [Source(name: "training", metric: "lr")])
        func training(_ metric: String) -> [Source] { [Source(name: "training", metric: metric)] }
        switch kind {
        case .pretrain:
            return [
                Plan(title: "Loss", axis: loss, sources: training("loss")),
                Plan(title: "Reconstruction loss", axis: loss, sources: training("reconstruction_loss")),
                Plan(title: "Classification loss", axis: loss, sources: training("classification_loss")),
                Plan(title: "Accuracy", axis: share("accuracy"), sources: training("accuracy")), rate,
            ]
        case .finetune, .linprobe:
            return [
                Plan(title: "Loss", axis: loss, sources: training("loss") + validated("loss")),
                Plan(title: "Accuracy", axis: share("accuracy"), sources: training("accuracy") + validated("accuracy")),
                Plan(title: "Mean AUC", axis: Axis("mean AUC", limits: 0...1), sources: validated("mean_auc")),
                Plan(title: "Macro F1", axis: share("macro F1"), sources: validated("macro_f1")), rate,
            ]
        case .segment:
            let validation = { [Source(name: "validation", metric: $0, path: "all")] }
            return [
                Plan(title: "Loss", axis: loss, sources: training("loss") + validation("loss")),
                Plan(title: "IoU", axis: share("IoU"), sources: validation("iou")),
                Plan(title: "F1", axis: share("F1"), sources: validation("f1")), rate,
            ]
        }
    }

    /// Losses, accuracies and learning rates over the epochs, for each kind of run.
    static func curves(_ groups: [RunGroup]) -> Page.Section? {
        let styles = Dictionary(uniqueKeysWithValues: groups.enumerated().map { ($1.name, SeriesStyle.numbered($0)) })
        let kinds = RunKind.allCases.filter { kind in groups.contains { $0.kind == kind } }
        var blocks: [Page.Block] = []
        for kind in kinds {
            let own = groups.filter { $0.kind == kind }
            let charts = plans(kind).flatMap { self.charts($0, kind, own, styles) }
            guard !charts.isEmpty else { continue }
            if kinds.count > 1 {
                blocks.append(
                    .heading(kind.workflow.activity.prefix(1).uppercased() + kind.workflow.activity.dropFirst()))
            }
            blocks.append(.figures(charts.map { Page.CaptionedFigure($0.figure) }))
            if own.contains(where: { $0.records.count > 1 }) {
                blocks.append(.note("Lines are means over seeds; bands are one sample deviation up and down."))
            }
            if kind == .pretrain { blocks += maskingRemark(own) }
        }
        return blocks.isEmpty ? nil : Page.Section("Losses and accuracy", blocks)
    }

    private static func maskingRemark(_ groups: [RunGroup]) -> [Page.Block] {
        let starts = groups.compactMap { group -> String? in
            guard case .integer(let epoch)? = group.first.settings["attention-start"],
                let last = group.first.history.epochs.map(\.epoch).max(), epoch <= last
            else { return nil }
            return groups.count == 1 ? "epoch \(epoch)" : "epoch \(epoch) (\(group.name))"
        }
        return starts.isEmpty
            ? []
            : [
                .note(
                    "From \(starts.joined(separator: ", ")) on, attention chooses what is masked: losses before and after are of different tasks."
                )
            ]
    }

    /// All sources in one chart for a single group; else one chart for each source, with a line for each group.
    private static func charts(_ plan: Plan, _ kind: RunKind, _ groups: [RunGroup], _ styles: [String: SeriesStyle])
        -> [LineChart]
    {
        let epochs = Axis("epoch", isWhole: true)
        func chart(_ title: String, _ series: [LineChart.Series]) -> [LineChart] {
            guard series.contains(where: { $0.points.contains { $0.y.isFinite } }) else { return [] }
            return [
                LineChart(name: "\(kind.rawValue) \(title)".slug, title: title, x: epochs, y: plan.axis, series: series)
            ]
        }
        if groups.count == 1 {
            // The same colour for the same source in every chart.
            let lines = plan.sources.compactMap {
                series($0.name, $0, groups[0], style: .numbered($0.path == nil ? 0 : $0.path == "all" ? 1 : 2))
            }
            return chart(plan.title, lines)
        }
        return plan.sources.flatMap { source in
            let lines = groups.compactMap { series($0.name, source, $0, style: styles[$0.name] ?? .numbered(0)) }
            return chart(plan.sources.count > 1 ? "\(plan.title), \(source.name)" : plan.title, lines)
        }
    }

    /// The mean of a metric over the runs of a group, epoch by epoch; nil if none has logged it.
    private static func series(_ name: String, _ source: Source, _ group: RunGroup, style: SeriesStyle) -> LineChart
        .Series?
    {
        var values: [Double: [Double]] = [:]
        for point in group.records.flatMap({ $0.history.points(source.metric, path: source.path) }) {
            values[point.x, default: []].append(point.y)
        }
        guard !values.isEmpty else { return nil }
        let epochs = values.keys.sorted(), spreads = epochs.map { SeedSummary.Spread(of: values[$0] ?? []) }
        let deviations = group.records.count > 1 ? spreads.map { $0.deviation ?? 0 } : []
        return LineChart.Series(
            name, zip(epochs, spreads).map { Point($0, $1.mean) }, deviations: deviations, style: style)
    }
}
