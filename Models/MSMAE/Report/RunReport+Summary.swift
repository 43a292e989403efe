import ApusReport

extension RunReport {
    /// A table of results for each kind of run.
    static func summary(_ groups: [RunGroup]) -> Page.Section {
        let blocks = [classificationTable(groups), segmentationTable(groups), preTrainingTable(groups)].flatMap { $0 } + byClass(groups)
        return Page.Section("Results", blocks)
    }

    private typealias Measure = (title: String, style: Axis.Style, decimals: Int, value: @Sendable (RecordedEvaluation.Result) -> Double?)

    private static let classificationMeasures: [Measure] = [
        ("accuracy", .percent, 1, { $0.accuracy?.value }), ("top 2", .percent, 1, { $0.top2Accuracy?.value }),
        ("macro F1", .percent, 1, { $0.macroF1?.value }), ("macro recall", .percent, 1, { $0.macroRecall?.value }),
        ("mean AUC", .number, 3, { $0.meanAUC?.value }), ("loss", .number, 3, { $0.loss?.value }),
    ]

    private static func classificationTable(_ groups: [RunGroup]) -> [Page.Block] {
        let groups = groups.filter { $0.kind.classifies }
        guard !groups.isEmpty else { return [] }
        let evaluated = groups.filter { $0.records.contains { $0.evaluation != nil } }
        var rows: [[String]] = []
        for group in evaluated {
            for (checkpoint, path) in checkpoints(of: group) {
                func result(_ record: RunRecord) -> RecordedEvaluation.Result? { record.evaluation?.result(checkpoint, path) }
                let epochs = Set(group.records.compactMap { result($0)?.epoch }).sorted().map { String($0) }
                rows.append(
                    [
                        group.name, group.kind.name, checkpoint, TokenPath(rawValue: path)?.name ?? path,
                        epochs.count > 2 ? "\(epochs[0])…\(epochs[epochs.count - 1])" : epochs.joined(separator: ", "),
                    ]
                        + classificationMeasures.map { measure in
                            group.statistics { result($0).flatMap(measure.value) }?.text(measure.style, decimals: measure.decimals) ?? ""
                        })
            }
        }
        let columns = [Table.Column("run"), .init("task"), .init("checkpoint"), .init("looks at"), .number("epoch")]
            + classificationMeasures.map { .number($0.title) }
        let images = Set(evaluated.compactMap { $0.first.evaluation?.images }).sorted().map(NumberText.whole).joined(separator: " or ")
        let table: [Page.Block] = rows.isEmpty
            ? [] : [.table(Table("Classification of \(images.isEmpty ? "the validation" : images) images", columns: columns, rows: rows))]
        return table + missing("No evaluation yet", groups.filter { group in !evaluated.contains { $0.path == group.path } })
    }

    /// Checkpoints and paths that some run of a group was evaluated with: the last one first.
    private static func checkpoints(of group: RunGroup) -> [(checkpoint: String, path: String)] {
        var seen: [(checkpoint: String, path: String)] = []
        for result in group.records.flatMap({ $0.evaluation?.results ?? [] })
        where !seen.contains(where: { $0.checkpoint == result.checkpoint && $0.path == result.path }) {
            seen.append((result.checkpoint, result.path))
        }
        let order = ["last": 0, "best": 1]
        return seen.sorted { (order[$0.checkpoint] ?? 2, $0.path) < (order[$1.checkpoint] ?? 2, $1.path) }
    }

    private static func preTrainingTable(_ groups: [RunGroup]) -> [Page.Block] {
        lastEpochTable(
            "Pre-training in its last epoch, on the training images", groups.filter { $0.kind == .preTraining },
            [
                ("loss", .number, "loss", nil), ("reconstruction loss", .number, "reconstruction_loss", nil),
                ("classification loss", .number, "classification_loss", nil), ("accuracy", .percent, "accuracy", nil),
            ])
    }

    private static func segmentationTable(_ groups: [RunGroup]) -> [Page.Block] {
        lastEpochTable(
            "Segmentation of the validation images after the last epoch", groups.filter { $0.kind == .segmentation },
            [("IoU", .percent, "iou", "all"), ("F1", .percent, "f1", "all"), ("loss", .number, "loss", "all")])
    }

    /// A row for each group with what its runs logged of their last epoch; `path` is nil for training.
    private static func lastEpochTable(
        _ caption: String, _ groups: [RunGroup], _ measures: [(title: String, style: Axis.Style, metric: String, path: String?)]
    ) -> [Page.Block] {
        let logged = groups.filter { $0.records.contains { !$0.history.epochs.isEmpty || !$0.history.validations.isEmpty } }
        let rows = logged.map { group in
            let epochs = Set(group.records.map(\.history.epochs.count)).sorted().map { String($0) }.joined(separator: ", ")
            return [group.name, epochs]
                + measures.map { measure in
                    group.statistics { $0.history.points(measure.metric, path: measure.path).last?.y }?
                        .text(measure.style, decimals: measure.style == .percent ? 1 : 4) ?? ""
                }
        }
        let table: [Page.Block] = rows.isEmpty
            ? [] : [.table(Table(caption, columns: [.init("run"), .number("epochs")] + measures.map { .number($0.title) }, rows: rows))]
        return table + missing("No epoch has ended yet", groups.filter { group in !logged.contains { $0.path == group.path } })
    }

    /// What the runs of the lowest seeds reach on each class.
    private static func byClass(_ groups: [RunGroup]) -> [Page.Block] {
        let tables: [Page.Block] = groups.filter { $0.kind.classifies }.compactMap { group in
            guard let evaluation = group.first.evaluation, let result = evaluation.result("last", "all") ?? evaluation.results.first else { return nil }
            let rows = evaluation.classes.indices.map { number in
                let count = result.confusion.map { $0[number].reduce(0, +) }
                return [
                    evaluation.classes[number], count.map(NumberText.whole) ?? "",
                    result.auc?[number].value.map { NumberText.fixed($0, 3) } ?? "",
                    result.recall?[number].value.map { NumberText.percent($0) } ?? "",
                    result.f1?[number].value.map { NumberText.percent($0) } ?? "",
                ]
            }
            return .table(
                Table(
                    "\(group.name) by class\(seedRemark(group)); a class without images has no AUC and no recall",
                    columns: [.init("class"), .number("images"), .number("AUC"), .number("recall"), .number("F1")], rows: rows))
        }
        return tables.isEmpty ? [] : [.heading("By class, last checkpoint, all tokens")] + tables
    }

    /// Which seed stands for a group of several.
    static func seedRemark(_ group: RunGroup) -> String {
        group.records.count > 1 ? " (\(group.first.path.split(separator: "/").last ?? ""))" : ""
    }

    /// One line for all groups that lack something.
    static func missing(_ what: String, _ groups: [RunGroup]) -> [Page.Block] {
        groups.isEmpty ? [] : [.note("\(what): \(groups.map(\.name).joined(separator: ", ")).")]
    }
}
