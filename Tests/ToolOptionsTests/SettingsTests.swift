import Apus
import ArgumentParser
import Foundation
import MSMAE
import Testing
import ToolOptions

/// Every setting of every workflow, from its declaration to the command line, files and back.
@Suite struct SettingsTests {
    /// A value that a setting can have and that is not its default.
    private func sample<Settings: RunSettings>(_ setting: Setting<Settings>) throws -> SettingValue {
        let standard = setting.read(Settings())
        if let choices = setting.choices {
            return .text(try #require(choices.first { .text($0) != standard }))
        }
        switch (setting.form, standard) {
        case (.flag, .flag(let flag)): return .flag(!flag)
        case (.integer, .integer(let number)): return .integer(number + 3)
        case (.integer, _): return .integer(7)
        case (.number, .number(0.625)): return .number(0.5)
        case (.number, _): return .number(0.625)
        case (.numbers, nil): return .text("-160.5,240")
        case (.numbers, _): return .text("20000,90000000")
        case (.text, _): return .text(setting.isPath ? "/somewhere/else" : "1.5GB")
        case (.flag, _): throw SettingError.missing(name: setting.name)
        }
    }

    private func arguments<Settings: RunSettings>(_ setting: Setting<Settings>, _ value: SettingValue) -> [String] {
        switch value {
        case .flag(let flag): [flag ? "--\(setting.name)" : "--no-\(setting.name)"]
        default: ["--\(setting.name)", value.description]
        }
    }

    private func walk<Settings: RunSettings>(_: Settings.Type) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("settings-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }

        // Without the line breaks: long names have a line of their own.
        let help = SettingsOptions<Settings>.helpMessage(columns: 4000).split { $0.isWhitespace }.joined(separator: " ")
        #expect(Set(Settings.all.map(\.name)).count == Settings.all.count)
        for setting in Settings.all {
            let value = try sample(setting)

            let option =
                setting.form == .flag
                ? "--\(setting.name)/--no-\(setting.name)" : "--\(setting.name) <\(setting.valueName ?? setting.name)>"
            #expect(help.contains("\(option) \(setting.help)"), "\(setting.name)")
            #expect(setting.help.hasPrefix(setting.meaning) && setting.meaning.hasSuffix("."), "\(setting.name)")
            let standard = setting.defaultText
            #expect(standard != nil || setting.isRequired, "\(setting.name)")
            #expect(standard.map { setting.help.hasSuffix("default: \($0))") } ?? true, "\(setting.help)")
            let values = setting.choices.map { "(values: \($0.joined(separator: ", ")); default: " } ?? ""
            #expect(values.isEmpty || setting.help.contains(values), "\(setting.help)")

            let options = try SettingsOptions<Settings>.parse(arguments(setting, value))
            #expect(options.given == [setting.name: value])

            let given = options.given.merging(["data": .text("/data")]) { first, _ in first }
            let settings = try Settings().changed(by: given)
            #expect(setting.read(settings) == value, "\(setting.name)")
            #expect(try Settings(json: settings.json) == settings, "\(setting.name)")

            let quoted = if case .text(let text) = value { "\"\(text)\"" } else { value.description }
            let file = folder + "/settings.yaml"
            try "\(setting.name): \(quoted)\n".write(toFile: file, atomically: true, encoding: .utf8)
            #expect(try SettingsFile.read(file, for: Settings.self) == [setting.name: value])
        }
    }

    @Test(arguments: RunKind.allCases)
    func aSettingIsReachedFromEverywhereAndSurvives(kind: RunKind) throws {
        func open<Settings: ModelSettings>(_ settings: Settings.Type) throws { try walk(settings) }
        try open(kind.settings)
    }

    @Test(arguments: RunKind.allCases)
    func aRecipeHoldsEverySetting(kind: RunKind) throws {
        func open<Settings: ModelSettings>(_ settings: Settings.Type) throws {
            for setting in Settings.all {
                var recipe = try RecipeFile.read("phantom")
                let value = try sample(setting)
                try recipe.set("\(kind.rawValue).\(setting.name)", value)
                #expect(recipe.settings(kind)[setting.name] == value)
                let text = try RecipeFile.text(of: recipe)
                let file = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).yaml")
                try text.write(to: file, atomically: true, encoding: .utf8)
                defer { try? FileManager.default.removeItem(at: file) }
                #expect(try RecipeFile.read(file.path) == recipe)
            }
        }
        try open(kind.settings)
    }

    @Test func theCommandLineSaysWhatIsWrong() {
        func message(_ arguments: [String]) -> String {
            do {
                _ = try SettingsOptions<PreTrainingSettings>.parse(arguments)
                return ""
            } catch {
                return SettingsOptions<PreTrainingSettings>.message(for: error)
            }
        }
        #expect(message(["--epocs", "3"]) == "Unknown option '--epocs'. Did you mean '--epochs'?")
        #expect(message(["--epochs", "x"]).hasPrefix("The value 'x' is invalid for '--epochs <epochs>'"))
        #expect(message(["--epochs"]).hasPrefix("Missing value for '--epochs <epochs>'"))
        #expect(message(["--window", "-160,240", "--no-norm-pix-loss"]) == "")
    }

    @Test(arguments: [
        ("batch_size", "batch"), ("--batch-size", nil), ("input_size", "image-size"), ("data_path", "data"),
        ("model", "preset"), ("num_workers", "threads"), ("norm_pix", "norm-pix-loss"), ("print_freq", "log-every"),
        ("epoch", "epochs"), ("Epochs", "epochs"), ("warmup_epoch", "warmup-epochs"), ("mask_ration", "mask-ratio"),
        ("output_dir", nil), ("nb_classes", nil), ("device", nil), ("x", nil), ("", nil), ("quantization", nil),
    ])
    func namesOfOtherProgramsAreUnderstood(name: String, meant: String?) {
        #expect(UnknownSetting.meant(by: name, among: PreTrainingSettings.all.map(\.name)) == meant)
    }

    @Test func anUnknownSettingSaysWhatMayHaveBeenMeant() {
        func message(_ name: String) -> String? {
            #expect(throws: SettingError.self) { try PreTrainingSettings.setting(name) }?.description
        }
        #expect(message("batch_size") == "there is no setting 'batch_size'; did you mean batch?")
        #expect(
            message("output_dir")
                == "there is no setting 'output_dir'; the folder of a run is given by --out (--help lists those that are known)"
        )
        #expect(message("quantization") == "there is no setting 'quantization'; --help lists those that are known")
    }

    /// What no setting has another name for would be a suggestion that is refused too.
    @Test func otherNamesAreOfSettingsThatThereAre() {
        func names<Settings: ModelSettings>(_: Settings.Type) -> [String] { Settings.all.map(\.name) }
        let known = Set(RunKind.allCases.flatMap { names($0.settings) })
        #expect(UnknownSetting.suggestions.isSubset(of: known))
        #expect(UnknownSetting.suggestions.count > 10)
    }

    @Test func optionsMayHaveUnderscores() {
        #expect(
            OptionNames.normalized(["pretrain", "--mask_ratio", "0.4", "--min_lr=1_0", "a_b", "-x_y", "--", "--c_d"])
                == ["pretrain", "--mask-ratio", "0.4", "--min-lr=1_0", "a_b", "-x_y", "--", "--c_d"])
    }

    @Test(arguments: [
        ("Unknown option '--batch-size'", "Unknown option '--batch-size'. Did you mean '--batch'?"),
        (
            "Unknown option '--nb-classes'",
            "Unknown option '--nb-classes': the classes are the folders of images in train/."
        ),
        (
            "Unknown option '--mask-ratio'",
            "Unknown option '--mask-ratio': other commands have it, and this one does not."
        ),
        ("Unknown option '--x'", "Unknown option '--x'"),
        ("Missing value for '--batch'", "Missing value for '--batch'"),
        ("Unknown option '--epocs'. Did you mean '--epochs'?", "Unknown option '--epocs'. Did you mean '--epochs'?"),
    ])
    func unknownOptionsAreExplained(message: String, explained: String) {
        #expect(OptionNames.explained(message) == explained)
    }

    @Test func theLastOfTwoValuesCounts() throws {
        let options = try SettingsOptions<FineTuningSettings>.parse(["--lr", "1e-3", "--lr", "2", "--skip-unreadable"])
        #expect(options.given == ["lr": .number(2), "skip-unreadable": .flag(true)])
    }

    // MARK: - Values of a library's user

    @Test func settingsAreTypedInCode() throws {
        var settings = PreTrainingSettings()
        settings.precision = .bfloat16
        settings.memoryLimit = ByteCount("800MB")
        settings.window = try IntensityWindow(low: -160, high: 240.5)
        #expect(settings.compilerOptions.precision == .bfloat16 && settings.compilerOptions.memoryLimit == 800_000_000)
        #expect(settings.values["window"] == .text("-160,240.5"))
        settings.window = try IntensityWindow(low: 0, high: 1, offset: 5)
        #expect(try PreTrainingSettings(json: settings.json) == settings)
    }

    @Test(arguments: [
        (1, "1"), (999, "999"), (1000, "1KB"), (1500, "1.5KB"), (800_000_000, "800MB"), (1_500_000_000, "1.5GB"),
    ])
    func bytesAreWrittenInTheLargestUnit(count: Int, text: String) throws {
        #expect(try ByteCount(setting: .integer(count)).settingValue == .text(text))
    }

    @Test(arguments: [1_234_567_891, 123_456_789_012_345, 4_294_967_295, 999_999_999_999_999, 1_000_001])
    func bytesAreReadAgainAsTheyWere(count: Int) throws {
        let bytes = try ByteCount(setting: .integer(count))
        #expect(bytes.bytes == count)
        #expect(try ByteCount(setting: bytes.settingValue) == bytes)
    }

    @Test(arguments: [(5.0, "5"), (0.0, "0"), (0.75, "0.75"), (1e-6, "1e-6"), (1e-10, "1e-10"), (-2.5, "-2.5")])
    func numbersAreShort(number: Double, text: String) { #expect(number.shortText == text) }
}
