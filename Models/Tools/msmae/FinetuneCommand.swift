import Apus
import ArgumentParser
import MSMAE
import ToolOptions

struct FinetuneCommand: ParsableCommand, RankedCommand {
    static let configuration = CommandConfiguration(
        commandName: "finetune",
        abstract: "Trains a classifier on a folder of images, from pre-trained or random weights.",
        discussion: """
            DATA holds one folder of images for each class in train/, in val/ and, if it is there, in test/. Training sees the patches that \
            attention maps keep; after each epoch, validation sees all patches of val/, then the kept ones. The run's folder gets \
            config.json, log.jsonl, checkpoints/, best.safetensors (the best accuracy on all patches) and, at the end, evaluation.json, \
            predictions-all.csv, predictions-masked.csv and features.safetensors, for which the last and the best weights look at test/, or \
            at val/ where there is no test/. Ctrl-C ends the run after the step at hand with a checkpoint; the exit status \
            is then 130, 143 after SIGTERM, or 129 after SIGHUP. A file given by --config has the same names as keys; the command line wins.
            """)

    @OptionGroup var training: RunOptions
    @OptionGroup var settings: SettingsOptions<FineTuningSettings>

    func run() throws { try training.train(ClassifierTask<FineTuningSettings>.self, settings) }
}
