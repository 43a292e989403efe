import ApusDigest
import ApusLLVM
import ApusRuntime
import Foundation

/// A program with the object code of its kernels: what is written to a file, and loaded in another process.
///
/// The file begins with a line that names the format, the length of a header in JSON, and the header: the program, the
/// machine that the code is for, and the length and SHA-256 of each object file. The objects follow.
///
/// Loading runs nothing, but a loaded program executes the code in the file: load files from those whom you would let
/// run a program on your machine.
public struct ProgramFile: Sendable {
    /// The program as plain data.
    public var program: Program
    /// The machine that the code is for.
    public var target: TargetDescription
    /// Relocatable object files that define the program's kernels.
    public var objects: [[UInt8]]

    /// A program, the machine that it was compiled for, and the object files of its kernels.
    public init(program: Program, target: TargetDescription, objects: [[UInt8]]) {
        self.program = program
        self.target = target
        self.objects = objects
    }

    private struct Header: Codable {
        struct Object: Codable {
            var byteCount: Int
            var sha256: String
        }
        var program: Program
        var target: TargetDescription
        var objects: [Object]
    }

    private static let magic = Array("apus program 3\n".utf8)

    /// The content of the file.
    public func encoded() throws -> [UInt8] {
        let header = Header(
            program: program, target: target,
            objects: objects.map { Header.Object(byteCount: $0.count, sha256: Digest($0).hexadecimal) })
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        let json = try encoder.encode(header)
        let length = withUnsafeBytes(of: UInt64(json.count).littleEndian) { Array($0) }
        return Self.magic + length + json + objects.flatMap { $0 }
    }

    /// Reads what `encoded` has made; `name` is for messages. Throws `ProgramFileError` for anything else.
    public init(decoding bytes: [UInt8], name: String) throws(ProgramFileError) {
        func failure(_ message: String) -> ProgramFileError { ProgramFileError(file: name, message: message) }
        guard bytes.starts(with: Self.magic) else { throw failure("not a program of Apus, or one of another version") }
        let start = Self.magic.count + 8
        guard bytes.count >= start else { throw failure("the file ends in its first line") }
        let length = bytes[Self.magic.count..<start].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard length <= UInt64(bytes.count - start) else {
            throw failure("a header of \(length) bytes is announced, and the file has \(bytes.count - start) more")
        }
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        let header: Header
        do {
            header = try decoder.decode(Header.self, from: Data(bytes[start..<start + Int(length)]))
        } catch {
            throw failure("the header cannot be read: \(error)")
        }
        var position = start + Int(length), objects: [[UInt8]] = []
        for (number, object) in header.objects.enumerated() {
            guard object.byteCount >= 0, object.byteCount <= bytes.count - position else {
                throw failure("the file ends within object \(number)")
            }
            let content = Array(bytes[position..<position + object.byteCount])
            guard Digest(content).hexadecimal == object.sha256 else {
                throw failure("object \(number) is damaged: it does not have the SHA-256 that the header gives")
            }
            objects.append(content)
            position += object.byteCount
        }
        guard position == bytes.count else { throw failure("\(bytes.count - position) bytes follow the last object") }
        if let problem = header.program.problem { throw failure(problem) }
        self.init(program: header.program, target: header.target, objects: objects)
    }

    /// The program with its code in this process. Throws `ProgramFileError` if this machine lacks what the code needs.
    public func loaded(name: String) throws -> LoadedProgram {
        let missing = target.missingFeatures(on: try .host())
        guard missing.isEmpty else {
            throw ProgramFileError(
                file: name,
                message:
                    "the code is for \(target.cpu) and needs \(missing.joined(separator: ", ")), which this machine "
                    + "does not have; compile the program here")
        }
        return try LoadedProgram(program, LoadedObjects(objects, name: program.name))
    }
}

/// A file that holds no program that could be run here.
public struct ProgramFileError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The path, or what else the file is called.
    public var file: String
    /// What is wrong with it.
    public var message: String

    public var description: String { "\(file): \(message)" }
}

extension LoadedObjects: KernelLibrary {
    /// The function of a symbol in the loaded code; throws if there is none.
    public func function(of symbol: String) throws -> KernelFunction {
        unsafeBitCast(try address(of: symbol), to: KernelFunction.self)
    }
}
