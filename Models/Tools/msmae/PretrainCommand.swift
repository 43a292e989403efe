import Apus
import ArgumentParser
import MSMAE
import ToolOptions

struct PretrainCommand: ParsableCommand, RankedCommand {
    static let configuration = CommandConfiguration(
        commandName: "pretrain",
        abstract: "Pre-trains on a folder of images, with random and then attention-driven masking.",
        discussion: """
            DATA holds one folder of images for each class in train/. The run's folder gets config.json, log.jsonl and \
            checkpoints/. Ctrl-C ends the run after the step at hand with a checkpoint; the exit status is then 130, 143 after \
            SIGTERM, or 129 after SIGHUP. Epochs count from 0. A file given by --config has the same names as keys; the command line wins.
            """)

    @OptionGroup var training: RunOptions
    @OptionGroup var settings: SettingsOptions<PreTrainingSettings>

    func run() throws { try training.train(PreTrainingTask.self, settings) }
}
