import Apus
import ArgumentParser
import Foundation
import MSMAE

struct SplitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "split", abstract: "Divides a set of images into parts for training and testing.",
        usage: "msmae split IN... OUT [--parts train=0.7,val=0.3] [--seed N] [OPTION...]",
        discussion: """
            IN holds a folder of images for each class, or images/ and masks/CLASS/. Of each class, floor(30 %) of the images are for \
            validation and the others for training, chosen by the SHA-256 of SEED:FILENAME: the same everywhere. OUT must not exist; it gets \
            its name when it is complete. Equal images in different parts are an error, since a test would not be one.
            """)

    @Argument(help: "Folders to split, which are taken together, and last the folder to make.") var folders: [String]
    @Option(help: "Names and shares of the parts; the first one gets what rounding leaves.") var parts =
        "train=0.7,val=0.3"
    @Option(help: "Another seed gives another split.") var seed: UInt64 = 0
    @Option(
        help:
            "Keep a patient's images together: a regular expression that finds the patient in a file's name, by its first group."
    )
    var patientPattern: String?
    @Option(help: "Keep a patient's images together: a CSV file that names the patient of each image.")
    var patientTable: String?
    @Option(help: "The column of the patient in that file.") var patientColumn: String?
    @Option(help: "The column of the image's file name there, with or without extension.") var imageColumn: String?
    @OptionGroup var sizes: ImageLimitOptions
    @Flag(help: "Copy the files, in place of making links to them.") var copy = false
    @Flag(help: "Go on when equal images lie in different parts.") var allowDuplicates = false

    func validate() throws {
        if folders.count < 2 { throw ValidationError("give at least one folder to split, and the folder to make") }
        if patientPattern != nil, patientTable != nil {
            throw ValidationError("give --patient-pattern or --patient-table, not both")
        }
        if (patientTable == nil) != (patientColumn == nil) || (patientTable == nil) != (imageColumn == nil) {
            throw ValidationError("--patient-table, --patient-column and --image-column belong together")
        }
    }

    func run() throws {
        let out = folders[folders.count - 1]
        let split = try DataSplit(
            folders.dropLast(), parts: DataSplit.Part.list(parts), seed: seed, patients: patients())
        try split.checkTarget(out)
        try DataPart.checkOutput(out)
        Interrupt.install()
        for remark in split.leftOut { print(remark) }
        print("looking for equal images among \(split.imageCount)")
        let duplicates = try split.duplicates(limits: sizes.limits ?? ImageDecoder.Limits()) { Interrupt.requested }
        for group in duplicates.equal.prefix(20) { print("equal images: \(group)") }
        if duplicates.equal.count > 20 { print("and \(duplicates.equal.count - 20) more groups of equal images") }
        for pair in duplicates.similar {
            print("look alike: \(pair.images.map(\.inOneLine).joined(separator: " and "))")
        }
        if duplicates.similarCount > duplicates.similar.count {
            print("and \(duplicates.similarCount - duplicates.similar.count) more pairs that look alike")
        }
        if let refusal = duplicates.refusal, !allowDuplicates { throw refusal }
        try split.write(to: out, by: copy ? .copy : .link) { Interrupt.requested }
        for (number, name) in split.classes.enumerated() {
            let counts = split.parts.indices.map { "\(split.count(class: number, part: $0)) \(split.parts[$0].name)" }
            print("\(name.inOneLine): \(counts.joined(separator: ", "))")
        }
        print("wrote \(out)")
    }

    private func patients() throws -> DataSplit.Patients? {
        if let patientPattern { return .pattern(patientPattern) }
        guard let patientTable, let patientColumn, let imageColumn else { return nil }
        return .table(
            try PatientTable(
                csv: TextFile.read(patientTable), path: patientTable, image: imageColumn, patient: patientColumn))
    }
}
