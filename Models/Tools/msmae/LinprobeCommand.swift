import Apus
import ArgumentParser
import MSMAE
import ToolOptions

struct LinprobeCommand: ParsableCommand, RankedCommand {
    static let configuration = CommandConfiguration(
        commandName: "linprobe",
        abstract:
            "Trains a linear head on a frozen encoder: how well classes can be told apart by what it has learned.",
        discussion: """
            DATA holds one folder of images for each class in train/ and in val/. The head is a batch normalisation without weights and a \
            linear layer, trained by LARS, with MAE's defaults. The run's folder gets the files that msmae finetune writes. A file given by \
            --config has the same names as keys; the command line wins.
            """)

    @OptionGroup var training: RunOptions
    @OptionGroup var settings: SettingsOptions<LinearProbingSettings>

    func run() throws { try training.train(ClassifierTask<LinearProbingSettings>.self, settings) }
}
