import Apus

/// One setting of a run: its name, what it may be, and where it is kept.
///
/// The command line, configuration files, the saved `config.json` and the comparison with a resumed run all go by
/// ``RunSettings/all``.
public struct Setting<Settings: RunSettings>: Sendable {
    /// The name, in kebab case.
    public let name: String
    /// Whether a run with another value would give other weights; such a value cannot change when a run is resumed.
    public let shapesTheResult: Bool
    /// Whether the value is a path, or `none`.
    var isPath = false
    /// The value in some settings, nil where it is not set.
    let read: @Sendable (Settings) -> SettingValue?
    /// Sets it; throws if the value has the wrong type or is out of range.
    let write: @Sendable (inout Settings, SettingValue) throws(SettingError) -> Void
}

/// Settings that runs of every kind have.
extension Setting {
    /// The data and the model's size.
    public static var model: [Setting] {
        [
            path("data", \.data, free: true),
            text("preset", \.preset, among: Configuration.presets.map(\.name)),
            optionalInteger("image-size", \.imageSize, Configuration.sizes),
            window("window", \.window),
            text("precision", \.precision, among: Compiler.Precision.allCases.map(\.rawValue)),
            choice("products", \.products),
            byteCount("memory-limit", \.memoryLimit),
        ]
    }

    /// How long and in what portions a run trains.
    public static var length: [Setting] {
        [
            integer("epochs", \.epochs, 1...1_000_000),
            integer("batch", \.batch, 1...65536),
            integer("accum-iter", \.accumulation, 1...65536),
        ]
    }

    /// The seed, and what does not shape the result.
    public static var running: [Setting] {
        [
            integer("seed", \.seed, 0...Int.max),
            flag("skip-unreadable", \.skipUnreadable, free: true),
            optionalInteger("threads", \.threads, 1...1024, free: true),
            integer("checkpoint-every", \.checkpointInterval, 1...1_000_000, free: true),
            integer("keep", \.keptCheckpoints, 1...1_000_000, free: true),
            integer("log-every", \.logInterval, 1...1_000_000_000, free: true),
        ]
    }
}

extension Setting where Settings: WarmupSettings {
    /// The learning rate, and what the optimizer does beside following it.
    public static var rates: [Setting] {
        [
            number("blr", \.baseLearningRate, 0...Double.greatestFiniteMagnitude),
            optionalNumber("lr", \.learningRate, 0...Double.greatestFiniteMagnitude),
            number("min-lr", \.minimumLearningRate, 0...Double.greatestFiniteMagnitude),
            number("warmup-epochs", \.warmupEpochs, 0...1_000_000),
            number("weight-decay", \.weightDecay, 0...Double.greatestFiniteMagnitude),
            optionalNumber("clip-grad", \.clippingNorm, 0...Double.greatestFiniteMagnitude),
            optionalNumber("ema", \.averageDecay, 0...0.999999),
        ]
    }
}

/// How each type of setting is read, checked and written; `free` ones do not shape the result.
extension Setting {
    typealias Key<Value> = WritableKeyPath<Settings, Value> & Sendable

    static func text(_ name: String, _ key: Key<String>, among allowed: [String]? = nil, free: Bool = false) -> Setting
    {
        Setting(name: name, shapesTheResult: !free, read: { .text($0[keyPath: key]) }) {
            (settings, value) throws(SettingError) in
            guard case .text(let text) = value else { throw .wrongType(name: name, value: value, wanted: "a text") }
            if let allowed, !allowed.contains(text) {
                throw .outOfRange(name: name, value: value, allowed: "one of \(allowed.joined(separator: ", "))")
            }
            settings[keyPath: key] = text
        }
    }

    /// A file or folder; see ``RunSettings/noFile``.
    static func path(_ name: String, _ key: Key<String>, free: Bool = false) -> Setting {
        var setting = text(name, key, free: free)
        setting.isPath = true
        return setting
    }

    /// One of the cases of a type.
    static func choice<Value: RawRepresentable & CaseIterable & Sendable>(_ name: String, _ key: Key<Value>) -> Setting
    where Value.RawValue == String {
        Setting(name: name, shapesTheResult: true, read: { .text($0[keyPath: key].rawValue) }) {
            (settings, value) throws(SettingError) in
            guard let choice = Value(rawValue: value.description) else {
                let names = Value.allCases.map(\.rawValue).joined(separator: ", ")
                throw .outOfRange(name: name, value: value, allowed: "one of \(names)")
            }
            settings[keyPath: key] = choice
        }
    }

    /// Bytes with a unit. What is computed again gives the same bits, so it does not shape the result.
    static func byteCount(_ name: String, _ key: Key<String?>) -> Setting {
        Setting(name: name, shapesTheResult: false, read: { $0[keyPath: key].map { .text($0) } }) {
            (settings, value) throws(SettingError) in
            guard ByteCount(value.description) != nil else {
                throw .outOfRange(
                    name: name, value: value, allowed: "a number of bytes above 0, such as 1.5GB or 800MB")
            }
            settings[keyPath: key] = value.description
        }
    }

    static func window(_ name: String, _ key: Key<String?>) -> Setting {
        Setting(name: name, shapesTheResult: true, read: { $0[keyPath: key].map { .text($0) } }) {
            (settings, value) throws(SettingError) in
            guard (try? IntensityWindow(value.description)) != nil else {
                throw .outOfRange(
                    name: name, value: value, allowed: "two numbers, the lower one first, such as -1024,3071")
            }
            settings[keyPath: key] = value.description
        }
    }

    static func flag(_ name: String, _ key: Key<Bool>, free: Bool = false) -> Setting {
        Setting(name: name, shapesTheResult: !free, read: { .flag($0[keyPath: key]) }) {
            (settings, value) throws(SettingError) in
            guard case .flag(let flag) = value else {
                throw .wrongType(name: name, value: value, wanted: "true or false")
            }
            settings[keyPath: key] = flag
        }
    }

    static func integer(_ name: String, _ key: Key<Int>, _ range: ClosedRange<Int>, free: Bool = false) -> Setting {
        Setting(name: name, shapesTheResult: !free, read: { .integer($0[keyPath: key]) }) {
            (settings, value) throws(SettingError) in
            settings[keyPath: key] = try integer(value, name, range)
        }
    }

    static func optionalInteger(_ name: String, _ key: Key<Int?>, _ range: ClosedRange<Int>, free: Bool = false)
        -> Setting
    {
        Setting(name: name, shapesTheResult: !free, read: { $0[keyPath: key].map { .integer($0) } }) {
            (settings, value) throws(SettingError) in
            settings[keyPath: key] = try integer(value, name, range)
        }
    }

    static func number(_ name: String, _ key: Key<Double>, _ range: ClosedRange<Double>) -> Setting {
        Setting(name: name, shapesTheResult: true, read: { .number($0[keyPath: key]) }) {
            (settings, value) throws(SettingError) in
            settings[keyPath: key] = try number(value, name, range)
        }
    }

    static func optionalNumber(_ name: String, _ key: Key<Double?>, _ range: ClosedRange<Double>) -> Setting {
        Setting(name: name, shapesTheResult: true, read: { $0[keyPath: key].map { .number($0) } }) {
            (settings, value) throws(SettingError) in
            settings[keyPath: key] = try number(value, name, range)
        }
    }

    private static func integer(_ value: SettingValue, _ name: String, _ range: ClosedRange<Int>) throws(SettingError)
        -> Int
    {
        guard case .integer(let integer) = value else {
            throw .wrongType(name: name, value: value, wanted: "a whole number")
        }
        guard range.contains(integer) else {
            throw .outOfRange(name: name, value: value, allowed: "from \(range.lowerBound) to \(range.upperBound)")
        }
        return integer
    }

    private static func number(_ value: SettingValue, _ name: String, _ range: ClosedRange<Double>) throws(SettingError)
        -> Double
    {
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
                allowed: hasEnd
                    ? "from \(text(range.lowerBound)) to \(text(range.upperBound))"
                    : "a number from \(text(range.lowerBound)) on")
        }
        return number
    }

    /// Whole numbers without a fraction.
    private static func text(_ number: Double) -> String { Int(exactly: number).map { String($0) } ?? String(number) }
}
