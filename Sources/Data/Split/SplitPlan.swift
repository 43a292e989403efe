import ApusDigest
import ApusFiles
import Foundation

/// Which part each image goes to.
struct SplitPlan {
    private(set) var partOfItem: [Int]

    /// Divides items that belong to owners (patients, or each image to itself) among parts.
    ///
    /// Owners come in the order of their digests. Each goes to the first part that has room for all its images, in
    /// every class; if none has, to the one that has room for most of them.
    init(items: [SplitItem], owners: [String], classes: Int, shares: [Double], seed: UInt64) {
        var room = (0..<classes).map { number in
            Self.sizes(items.count { $0.classNumber == number }, shares)
        }
        // An owner's images, and with owners that are single images, one for each class that has such a name.
        struct Group { var items: [Int], order: [UInt8], name: String, number: Int }
        let separate = owners.elementsEqual(items) { ExactText($0) == ExactText($1.name) }
        var groups: [ExactText: Group] = [:]
        for (index, owner) in owners.enumerated() {
            let key = ExactText(separate ? "\(index)" : owner)
            let group =
                groups[key]
                ?? Group(
                    items: [], order: Digest(Array("\(seed):".utf8) + owner.nameBytes).bytes, name: owner,
                    number: items[index].classNumber)
            groups[key] = group
            groups[key]?.items.append(index)
        }
        let ordered = groups.values.sorted { a, b in
            if a.order != b.order { return a.order.lexicographicallyPrecedes(b.order) }
            return (a.number, a.items[0]) < (b.number, b.items[0])
        }
        partOfItem = [Int](repeating: 0, count: items.count)
        for group in ordered {
            var wanted = [Int](repeating: 0, count: classes)
            for index in group.items { wanted[items[index].classNumber] += 1 }
            let fitting = shares.indices.map { part in
                (0..<classes).reduce(0) { $0 + min(wanted[$1], max(room[$1][part], 0)) }
            }
            let part =
                shares.indices.first { fitting[$0] == group.items.count }
                ?? shares.indices.max { (fitting[$0], -$0) < (fitting[$1], -$1) } ?? 0
            for index in group.items { partOfItem[index] = part }
            for number in 0..<classes { room[number][part] -= wanted[number] }
        }
    }

    /// How many of `count` images each part gets: the floor of its share, and the first part what is left.
    static func sizes(_ count: Int, _ shares: [Double]) -> [Int] {
        // A share such as 0.29 is stored a little too small; its part of 100 images is 29 all the same.
        let others = shares.dropFirst().map { Int($0 * Double(count) + 1e-9) }
        return [count - others.reduce(0, +)] + others
    }
}

/// Tells which patient an image is of.
struct PatientFinder {
    private let patients: DataSplit.Patients

    init(_ patients: DataSplit.Patients) { self.patients = patients }

    func patients(of items: [SplitItem]) throws(DataError) -> [String] {
        switch patients {
        case .table(let table):
            return try items.map { item throws(DataError) in
                let file = item.name.lastComponent
                let names = [item.name, item.name.withoutFileEnding, file, file.withoutFileEnding]
                guard let patient = names.lazy.compactMap({ table.patient(of: $0) }).first else {
                    throw DataError(
                        .patientUnknown, "the table of patients does not have the image", path: item.image,
                        advice: "Add a row for it, or remove the image.")
                }
                return patient
            }
        case .pattern(let pattern):
            guard let regex = try? Regex(pattern) else {
                throw DataError(
                    .invalidArgument, "'\(pattern)' is no regular expression",
                    advice: "Write one that finds the patient in a file's name, such as '^([0-9]+)_'.")
            }
            return try items.map { item throws(DataError) in
                // Where the file's name does not say it, the folders inside of the class's may.
                let texts = [item.name.lastComponent, item.name]
                guard
                    let (text, match) = texts.lazy.compactMap({ text in
                        (try? regex.firstMatch(in: text)).map { (text, $0) }
                    }).first
                else {
                    throw DataError(
                        .patientUnknown, "the file's name has no patient that the pattern '\(pattern)' finds",
                        path: item.image,
                        advice: "Correct the pattern, or rename the file.")
                }
                let group = match.output.count > 1 ? match.output[1].substring : nil
                return String(group ?? text[match.range])
            }
        }
    }
}
