import ApusFiles

/// Which patient each image is of. Names are told apart byte by byte.
public struct PatientTable: Sendable {
    private var patients: [ExactText: String] = [:]

    /// Takes pairs of a file's name, with or without its extension, and a patient.
    ///
    /// Throws `patientUnknown` if an image is of two patients.
    public init(_ rows: [(image: String, patient: String)]) throws(DataError) {
        for row in rows { try add(row.image, row.patient, path: nil) }
    }

    /// Reads two columns of a CSV file (RFC 4180), whose fields may also be divided by semicolons or tabs; rows that
    /// lack one of the two are passed over.
    ///
    /// Throws `patientUnknown` if there is no such column, a row has another number of fields than the first one, or an
    /// image is of two patients.
    public init(csv text: String, path: String, image: String, patient: String) throws(DataError) {
        let records = CSVText.records(text, separator: Self.separator(of: text))
        let columns = (records.first?.fields ?? []).map(ExactText.init)
        func column(_ name: String) throws(DataError) -> Int {
            if let number = columns.firstIndex(of: ExactText(name)) { return number }
            throw DataError(
                .patientUnknown, "there is no column '\(name)'", path: path,
                advice: columns.isEmpty
                    ? "The file is empty." : "There are \(columns.map(\.text).joined(separator: ", ")).")
        }
        let (images, owners) = (try column(image), try column(patient))
        for (line, fields) in records.dropFirst() {
            guard fields.count == columns.count else {
                throw DataError(
                    .patientUnknown,
                    "the record of line \(line) has \(fields.count) fields where the first one has \(columns.count)",
                    path: path, advice: "Check that quotes match, and that fields with a comma are in quotes.")
            }
            if !fields[images].isEmpty, !fields[owners].isEmpty {
                try add(fields[images], fields[owners], path: path)
            }
        }
    }

    /// The patient of a file's name; nil if the table does not have it.
    public func patient(of name: String) -> String? { patients[ExactText(name)] }

    private mutating func add(_ image: String, _ patient: String, path: String?) throws(DataError) {
        guard let other = patients.updateValue(patient, forKey: ExactText(image)) else { return }
        guard ExactText(other) == ExactText(patient) else {
            throw DataError(
                .patientUnknown,
                "the image \(image) is of two patients, \(other) and \(patient)",
                path: path, advice: "Correct the table of patients.")
        }
    }

    /// The first of comma, semicolon and tab in the first line: names of columns have none of them.
    private static func separator(of text: String) -> Unicode.Scalar {
        text.unicodeScalars.first { ",;\t\n".unicodeScalars.contains($0) }.flatMap { $0 == "\n" ? nil : $0 } ?? ","
    }
}
