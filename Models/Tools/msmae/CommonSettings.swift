import ArgumentParser
import MSMAE

/// Options of the model, which all commands that train have.
struct ModelSettings: ParsableArguments {
    @Option(help: "Sizes of the model: demo, tiny, small, base, large or huge. (default: base)") var preset: String?
    @Option(help: "Side of the images in pixels; a multiple of the patch. (default: the preset's)") var imageSize: Int?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Intensities of 16-bit grey images (sample - 32768) that become black and white. (default: none, the high bytes)",
            valueName: "low,high"))
    var window: String?
    @Option(help: "The numbers to compute with. (default: fp32)") var precision: String?
    @Option(
        help:
            "Who computes matrix products: generated, openblas, or auto, which measures, so that last bits may differ from run to run. (default: generated)"
    )
    var products: String?
    @Option(
        help:
            "Memory for parameters and activations, such as 1.5GB; parts are computed again to stay below it. (default: no limit)"
    )
    var memoryLimit: String?

    /// The options that were given, by name.
    var given: [String: SettingValue] {
        settingValues(
            [
                "preset": preset, "window": window, "precision": precision, "products": products,
                "memory-limit": memoryLimit,
            ],
            ["image-size": imageSize], [:], [:])
    }
}

/// Options of running and keeping, which all commands that train have.
struct RunningSettings: ParsableArguments {
    @Option(help: "The same seed gives the same weights. (default: 0)") var seed: Int?
    @Option(help: "(default: one per processor)") var threads: Int?
    @Option(help: "Epochs from one checkpoint to the next. (default: 1)") var checkpointEvery: Int?
    @Option(help: "Checkpoints to keep. (default: 2)") var keep: Int?
    @Option(help: "Steps from one line of the log to the next. (default: 50)") var logEvery: Int?

    /// The options that were given, by name.
    var given: [String: SettingValue] {
        settingValues(
            [:],
            [
                "seed": seed, "threads": threads, "checkpoint-every": checkpointEvery, "keep": keep,
                "log-every": logEvery,
            ], [:], [:])
    }
}
