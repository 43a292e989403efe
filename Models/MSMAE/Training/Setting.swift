import Apus

/// One setting of a pre-training run: its name, what it may be, and where it is kept.
///
/// The command line, configuration files, the saved `config.json` and the comparison with a resumed run all go by ``all``.
public struct Setting: Sendable {
    /// The name, in kebab case.
    public let name: String
    /// Whether a run with another value would give other weights; such a value cannot change when a run is resumed.
    public let shapesTheResult: Bool
    /// The value in some settings, nil where it is not set.
    let read: @Sendable (PreTrainingSettings) -> SettingValue?
    /// Sets it; throws if the value has the wrong type or is out of range.
    let write: @Sendable (inout PreTrainingSettings, SettingValue) throws(SettingError) -> Void

    /// The setting of a name; names of the public code, with underscores, are understood too.
    public static func named(_ name: String) throws(SettingError) -> Setting {
        let kebab = String(name.map { $0 == "_" ? "-" : $0 })
        guard let setting = all.first(where: { $0.name == kebab }) else { throw .unknown(name: name) }
        return setting
    }

    /// All settings, in the order in which they are documented.
    public static let all: [Setting] = [
        text("data", \.data, free: true),
        text("preset", \.preset, among: Configuration.presets.map(\.name)),
        optionalInteger("image-size", \.imageSize, Configuration.sizes),
        text("variant", \.variant, among: Configuration.Variant.allCases.map(\.rawValue)),
        text("precision", \.precision, among: Compiler.Precision.allCases.map(\.rawValue)),
        byteCount("memory-limit", \.memoryLimit),
        integer("epochs", \.epochs, 1...1_000_000),
        integer("batch", \.batch, 1...65536),
        integer("accum-iter", \.accumulation, 1...65536),
        number("blr", \.baseLearningRate, 0...Double.greatestFiniteMagnitude),
        optionalNumber("lr", \.learningRate, 0...Double.greatestFiniteMagnitude),
        number("min-lr", \.minimumLearningRate, 0...Double.greatestFiniteMagnitude),
        number("warmup-epochs", \.warmupEpochs, 0...1_000_000),
        number("weight-decay", \.weightDecay, 0...Double.greatestFiniteMagnitude),
        number("mask-ratio", \.maskRatio, 0...1),
        number("throw-ratio", \.throwRatio, 0...1),
        number("random-mask-ratio", \.randomMaskRatio, 0...1),
        flag("norm-pix-loss", \.normalizePixels),
        number("classification-loss-weight", \.classificationLossWeight, 0...Double.greatestFiniteMagnitude),
        integer("attention-start", \.attentionStart, 0...1_000_000),
        integer("attention-interval", \.attentionInterval, 1...1_000_000),
        integer("seed", \.seed, 0...Int.max),
        flag("skip-unreadable", \.skipUnreadable, free: true),
        optionalInteger("threads", \.threads, 1...1024, free: true),
        integer("checkpoint-every", \.checkpointInterval, 1...1_000_000, free: true),
        integer("keep", \.keptCheckpoints, 1...1_000_000, free: true),
        integer("log-every", \.logInterval, 1...1_000_000_000, free: true),
    ]
}

/// How each type of setting is read, checked and written; `free` ones do not shape the result.
extension Setting {
    private typealias Key<Value> = WritableKeyPath<PreTrainingSettings, Value> & Sendable

    private static func text(_ name: String, _ key: Key<String>, among allowed: [String]? = nil, free: Bool = false) -> Setting {
        Setting(name: name, shapesTheResult: !free, read: { .text($0[keyPath: key]) }) { (settings, value) throws(SettingError) in
            guard case .text(let text) = value else { throw .wrongType(name: name, value: value, wanted: "a text") }
            if let allowed, !allowed.contains(text) {
                throw .outOfRange(name: name, value: value, allowed: "one of \(allowed.joined(separator: ", "))")
            }
            settings[keyPath: key] = text
        }
    }

    /// Bytes with a unit. What is computed again gives the same bits, so it does not shape the result.
    private static func byteCount(_ name: String, _ key: Key<String?>) -> Setting {
        Setting(name: name, shapesTheResult: false, read: { $0[keyPath: key].map { .text($0) } }) { (settings, value) throws(SettingError) in
            guard ByteCount(value.description) != nil else {
                throw .outOfRange(name: name, value: value, allowed: "a number of bytes above 0, such as 1.5GB or 800MB")
            }
            settings[keyPath: key] = value.description
        }
    }

    private static func flag(_ name: String, _ key: Key<Bool>, free: Bool = false) -> Setting {
        Setting(name: name, shapesTheResult: !free, read: { .flag($0[keyPath: key]) }) { (settings, value) throws(SettingError) in
            guard case .flag(let flag) = value else { throw .wrongType(name: name, value: value, wanted: "true or false") }
            settings[keyPath: key] = flag
        }
    }

    private static func integer(_ name: String, _ key: Key<Int>, _ range: ClosedRange<Int>, free: Bool = false) -> Setting {
        Setting(name: name, shapesTheResult: !free, read: { .integer($0[keyPath: key]) }) { (settings, value) throws(SettingError) in
            settings[keyPath: key] = try integer(value, name, range)
        }
    }

    private static func optionalInteger(_ name: String, _ key: Key<Int?>, _ range: ClosedRange<Int>, free: Bool = false) -> Setting {
        Setting(name: name, shapesTheResult: !free, read: { $0[keyPath: key].map { .integer($0) } }) { (settings, value) throws(SettingError) in
            settings[keyPath: key] = try integer(value, name, range)
        }
    }

    private static func number(_ name: String, _ key: Key<Double>, _ range: ClosedRange<Double>) -> Setting {
        Setting(name: name, shapesTheResult: true, read: { .number($0[keyPath: key]) }) { (settings, value) throws(SettingError) in
            settings[keyPath: key] = try number(value, name, range)
        }
    }

    private static func optionalNumber(_ name: String, _ key: Key<Double?>, _ range: ClosedRange<Double>) -> Setting {
        Setting(name: name, shapesTheResult: true, read: { $0[keyPath: key].map { .number($0) } }) { (settings, value) throws(SettingError) in
            settings[keyPath: key] = try number(value, name, range)
        }
    }

    private static func integer(_ value: SettingValue, _ name: String, _ range: ClosedRange<Int>) throws(SettingError) -> Int {
        guard case .integer(let integer) = value else { throw .wrongType(name: name, value: value, wanted: "a whole number") }
        guard range.contains(integer) else {
            throw .outOfRange(name: name, value: value, allowed: "from \(range.lowerBound) to \(range.upperBound)")
        }
        return integer
    }

    private static func number(_ value: SettingValue, _ name: String, _ range: ClosedRange<Double>) throws(SettingError) -> Double {
        let number: Double
        switch value {
        case .number(let given): number = given
        case .integer(let given): number = Double(given)
        case .flag, .text: throw .wrongType(name: name, value: value, wanted: "a number")
        }
        guard range.contains(number) else {
            let hasEnd = range.upperBound < .greatestFiniteMagnitude
            throw .outOfRange(
                name: name, value: value,
                allowed: hasEnd ? "from \(text(range.lowerBound)) to \(text(range.upperBound))" : "a number from \(text(range.lowerBound)) on")
        }
        return number
    }

    /// Whole numbers without a fraction.
    private static func text(_ number: Double) -> String { Int(exactly: number).map { String($0) } ?? String(number) }
}
