import Apus
import ApusInspection
import ApusReport
import Foundation

extension RunReport {
    /// What a step of a model costs.
    private struct Cost {
        let name: String
        /// Tokens of the encoder, with the class token.
        let tokens: Int
        let cost: ModelCost
        /// Measured seconds for one image, and bytes of weights, optimizer and activations of the program.
        var seconds: Double?, bytes: Int?
    }

    /// What the runs' models cost as ViT, as MAE and as MSMAE: in training and in use.
    static func efficiency(_ groups: [RunGroup], _ options: Options) throws -> Page.Section? {
        var blocks: [Page.Block] = [], seen: [(configuration: Configuration, names: [String])] = []
        for group in groups {
            guard let configuration = configuration(of: group.first) else { continue }
            if let index = seen.firstIndex(where: { $0.configuration == configuration }) {
                seen[index].names.append(group.name)
            } else {
                seen.append((configuration, [group.name]))
            }
        }
        for (number, (configuration, names)) in seen.enumerated() {
            if seen.count > 1 { blocks.append(.heading(names.joined(separator: ", "))) }
            blocks += try costs(configuration, number, options)
        }
        blocks += speeds(groups)
        guard !blocks.isEmpty else { return nil }
        blocks.append(
            .note(
                "A multiply-add is two floating-point operations; publications on vision transformers count it as one FLOP. Without attention: "
                    + "without the matmuls of queries with keys and of probabilities with values. Counts are of one image's forward pass."
            ))
        return Page.Section("Efficiency", blocks)
    }

    /// The model of a run; nil if its settings name none.
    private static func configuration(of record: RunRecord) -> Configuration? {
        guard case .text(let preset)? = record.settings["preset"], var configuration = Configuration.preset(preset)
        else { return nil }
        func number(_ name: String) -> Double? {
            switch record.settings[name] {
            case .number(let number): number
            case .integer(let number): Double(number)
            default: nil
            }
        }
        if case .integer(let image)? = record.settings["image-size"] { configuration.image = image }
        configuration.classes = max(record.classes.count, 1)
        configuration.maskRatio = number("mask-ratio") ?? configuration.maskRatio
        configuration.throwRatio = number("throw-ratio") ?? configuration.throwRatio
        configuration.randomMaskRatio = number("random-mask-ratio") ?? configuration.randomMaskRatio
        guard (try? configuration.validate()) != nil else { return nil }
        return configuration
    }

    private static func costs(_ configuration: Configuration, _ number: Int, _ options: Options) throws -> [Page.Block]
    {
        let (random, attention) = (configuration.split(.random), configuration.split(.attention))
        let steps: [(NamedStep, Configuration.Method, String, Int)] = [
            (.infer, .msmae, "ViT, and MAE fine-tuned: all tokens", configuration.tokens),
            (.inferMasked, .msmae, "MSMAE fine-tuned: kept tokens", attention.kept),
            (.attention, .msmae, "Attention map that chooses the kept", configuration.tokens),
            (.pretrainRandom, .mae, "MAE in pre-training", random.kept),
            (.pretrain, .msmae, "MSMAE in pre-training", attention.kept),
        ]
        let costs = try steps.map { step, method, name, tokens in
            var configuration = configuration
            configuration.method = method
            let model = try MaskedAutoencoder(configuration)
            var cost = Cost(
                name: name, tokens: tokens + 1, cost: ModelCost(of: try step.declaration(of: model, batch: 1).forward())
            )
            if let batch = options.measuredBatch {
                (cost.seconds, cost.bytes) = try measure(step, configuration, batch, options)
            }
            return cost
        }
        func billions(_ count: Int) -> String { NumberText.fixed(Double(count) / 1e9, count < 1_000_000_000 ? 3 : 2) }
        func row(_ cost: Cost) -> [String] {
            [
                cost.name, NumberText.whole(cost.tokens), billions(cost.cost.total), billions(cost.cost.linear),
                NumberText.fixed(Double(cost.cost.trainableWeights) / 1e6, 2),
            ]
                + (options.measuredBatch == nil
                    ? []
                    : [
                        cost.seconds.map { NumberText.fixed($0 * 1e3, 2) } ?? "",
                        cost.bytes.map { NumberText.fixed(Double($0) / 1e6, 0) } ?? "",
                    ])
        }
        var columns = [
            Table.Column("model"), .number("tokens"), .number("multiply-adds, 10⁹"), .number("without attention, 10⁹"),
            .number("weights, 10⁶"),
        ]
        if options.measuredBatch != nil { columns += [.number("ms / image"), .number("memory, MB")] }
        let size =
            "images of \(configuration.image) × \(configuration.image) pixels in patches of \(configuration.patch)"
        let bars = BarChart(
            name: "multiply-adds \(number + 1)".slug, title: "Multiply-adds for one image, 10⁹",
            parts: ["matmuls with weights", "matmuls of attention"],
            bars: costs.map {
                .init(
                    $0.name, [Double($0.cost.linear) / 1e9, Double($0.cost.attention) / 1e9],
                    text: billions($0.cost.total))
            })
        let measured = options.measuredBatch.map { batch in
            [
                Page.Block.note(
                    "Time: median of five runs of the compiled step on this machine, batch \(batch); in use a forward pass, in pre-training forward, backward and update. "
                        + "Memory: weights, optimizer and activations of that program.")
            ]
        }
        return [
            .table(
                Table(
                    "Encoder of dimension \(configuration.dim) with \(configuration.depth) blocks, \(size)",
                    columns: columns, rows: costs.map(row)))
        ]
            + (measured ?? []) + [.figures([.init(bars.figure)])]
    }

    /// Median seconds for one image, and the memory of the program.
    private static func measure(_ step: NamedStep, _ configuration: Configuration, _ batch: Int, _ options: Options)
        throws -> (Double, Int)
    {
        let trial = try StepTrial(
            step, of: configuration, batch: batch, options: CompilerOptions(), threads: options.threads,
            pinned: options.pinned)
        _ = try trial.run()
        let times = try (0..<5).map { _ in try trial.run() }.sorted()
        let program = trial.compiled.program
        return (times[2] / Double(batch), program.parameterBytes + program.activationBytes)
    }

    /// What the runs themselves have logged of their speed.
    private static func speeds(_ groups: [RunGroup]) -> [Page.Block] {
        let rows = groups.compactMap { group -> [String]? in
            let training = group.spread { $0.history.points("images_per_s", path: nil).last?.y }
            let inference = EvaluationPath.allCases.map { path in
                group.spread { $0.evaluation?.result("last", path)?.msPerImage }?.text(.number, decimals: 1) ?? ""
            }
            guard training != nil || inference.contains(where: { !$0.isEmpty }) else { return nil }
            return [group.name, training?.text(.number, decimals: 1) ?? ""] + inference
        }
        guard !rows.isEmpty else { return [] }
        return [
            .table(
                Table(
                    "As the runs have logged it, on the machine they ran on",
                    columns: [.init("run"), .number("images / s in training")]
                        + EvaluationPath.allCases.map { .number("ms / image, \($0.name)") },
                    rows: rows))
        ]
    }
}
