import ApusFiles
import Foundation

/// A run's numbers as an event file of TensorBoard: records as in TensorFlow's TFRecord files, each a protocol buffer
/// `Event` (tensorflow/core/util/event.proto) with the numbers of one line of the log.
///
/// Tags are the line's event and the field's name, such as `step/loss` or `validation/masked/accuracy`.
struct EventFile {
    private let folder: String
    /// When the run began, in seconds since 1970; part of the file's name. Lines count their seconds from there.
    private var start: Int
    /// Grows with each rewriting: TensorBoard does not notice that a file has become another one, but finds new names.
    private var generation = 0
    private var isThere = false
    /// The time of the last line that had one, in seconds since the start.
    private var seconds = 0.0

    private static let prefix = "events.out.tfevents."
    /// Fields that say where a number belongs and are none themselves.
    private static let coordinates: Set = ["event", "path", "step", "epoch", "seconds"]

    init(folder: String) {
        self.folder = folder
        start = Int(Date().timeIntervalSince1970)
    }

    /// Writes the file anew and removes earlier ones; without any numbers, there is none.
    mutating func rewrite(_ lines: [LogLine]) throws(FileError) {
        let earlier = earlierFiles()
        start = earlier.map(\.start).min() ?? start
        generation = (earlier.map(\.generation).max() ?? -1) + 1
        (isThere, seconds) = (false, 0)
        let events = lines.compactMap { event($0) }
        if !events.isEmpty { try create(events) }
        for file in earlier {
            let path = "\(folder)/\(file.name)"
            guard unlink(path) == 0 || errno == ENOENT else { throw FileError(path: path, action: "remove") }
        }
    }

    /// Adds the numbers of a line.
    mutating func append(_ line: LogLine) throws(FileError) {
        guard let event = event(line) else { return }
        if isThere { try AtomicFile.append(Self.record(event), to: path) } else { try create([event]) }
    }

    var path: String {
        let digits = String(generation)
        return "\(folder)/\(Self.prefix)\(start).\(String(repeating: "0", count: max(0, 6 - digits.count)))\(digits)"
    }

    private mutating func create(_ events: [Message]) throws(FileError) {
        var version = Message(), status = Message(), session = Message()
        version.add(1, Double(start))
        version.add(3, "brain.Event:2")
        // A session that starts at step 0 takes back what TensorBoard has read of earlier files.
        status.add(1, integer: 1)
        session.add(1, Double(start))
        session.add(2, integer: 0)
        session.add(7, status)
        let records = ([version, session] + events).flatMap(Self.record)
        try AtomicFile.write(to: path) { (output) throws(FileError) in try output.write(records) }
        isThere = true
    }

    private func earlierFiles() -> [(name: String, start: Int, generation: Int)] {
        let names = (try? Folders.names(in: folder)) ?? []
        return names.compactMap { name in
            let parts = name.dropFirst(Self.prefix.count).split(separator: ".", omittingEmptySubsequences: false)
            guard name.hasPrefix(Self.prefix), parts.count == 2, parts[1].count >= 6, let start = Int(parts[0]),
                let generation = Int(parts[1]), (0..<1_000_000_000).contains(generation)
            else { return nil }
            return (name, start, generation)
        }
    }

    /// The numbers of a line; nil for one without, or without a step, and for the one that describes the run.
    private mutating func event(_ line: LogLine) -> Message? {
        guard let step = line["step"]?.integer, case .text(let event)? = line["event"], event != "start" else {
            return nil
        }
        seconds = line["seconds"]?.double ?? seconds
        let group = if case .text(let path)? = line["path"] { "\(event)/\(path)" } else { event }
        var summary = Message()
        for (name, value) in line.fields.sorted(by: { $0.key < $1.key }) where !Self.coordinates.contains(name) {
            guard let number = value.double else { continue }
            var entry = Message()
            entry.add(1, "\(group)/\(name)")
            entry.add(2, Float(number))
            summary.add(1, entry)
        }
        guard !summary.bytes.isEmpty else { return nil }
        var message = Message()
        message.add(1, Double(start) + seconds)
        message.add(2, integer: step)
        message.add(5, summary)
        return message
    }

    /// Length and content, each with its checksum.
    private static func record(_ message: Message) -> [UInt8] {
        let length = littleEndian(UInt64(message.bytes.count))
        return length + littleEndian(maskedChecksum(length)) + message.bytes
            + littleEndian(maskedChecksum(message.bytes))
    }

    /// CRC-32C, turned and shifted, so that checksums of data with checksums in it stay good ones
    /// (tensorflow/core/lib/hash/crc32c.h).
    private static func maskedChecksum(_ bytes: [UInt8]) -> UInt32 {
        let checksum = CRC32.castagnoli.checksum(bytes)
        return (checksum >> 15 | checksum << 17) &+ 0xA282_EAD8
    }
}

/// A message of protocol buffers under construction (the wire format of protobuf.dev/programming-guides/encoding).
private struct Message {
    private(set) var bytes: [UInt8] = []

    mutating func add(_ field: Int, integer: Int) {
        addVariable(UInt64(field) << 3)
        addVariable(UInt64(bitPattern: Int64(integer)))
    }

    mutating func add(_ field: Int, _ number: Double) {
        addVariable(UInt64(field) << 3 | 1)
        bytes += littleEndian(number.bitPattern)
    }

    mutating func add(_ field: Int, _ number: Float) {
        addVariable(UInt64(field) << 3 | 5)
        bytes += littleEndian(number.bitPattern)
    }

    mutating func add(_ field: Int, _ text: String) { add(field, Array(text.utf8)) }
    mutating func add(_ field: Int, _ message: Message) { add(field, message.bytes) }

    private mutating func add(_ field: Int, _ content: [UInt8]) {
        addVariable(UInt64(field) << 3 | 2)
        addVariable(UInt64(content.count))
        bytes += content
    }

    /// Seven bits a byte, the lowest first; the top bit says that more follow.
    private mutating func addVariable(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}

private func littleEndian<Integer: FixedWidthInteger>(_ value: Integer) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
}
