/// Tables of texts with commas (RFC 4180).
package enum CSVText {
    /// A field, in quotes where it needs them.
    package static func field(_ text: String) -> String {
        // By scalars: a quote with an accent is one character, and yet a quote.
        guard text.unicodeScalars.contains(where: { [",", "\"", "\n", "\r"].contains($0) }) else { return text }
        var field = "\""
        for scalar in text.unicodeScalars {
            if scalar == "\"" { field.unicodeScalars.append(scalar) }
            field.unicodeScalars.append(scalar)
        }
        return field + "\""
    }

    /// The fields of each record, with the line that it begins on, counted from 1; lines may end as on any system, and
    /// inside of quotes they end no record. A quote that nobody closes lasts to the end.
    package static func records(
        _ text: String, separator: Unicode.Scalar = ","
    ) -> [(line: Int, fields: [String])] {
        var records: [(line: Int, fields: [String])] = [], fields: [String] = [], field = String.UnicodeScalarView()
        var line = 1, start = 1, isQuoted = false, wasQuote = false, isEmpty = true
        func end() -> String { String(field) }
        for scalar in text.unicodeScalars {
            if scalar == "\n" { line += 1 }
            switch scalar {
            case "\"":
                // Two quotes inside of quotes are one of the text.
                if !isQuoted, wasQuote { field.append(scalar) }
                wasQuote = isQuoted
                isQuoted.toggle()
                isEmpty = false
                continue
            case separator where !isQuoted:
                fields.append(end())
                field.removeAll()
                isEmpty = false
            case "\n" where !isQuoted:
                if !isEmpty { records.append((start, fields + [end()])) }
                (fields, isEmpty, start) = ([], true, line)
                field.removeAll()
            case "\r" where !isQuoted: break
            default:
                field.append(scalar)
                isEmpty = false
            }
            wasQuote = false
        }
        if !isEmpty { records.append((start, fields + [end()])) }
        return records
    }
}
