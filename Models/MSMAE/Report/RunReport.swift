import Apus
import ApusReport

/// A page about runs: what they came to, how they got there, where their models look and what they cost.
///
/// Everything on it is read from the folders of the runs, counted in the graphs of their models, or drawn by their
/// checkpoints.
public struct RunReport {
    public struct Options: Hashable, Sendable {
        /// Images of each class to draw attention and reconstructions of; none if 0, and for nil as many as fit a page.
        public var imagesPerClass: Int?
        /// Images of a batch to time the models' steps with and to plan their memory for; nil to leave both out.
        public var measuredBatch: Int?
        /// Threads to compute with; nil for one per processor.
        public var threads: Int?
        /// Whether each thread stays on a processor of its own.
        public var pinned: Bool

        public init(
            imagesPerClass: Int? = nil, measuredBatch: Int? = nil, threads: Int? = nil, pinned: Bool = false
        ) {
            (self.imagesPerClass, self.measuredBatch) = (imagesPerClass, measuredBatch)
            (self.threads, self.pinned) = (threads, pinned)
        }
    }

    public let page: Page
    /// What could not be used or drawn; the page says it too.
    public let problems: [String]

    /// Makes the page of some groups of runs; throws ``RunRecordError/noRuns`` if there is none.
    public init(_ groups: [RunGroup], _ options: Options = Options()) throws {
        guard !groups.isEmpty else { throw RunRecordError.noRuns }
        var problems = groups.flatMap { $0.records.flatMap(\.problems) }.map(\.description)
        let efficiency = try Self.efficiency(groups, options)
        let pictures =
            options.imagesPerClass == 0
            ? [] : Self.pictures(groups, options, &problems) + Self.regions(groups, options, &problems)
        let sections =
            [
                Self.summary(groups), Self.curves(groups), Self.receiverCharacteristics(groups), Self.confusion(groups),
            ].compactMap { $0 } + pictures
            + [Self.embeddings(groups, &problems), efficiency, Self.settings(groups)].compactMap { $0 }
        let problemSection = problems.isEmpty ? [] : [Page.Section("What is missing", [.list(problems)])]
        page = Page(
            title: groups.count == 1 ? "Report of \(groups[0].name)" : "Report of \(groups.count) runs",
            lead: Self.lead(groups), sections: problemSection + sections + [Self.sources(groups)])
        self.problems = problems
    }

    private static func lead(_ groups: [RunGroup]) -> String {
        let parts = groups.map { group in
            let count = group.records.count
            return "\(group.name): \(group.kind.workflow.activity)" + (count > 1 ? ", \(count) seeds" : "")
        }
        return parts.joined(separator: "; ") + "."
    }

    /// Where each number on the page comes from.
    private static func sources(_ groups: [RunGroup]) -> Page.Section {
        let kinds = Set(groups.map(\.kind))
        var lines = [
            "Losses, accuracies and learning rates over epochs: log.jsonl of each run; epochs count from 0. Training values are means over the epoch, with masking and augmentation on.",
            "Settings: config.json of each run.",
        ]
        if kinds.contains(where: \.classifies) {
            lines += [
                "Results of classification, confusion matrices and numbers by class: evaluation.json, computed on the validation images when training ended.",
                "The last checkpoint is the one to compare runs by. The best one is chosen by the validation images that it is then measured on, so its numbers are too good.",
                "ROC curves: computed here from predictions-all.csv and predictions-masked.csv of the last checkpoint; each class against all others, and the mean over classes at each false positive rate.",
            ]
        }
        lines += [
            "± is the sample deviation over seeds (n − 1). Where one run stands for several seeds, it is the one of the lowest seed.",
            "Multiply-adds and weights: counted in the graph of each model.",
        ]
        return Page.Section(
            "Where the numbers come from",
            [.list(lines), .list(groups.map { "\($0.name): \($0.records.map(\.path).joined(separator: ", "))" })])
    }
}

extension RunKind {
    /// Whether it ends in a model that tells classes, with an evaluation.
    var classifies: Bool { self == .finetune || self == .linprobe }
}

extension EvaluationPath {
    /// What the page calls it.
    var name: String { self == .all ? "all tokens" : "kept tokens" }
}

extension SeedSummary.Spread {
    /// Mean and deviation as the page writes them.
    func text(_ style: Axis.Style, decimals: Int) -> String {
        switch style {
        case .percent:
            deviation.map { "\(NumberText.fixed(mean * 100, decimals)) ± \(NumberText.percent($0, decimals))" }
                ?? NumberText.percent(mean, decimals)
        case .number:
            NumberText.fixed(mean, decimals) + (deviation.map { " ± " + NumberText.fixed($0, decimals) } ?? "")
        }
    }
}
