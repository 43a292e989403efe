import ApusReport

extension RunReport {
    /// A table of results for each kind of run.
    static func summary(_ groups: [RunGroup]) -> Page.Section {
        let blocks =
            [classificationTable(groups), segmentationTable(groups), preTrainingTable(groups)].flatMap { $0 }
            + byClass(groups)
        return Page.Section("Results", blocks)
    }

    private typealias Measure = (
        title: String, style: Axis.Style, decimals: Int, value: @Sendable (EvaluationReport.Result) -> Double?
    )

    private static let classificationMeasures: [Measure] = [
        ("accuracy", .percent, 1, { $0.accuracy }), ("top 2", .percent, 1, { $0.top2Accuracy }),
        ("macro F1", .percent, 1, { $0.macroF1 }), ("macro recall", .percent, 1, { $0.macroRecall }),
        ("mean AUC", .number, 3, { $0.meanAUC }), ("loss", .number, 3, { $0.loss }),
    ]

    private static func classificationTable(_ groups: [RunGroup]) -> [Page.Block] {
        let groups = groups.filter { $0.kind.classifies }
        let evaluated = groups.filter { $0.records.contains { $0.evaluation != nil } }
        let last = resultTable("last checkpoint", evaluated) { $0 == "last" }
        let best = resultTable("best checkpoint, chosen by the images it is measured on", evaluated) { $0 == "best" }
        let others = resultTable("other checkpoints", evaluated) { $0 != "last" && $0 != "best" }
        return last + others + (best.isEmpty ? [] : [.details("The best checkpoints", best)])
            + missing("No evaluation yet", groups.filter { group in !evaluated.contains { $0.path == group.path } })
    }

    /// A row for each group, checkpoint and path; none if there are no such results.
    private static func resultTable(_ which: String, _ groups: [RunGroup], _ isWanted: (String) -> Bool) -> [Page.Block]
    {
        let severalKinds = Set(groups.map(\.kind)).count > 1
        var rows: [[String]] = [], images: Set<Int> = []
        for group in groups {
            for (checkpoint, path) in checkpoints(of: group) where isWanted(checkpoint) {
                func result(_ record: RunRecord) -> EvaluationReport.Result? {
                    record.evaluation?.result(checkpoint, path)
                }
                let epochs = Set(group.records.compactMap { result($0)?.epoch }).sorted()
                let name = group.name + (["last", "best"].contains(checkpoint) ? "" : ", \(checkpoint)")
                rows.append(
                    [severalKinds ? "\(name), \(group.kind.workflow.activity)" : name, path.name]
                        + classificationMeasures.map { measure in
                            group.spread { result($0).flatMap(measure.value) }?.text(
                                measure.style, decimals: measure.decimals) ?? ""
                        } + [epochs.map { String($0) }.joined(separator: ", ")])
            }
            images.formUnion(group.records.compactMap { $0.evaluation?.images })
        }
        guard !rows.isEmpty else { return [] }
        let count = images.isEmpty ? "the validation" : images.sorted().map(NumberText.whole).joined(separator: " or ")
        let columns =
            [Table.Column("run"), .init("looks at")] + classificationMeasures.map { .number($0.title) } + [
                .number("epoch")
            ]
        return [.table(Table("Classification of \(count) images, \(which)", columns: columns, rows: rows))]
    }

    /// Checkpoints and paths that some run of a group was evaluated with.
    private static func checkpoints(of group: RunGroup) -> [(checkpoint: String, path: EvaluationPath)] {
        var seen: [(checkpoint: String, path: EvaluationPath)] = []
        for result in group.records.flatMap({ $0.evaluation?.results ?? [] })
        where !seen.contains(where: { $0.checkpoint == result.checkpoint && $0.path == result.path }) {
            seen.append((result.checkpoint, result.path))
        }
        return seen
    }

    private static func preTrainingTable(_ groups: [RunGroup]) -> [Page.Block] {
        lastEpochTable(
            "Pre-training in its last epoch, on the training images", groups.filter { $0.kind == .pretrain },
            [
                ("loss", .number, "loss", nil), ("reconstruction loss", .number, "reconstruction_loss", nil),
                ("classification loss", .number, "classification_loss", nil), ("accuracy", .percent, "accuracy", nil),
            ])
    }

    private static func segmentationTable(_ groups: [RunGroup]) -> [Page.Block] {
        let groups = groups.filter { $0.kind == .segment },
            evaluated = groups.filter { $0.records.contains { $0.segmentation != nil } }
        func table(_ checkpoint: String, _ remark: String) -> [Page.Block] {
            let rows = evaluated.compactMap { group -> [String]? in
                func text(_ style: Axis.Style, _ value: (SegmentationReport.Result) -> Double) -> String {
                    let spread = group.spread {
                        $0.segmentation?.results.first { $0.checkpoint == checkpoint }.map(value)
                    }
                    return spread?.text(style, decimals: style == .percent ? 1 : 3) ?? ""
                }
                guard
                    group.records.contains(where: {
                        $0.segmentation?.results.contains { $0.checkpoint == checkpoint } == true
                    })
                else { return nil }
                return [
                    group.name, text(.percent) { $0.iou }, text(.percent) { $0.meanF1 }, text(.percent) { $0.imageIoU },
                    text(.percent) { $0.imageF1 },
                    text(.number) { $0.loss },
                ]
            }
            let columns =
                [Table.Column("run")] + ["IoU", "F1", "IoU by image", "F1 by image", "loss"].map { .number($0) }
            return rows.isEmpty
                ? [] : [.table(Table("Segmentation of the validation images, \(remark)", columns: columns, rows: rows))]
        }
        let best = table("best", "best checkpoint, chosen by the images it is measured on")
        return table("last", "last checkpoint") + (best.isEmpty ? [] : [.details("The best checkpoints", best)])
            + lastEpochTable(
                "Segmentation of the validation images after the last epoch so far",
                groups.filter { group in !evaluated.contains { $0.path == group.path } },
                [("IoU", .percent, "iou", "all"), ("F1", .percent, "f1", "all"), ("loss", .number, "loss", "all")])
    }

    /// A row for each group with what its runs logged of their last epoch; `path` is nil for training.
    private static func lastEpochTable(
        _ caption: String, _ groups: [RunGroup],
        _ measures: [(title: String, style: Axis.Style, metric: String, path: String?)]
    ) -> [Page.Block] {
        let logged = groups.filter {
            $0.records.contains { !$0.history.epochs.isEmpty || !$0.history.validations.isEmpty }
        }
        let rows = logged.map { group in
            let epochs = Set(group.records.map(\.history.epochs.count)).sorted().map { String($0) }.joined(
                separator: ", ")
            return [group.name, epochs]
                + measures.map { measure in
                    group.spread { $0.history.points(measure.metric, path: measure.path).last?.y }?
                        .text(measure.style, decimals: measure.style == .percent ? 1 : 4) ?? ""
                }
        }
        let table: [Page.Block] =
            rows.isEmpty
            ? []
            : [
                .table(
                    Table(
                        caption, columns: [.init("run"), .number("epochs")] + measures.map { .number($0.title) },
                        rows: rows))
            ]
        return table
            + missing("No epoch has ended yet", groups.filter { group in !logged.contains { $0.path == group.path } })
    }

    /// What the runs of the lowest seeds reach on each class.
    private static func byClass(_ groups: [RunGroup]) -> [Page.Block] {
        let tables: [Page.Block] = groups.filter { $0.kind.classifies }.compactMap { group in
            guard let evaluation = group.first.evaluation,
                let result = evaluation.result("last", .all) ?? evaluation.results.first
            else { return nil }
            let rows = evaluation.classes.indices.map { number in
                return [
                    evaluation.classes[number], NumberText.whole(result.confusion[number].reduce(0, +)),
                    result.auc[number].map { NumberText.fixed($0, 3) } ?? "",
                    result.recall[number].map { NumberText.percent($0) } ?? "",
                    result.f1[number].map { NumberText.percent($0) } ?? "",
                ]
            }
            return .table(
                Table(
                    "\(group.name) by class\(seedRemark(group)); a class without images has no AUC and no recall",
                    columns: [.init("class"), .number("images"), .number("AUC"), .number("recall"), .number("F1")],
                    rows: rows))
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
