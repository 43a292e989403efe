import ApusData
import ApusFiles
import Foundation
import Testing

@Suite struct SplitTests {
    private let folder = try! TemporaryFolder()
    private var set: String { "\(folder.path)/set" }
    private var out: String { "\(folder.path)/out" }

    /// The digits of `0.png` ... `9.png` in the order of the digests of `SEED:NAME`, from Python's hashlib.
    private static let seed0 = ["4", "1", "8", "3", "7", "0", "2", "9", "6", "5"],
        seed1 = ["7", "9", "4", "5", "2", "6", "1", "3", "8", "0"]

    private func write(_ names: [String]) throws {
        for name in names {
            let seed = name.utf8.reduce(UInt64(7)) { $0 &* 31 &+ UInt64($1) }
            try folder.write("set/\(name)", randomImage(24, 24, seed: seed).pngData())
        }
    }

    private func stems(_ part: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "\(out)/\(part)").map {
            ($0 as NSString).deletingPathExtension
        }.sorted()
    }

    private func text(_ error: DataError?) -> String? {
        error?.description.replacingOccurrences(of: folder.path, with: "DIR")
    }

    @Test func aClassIsOrderedBySHA256AndCutAtTheFloor() throws {
        try write((0..<10).map { "a/\($0).png" } + ["b/p.png", "b/q.png", "b/r.png", "b/s.png", "b/t.png", "b/u.png"])
        let split = try DataSplit([set])
        #expect(split.classes == ["a", "b"])
        #expect(
            (0..<2).map { [split.count(class: $0, part: 0), split.count(class: $0, part: 1)] } == [[7, 3], [5, 1]])
        try split.write(to: out, by: .link)
        #expect(try stems("train/a") == Self.seed0.prefix(7).sorted())
        #expect(try stems("val/a") == Self.seed0.suffix(3).sorted())
        #expect(
            try FileManager.default.destinationOfSymbolicLink(atPath: "\(out)/val/a/\(Self.seed0[9]).png")
                == "\(set)/a/\(Self.seed0[9]).png")
        let record = try String(contentsOfFile: "\(out)/split.json", encoding: .utf8)
        #expect(record.contains("\"seed\" : 0") && record.contains("\"a\" : 7"))
    }

    @Test func sharesAreThoseThatWereWritten() throws {
        try write((0..<100).map { "a/\($0).png" })
        let split = try DataSplit([set], parts: DataSplit.Part.list("train=0.29,val=0.57,test=0.14"), seed: 3)
        #expect((0..<3).map { split.count(class: 0, part: $0) } == [29, 57, 14])
    }

    /// The numbers of images that the published accuracies are fractions of.
    @Test func theRoundingIsThePublishedOne() throws {
        let messidor = ["0": 1017, "1": 270, "2": 347, "3": 75, "4": 35]
        let empty = try folder.write("empty", [])
        for (name, count) in messidor {
            try FileManager.default.createDirectory(atPath: "\(set)/\(name)", withIntermediateDirectories: true)
            for image in 0..<count {
                try FileManager.default.createSymbolicLink(
                    atPath: "\(set)/\(name)/\(image).png", withDestinationPath: empty)
            }
        }
        let split = try DataSplit([set])
        let parts = (0..<2).map { part in (0..<5).reduce(0) { $0 + split.count(class: $1, part: part) } }
        #expect(parts == [1222, 522])
    }

    @Test func anotherSeedGivesAnotherSplit() throws {
        try write((0..<10).map { "a/\($0).png" })
        try DataSplit([set], seed: 1).write(to: out, by: .copy)
        #expect(try stems("train/a") == Self.seed1.prefix(7).sorted())
        #expect(
            try FileManager.default.attributesOfItem(atPath: "\(out)/train/a/\(Self.seed1[0]).png")[.type]
                as? FileAttributeType == .typeRegular)
    }

    @Test func patientsStayTogether() throws {
        // Forty patients with one to four images in two classes.
        var names: [String] = []
        var random = CounterRandom(seed: 4, purpose: .init(rawValue: 100))
        for patient in 100..<140 {
            for image in 0..<1 + random.integer(below: 4) {
                names.append("\(["a", "b"][random.integer(below: 2)])/\(patient)_\(image).png")
            }
        }
        try write(names)
        let table = try PatientTable(
            names.map { (image: String($0.dropFirst(2).dropLast(4)), patient: String($0.dropFirst(2).prefix(3))) })
        for patients in [DataSplit.Patients.pattern("^([0-9]+)_"), .table(table)] {
            let split = try DataSplit([set], patients: patients)
            try split.write(to: out, by: .link)
            var patientsOf: [String: Set<Substring>] = [:]
            for part in ["train", "val"] {
                patientsOf[part] = Set(try ["a", "b"].flatMap { try stems("\(part)/\($0)").map { $0.prefix(3) } })
            }
            #expect(patientsOf["train"]!.isDisjoint(with: patientsOf["val"]!))
            #expect(patientsOf["train"]!.union(patientsOf["val"]!).count == 40)
            for number in 0..<2 {
                let (train, val) = (split.count(class: number, part: 0), split.count(class: number, part: 1))
                #expect(abs(val - (train + val) * 3 / 10) <= 3)
            }
            try FileManager.default.removeItem(atPath: out)
        }
    }

    @Test func patientsOfOneImageAreSplitAsImagesAre() throws {
        try write((0..<10).map { "a/\($0).png" } + (0..<10).map { "b/\($0 + 10).png" })
        let split = try DataSplit([set], patients: .pattern(".*"))
        try split.write(to: out, by: .link)
        #expect(try stems("train/a") == Self.seed0.prefix(7).sorted())
    }

    @Test func patientsThatCannotBeToldAreErrors() throws {
        try write(["a/1_x.png", "a/2_x.png", "a/three.png"])
        let unmatched = expectError(.patientUnknown) { _ = try DataSplit([set], patients: .pattern("^([0-9]+)_")) }
        #expect(
            text(unmatched)
                == "DIR/set/a/three.png: the file's name has no patient that the pattern '^([0-9]+)_' finds. "
                + "Correct the pattern, or rename the file.")
        let unlisted = expectError(.patientUnknown) {
            _ = try DataSplit([set], patients: .table(PatientTable([("1_x", "1"), ("2_x.png", "2")])))
        }
        #expect(
            text(unlisted)
                == "DIR/set/a/three.png: the table of patients does not have the image. Add a row for it, or remove the image."
        )
        expectError(.invalidArgument) { _ = try DataSplit([set], patients: .pattern("(")) }
    }

    @Test(arguments: [",", ";", "\t"])
    func tableOfPatients(separator: String) throws {
        let text = [
            ["image", "\"age, years\"", "patient"], ["a_1", "60", "1"], ["\"b\n2\"", "61", "2"], ["", "62", "3"],
        ]
        .map { $0.joined(separator: separator) }.joined(separator: "\r\n")
        let table = try PatientTable(csv: text, path: "p.csv", image: "image", patient: "patient")
        #expect(["a_1", "b\n2", "", "c"].map(table.patient) == ["1", "2", nil, nil])
    }

    /// Two names that differ in their normal form are two names, and so are two patients.
    @Test func namesInTheTableAreBytes() throws {
        let (composed, decomposed) = ("\u{FC}", "u\u{308}")
        let table = try PatientTable([(composed, "1"), (decomposed, "2")])
        #expect(table.patient(of: composed) == "1" && table.patient(of: decomposed) == "2")
        try write(["a/\(composed).png", "a/\(decomposed).png", "a/3.png"])
        let split = try DataSplit(
            [set], parts: [.init("train", 0.5), .init("val", 0.5)],
            patients: .table(PatientTable([(composed, composed), (decomposed, decomposed), ("3", composed)])))
        // Were the two patients one, the other part would be empty.
        #expect(split.count(class: 0, part: 0) == 2 && split.count(class: 0, part: 1) == 1)
    }

    @Test(arguments: [
        ("", "p.csv: there is no column 'image'. The file is empty."),
        ("Image,patient\n", "p.csv: there is no column 'image'. There are Image, patient."),
        (
            "image,patient\na,1\nb,1,2\n",
            "p.csv: the record of line 3 has 3 fields where the first one has 2. "
                + "Check that quotes match, and that fields with a comma are in quotes."
        ),
        (
            "image,patient\na,1\n\"b,1\n",
            "p.csv: the record of line 3 has 1 fields where the first one has 2. "
                + "Check that quotes match, and that fields with a comma are in quotes."
        ),
        (
            "image,patient\na,1\na,2\n",
            "p.csv: the image a is of two patients, 1 and 2. Correct the table of patients."
        ),
    ])
    func brokenTablesOfPatients(text: String, message: String) {
        let error = expectError(.patientUnknown) {
            _ = try PatientTable(csv: text, path: "p.csv", image: "image", patient: "patient")
        }
        #expect(error?.description == message)
    }

    @Test func equalImagesInDifferentPartsAreFound() throws {
        let (train, val) = (Self.seed0.prefix(7), Self.seed0.suffix(3))
        try write((0..<10).map { "a/\($0).png" })
        #expect(try DataSplit([set]).duplicates().equal == [])
        // The same file, and the same pixels in another file (bytes after the end of a PNG are not looked at).
        let bytes = try randomImage(24, 24, seed: 900).pngData()
        try folder.write("set/a/\(train[0]).png", bytes)
        try folder.write("set/a/\(val[7]).png", bytes)
        let other = try randomImage(24, 24, seed: 901).pngData()
        try folder.write("set/a/\(train[1]).png", other)
        try folder.write("set/a/\(val[8]).png", other + [0])
        // In one part, they are nobody's concern.
        try folder.write("set/a/\(train[2]).png", randomImage(24, 24, seed: 902).pngData())
        try folder.write("set/a/\(train[3]).png", randomImage(24, 24, seed: 902).pngData())
        for threads in [0, -1, .max] {
            expectError(.invalidArgument) { _ = try DataSplit([set]).duplicates(threads: threads) }
        }
        let found = try DataSplit([set]).duplicates()
        let same = ["train/a/\(train[0]).png", "val/a/\(val[7]).png"],
            pixels = ["train/a/\(train[1]).png", "val/a/\(val[8]).png"]
        #expect(
            Set(found.equal.map(\.description)) == [
                same.joined(separator: " and "), pixels.joined(separator: " and ") + " (equal pixels)",
            ])
        #expect(found.refusal?.description.hasPrefix("equal images lie in different parts: train/a/") == true)
        #expect(
            found.refusal?.description.hasSuffix(
                ", and 1 more groups. Remove the copies, or accept them with --allow-duplicates.") == true)
    }

    @Test func ofManyEqualImagesAFewAreNamed() throws {
        let image = try randomImage(24, 24, seed: 1).pngData()
        for number in 0..<20 { try folder.write("set/a/\(number).png", image) }
        let group = try #require(try DataSplit([set]).duplicates().equal.first)
        #expect(group.images.count == 20)
        // All of those for training come before those for validation, and both are to be seen.
        #expect(group.description.hasPrefix("train/a/") && group.description.contains("val/a/"))
        #expect(group.description.hasSuffix(" and 14 more"))
        #expect(group.description.components(separatedBy: " and ").count == 7)
    }

    @Test func imagesThatLookAlikeAreTold() throws {
        try write((0..<10).map { "a/\($0).png" })
        let image = randomImage(60, 60, seed: 5)
        let darker = try RGBImage(width: 60, height: 60, pixels: image.pixels.map { $0 == 0 ? 0 : $0 - 1 })
        try folder.write("set/a/\(Self.seed0[0]).png", image.pngData())
        try folder.write("set/a/\(Self.seed0[9]).png", darker.pngData())
        let found = try DataSplit([set]).duplicates()
        #expect(found.equal == [] && found.refusal == nil && found.similarCount == 1)
        #expect(found.similar.map(\.images) == [["train/a/\(Self.seed0[0]).png", "val/a/\(Self.seed0[9]).png"]])
    }

    @Test func imagesWithMasksAreSplitAsAWhole() throws {
        try PhantomDataSet.write(
            to: "\(folder.path)/phantoms", layout: .masks, classes: 2, train: 10, validation: 2, size: 32)
        let split = try DataSplit(["\(folder.path)/phantoms/train"])
        #expect(split.classes == ["images"])
        try split.write(to: out, by: .link)
        let (train, val) = try (SegmentationFolder(root: "\(out)/train"), SegmentationFolder(root: "\(out)/val"))
        #expect(train.items.count == 7 && val.items.count == 3 && train.classes == ["lesion"])
        // Both folders of phantoms have images of the same names.
        let error = expectError(.ambiguousName) {
            _ = try DataSplit(["train", "val"].map { "\(folder.path)/phantoms/\($0)" })
        }
        #expect(
            text(error)
                == "DIR/phantoms/val/images/cyst-0000.png: an image of that name is in DIR/phantoms/train/images too. "
                + "Rename one of them, or remove it if it is the same image.")
    }

    @Test func severalFoldersAreTakenTogether() throws {
        try write(
            (0..<4).map { "Training/a/\($0).png" } + (4..<10).map { "Testing/a/\($0).png" }
                + (0..<5).map { "Testing/b/\($0).png" })
        let split = try DataSplit(["\(set)/Training", "\(set)/Testing"])
        #expect(
            (0..<2).map { [split.count(class: $0, part: 0), split.count(class: $0, part: 1)] } == [[7, 3], [4, 1]])
    }

    @Test func nothingIsOverwritten() throws {
        try write((0..<10).map { "a/\($0).png" })
        try folder.write("out/thesis.txt", [1])
        let taken = expectError(.folderNotEmpty) { try DataSplit([set]).write(to: out, by: .link) }
        #expect(
            text(taken)
                == "DIR/out: there is something already. Choose a new folder, or empty this one; nothing is ever overwritten."
        )
        let inside = expectError(.invalidArgument) { try DataSplit([set]).write(to: "\(set)/out", by: .link) }
        #expect(
            text(inside) == "DIR/set/out: the folder lies in DIR/set, which is split. "
                + "Choose a folder outside, or the parts would look like classes.")
        let unwritable = try folder.write("file", [1])
        expectError(.fileUnwritable) { try DataSplit([set]).write(to: "\(unwritable)/out", by: .link) }
        // An image that vanishes half-way leaves nothing behind.
        let split = try DataSplit([set])
        try FileManager.default.removeItem(atPath: "\(set)/a/\(Self.seed0[9]).png")
        expectError(.fileUnreadable) { try split.write(to: "\(folder.path)/new", by: .copy) }
        #expect(try folder.content().filter { !$0.hasPrefix("set") } == ["file", "out", "out/thesis.txt"])
    }

    /// What a killed process has left goes; what another one is at stays.
    @Test func halfMadeSplitsHaveOneOwner() throws {
        try write((0..<10).map { "a/\($0).png" })
        let partial = try folder.write(".out.partial/train/a/old.png", [1]).replacing("/train/a/old.png", with: "")
        let lock = try FolderLock(creating: partial)
        let taken = expectError(.folderInUse) { try DataSplit([set]).write(to: out, by: .link) }
        #expect(text(taken)?.contains("process \(getpid()) on ") == true)
        #expect(FileManager.default.fileExists(atPath: "\(partial)/train/a/old.png"))
        lock.release()
        try DataSplit([set]).write(to: out, by: .link)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == ["out", "set"])
        #expect(try stems("train/a") == Self.seed0.prefix(7).sorted())
        #expect(try FileManager.default.contentsOfDirectory(atPath: out).sorted() == ["split.json", "train", "val"])
    }

    @Test func aSplitThatIsStoppedLeavesNothing() throws {
        try write((0..<10).map { "a/\($0).png" })
        for last in [0, 4, 9] {
            var asked = -1
            expectError(.interrupted) {
                try DataSplit([set]).write(to: out, by: .copy) {
                    asked += 1
                    return asked == last
                }
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["set"])
            asked = -1
            expectError(.interrupted) {
                _ = try DataSplit([set]).duplicates(threads: 1) {
                    asked += 1
                    return asked == last
                }
            }
        }
    }

    @Test func partsAreChecked() throws {
        try write(["a/1.png", "a/2.png", "a/3.png", "b/1.png"])
        func error(_ parts: String) -> String? {
            let error = #expect(throws: DataError.self) { _ = try DataSplit([set], parts: DataSplit.Part.list(parts)) }
            return error?.message
        }
        #expect(error("train=0.7") == "1 parts")
        #expect(error("train=0.7,val=0.2") == "the shares add up to 0.9")
        #expect(error("train=0.7,train=0.3") == "two parts have the same name")
        #expect(error("train=0.7,val") == "'val' is no part of a split")
        #expect(error("train=1.2,val=-0.2") == "the part 'train' has a share of 1.2")
        #expect(error("../x=0.5,val=0.5") == "'../x' is no name of a folder")
        #expect(error("train=0.7,val=0.3") == "the part 'val' gets none of the 3 images of 'a'")
        expectError(.invalidArgument) { _ = try DataSplit([]) }
    }
}
