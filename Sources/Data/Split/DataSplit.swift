import Foundation

/// A data set divided into parts for training and testing, class by class.
///
/// Of a class, each part but the first gets `floor(share · count)` images, and the first one what is left: the rounding
/// that gives the numbers of images that the published accuracies are fractions of, such as 522 of Messidor-2. The
/// images come in the order of the SHA-256 of `SEED:FILENAME`, so that the same names and seed give the same parts on
/// every machine. Images of one patient can be kept in one part, whatever their classes.
public struct DataSplit: Sendable {
    /// One part of the data set.
    public struct Part: Sendable, Hashable {
        /// Name of its folder.
        public let name: String
        /// Which share of each class it gets.
        public let share: Double

        /// Names a part; shares of a split's parts have to add up to 1.
        public init(_ name: String, _ share: Double) { (self.name, self.share) = (name, share) }
    }

    /// How to tell which patient an image is of.
    public enum Patients: Sendable {
        /// A regular expression that is looked for in the file's name: its first group is the patient, or all of it.
        case pattern(String)
        /// Patients by file name, with or without its extension.
        case table(PatientTable)
    }

    /// 70 % for training and 30 % for validation, as the published accuracies were measured.
    public static let published = [Part("train", 0.7), Part("val", 0.3)]

    /// The parts, in the order in which they are filled.
    public let parts: [Part]
    /// What the order of the images was drawn with.
    public let seed: UInt64
    /// Names of the classes that are divided alike; a set of images and masks is divided as a whole, named `images`.
    public let classes: [String]
    let folders: [String]
    let items: [SplitItem]
    /// The files that are no images, folder by folder.
    public let leftOut: [LeftOutFiles]
    /// The part of each item.
    let partOfItem: [Int]
    let keepsPatients: Bool

    /// Divides the folders, in the layout `CLASS/IMAGE` or `images/IMAGE` and `masks/CLASS/IMAGE`; several folders are
    /// taken together.
    ///
    /// Throws what ``ImageFolder`` and ``SegmentationFolder`` throw, `ambiguousName` if two folders have the same
    /// image, `invalidArgument`, `patientUnknown`, or `tooFewImages` if a part would have no image of some class.
    public init(
        _ folders: [String], parts: [Part] = published, seed: UInt64 = 0, patients: Patients? = nil
    ) throws(DataError) {
        try Self.check(parts)
        let source = try SplitSource(folders)
        (self.folders, self.parts, self.seed) = (folders, parts, seed)
        (classes, items, leftOut) = (source.classes, source.items, source.leftOut)
        keepsPatients = patients != nil
        let owners: [String]
        if let patients {
            owners = try PatientFinder(patients).patients(of: items)
        } else {
            owners = items.map(\.name)
        }
        partOfItem =
            SplitPlan(items: items, owners: owners, classes: classes.count, shares: parts.map(\.share), seed: seed)
            .partOfItem
        for (number, name) in classes.enumerated() {
            for (part, description) in parts.enumerated() where count(class: number, part: part) == 0 {
                throw DataError(
                    .tooFewImages,
                    "the part '\(description.name)' gets none of the \(count(class: number)) images of '\(name)'",
                    advice: "Add images to the class, remove it, or choose other shares or another seed.")
            }
        }
    }

    /// Images of a class in a part, both by number.
    public func count(class number: Int, part: Int) -> Int {
        zip(items, partOfItem).count { $0.classNumber == number && $1 == part }
    }

    /// Images of all classes and parts.
    public var imageCount: Int { items.count }

    private func count(class number: Int) -> Int { items.count { $0.classNumber == number } }

    /// Throws `invalidArgument` unless there are two parts or more, whose names can be folders and whose shares add up
    /// to 1.
    public static func check(_ parts: [Part]) throws(DataError) {
        func fail(_ what: String) -> DataError {
            DataError(
                .invalidArgument, what,
                advice: "Give two parts or more with shares that add up to 1, such as train=0.7,val=0.15,test=0.15.")
        }
        guard parts.count >= 2 else { throw fail("\(parts.count) parts") }
        for part in parts {
            guard !part.name.isEmpty, !part.name.hasPrefix("."), !part.name.contains("/") else {
                throw fail("'\(part.name)' is no name of a folder")
            }
            guard part.share > 0, part.share < 1 else {
                throw fail("the part '\(part.name)' has a share of \(part.share)")
            }
        }
        guard Set(parts.map(\.name)).count == parts.count else { throw fail("two parts have the same name") }
        let sum = parts.reduce(0) { $0 + $1.share }
        guard abs(sum - 1) < 1e-6 else { throw fail("the shares add up to \((sum * 1e6).rounded() / 1e6)") }
    }
}

extension DataSplit.Part {
    /// Reads parts from a text such as `train=0.7,val=0.3`; throws `invalidArgument`.
    public static func list(_ text: String) throws(DataError) -> [DataSplit.Part] {
        var parts: [DataSplit.Part] = []
        for piece in text.split(separator: ",", omittingEmptySubsequences: false) {
            let sides = piece.split(separator: "=", omittingEmptySubsequences: false)
            guard sides.count == 2, let share = Double(sides[1]) else {
                throw DataError(
                    .invalidArgument, "'\(piece)' is no part of a split",
                    advice: "Write NAME=SHARE, with commas between, such as train=0.7,val=0.3.")
            }
            parts.append(DataSplit.Part(String(sides[0]), share))
        }
        return parts
    }
}
