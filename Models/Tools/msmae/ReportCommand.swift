import Apus
import ApusRendering
import ApusReport
import ArgumentParser
import Foundation
import MSMAE
import ToolOptions

struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report", abstract: "Makes a page about one or several runs, and its figures as SVG and PNG.",
        discussion: """
            A RUN is the folder of a run, or a folder that holds seed-0, seed-1, … of one run each: their numbers are then given as \
            mean and deviation. The page is one HTML file that needs nothing else. A folder that is no run ends the command before \
            anything is written. A broken file inside of a run is named on the page and on standard error, and what it would have \
            given is left out.
            """)

    @Argument(help: ArgumentHelp("Folders of runs.", valueName: "run")) var runs: [String]
    @Option(help: "The HTML file to write.") var out: String
    @Option(help: "Folder for each figure as SVG and PNG, made if it is missing.") var figures: String?
    @Option(help: "Images of each class to draw attention and reconstructions of. (default: up to 2, and 24 in all)")
    var images: Int?
    @Flag(help: "Draw no images with the checkpoints.") var noPictures = false
    @Flag(help: "Time each step of the models on this machine, and plan its memory.") var measure = false
    @Option(help: "Images of a batch to measure with.") var batch = 8
    @OptionGroup var workers: ThreadOptions

    func validate() throws {
        for (name, value, range) in [
            ("images", images ?? 1, 1...1000), ("batch", batch, 1...65536),
        ]
        where !range.contains(value) {
            throw SettingError.outOfRange(
                name: name, value: .integer(value), allowed: "from \(range.lowerBound) to \(range.upperBound)")
        }
    }

    func run() throws {
        try AtomicFile.check(out)
        if let figures { try DataPart.checkOutput(figures) }
        let report = try RunReport(
            RunGroup.read(runs),
            RunReport.Options(
                imagesPerClass: noPictures ? 0 : images, measuredBatch: measure ? batch : nil, threads: workers.threads,
                pinned: workers.pinned))
        if let figures { try write(report.page.figures, to: figures) }
        try AtomicFile.write(report.page.html, to: out)
        for problem in report.problems { MSMAETool.say("warning: \(problem)") }
        print(out)
    }

    /// Writes each figure as NAME.svg and NAME.png; names that two runs share get numbers.
    private func write(_ all: [Figure], to folder: String) throws {
        let lock = try FolderLock(creating: folder)
        defer { lock.release() }
        var seen: [String: Int] = [:]
        for figure in all {
            seen[figure.name, default: 0] += 1
            let count = seen[figure.name] ?? 1
            let path = "\(folder)/\(figure.name)\(count > 1 ? "-\(count)" : "")"
            try AtomicFile.write(figure.file, to: path + ".svg")
            let png = try figure.png(scale: 3)
            try AtomicFile.write(to: path + ".png") { (output) throws(FileError) in
                try png.withUnsafeBufferPointer { (png) throws(FileError) in
                    try output.write(UnsafeRawBufferPointer(png))
                }
            }
        }
    }
}
