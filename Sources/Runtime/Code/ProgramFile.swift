import ApusDigest
import ApusFiles
import ApusIR
import Foundation

/// A program with the code of its kernels, and perhaps with weights: what is written to a file, and loaded where there
/// is no compiler.
///
/// The file begins with a line that names the format, the length of a header in JSON and its SHA-256, and the header:
/// the program, the processors that the code is for, and where code, constants and weights lie in the file, the code
/// with its SHA-256 and the others with checksums.
///
/// Loading runs nothing, but a loaded program executes the code in the file: load files from those whom you would let
/// run a program on your machine.
public struct ProgramFile: Sendable {
    /// The program as plain data.
    public var program: Program
    /// The processors that the code is for.
    public var target: CodeTarget
    /// The code of the program's kernels.
    public var code: CodeImage
    /// The content of parameters; those that have none here are filled by their initialisers.
    public var weights: [String: TensorData]
    /// The file that was read.
    private var content: FileContent?

    /// A program, the code of its kernels for some processors, and the content of parameters.
    public init(program: Program, target: CodeTarget, code: CodeImage, weights: [String: TensorData] = [:]) {
        (self.program, self.target, self.code, self.weights) = (program, target, code, weights)
    }

    /// The program with its code in this process. Throws ``ProgramFileError`` if this machine lacks what the code needs
    /// or if the code lacks a kernel; `name` is for messages.
    public func loaded(name: String) throws -> LoadedProgram {
        if let obstacle = target.obstacle {
            throw ProgramFileError(file: name, message: "\(obstacle); compile the program for it")
        }
        do {
            return try LoadedProgram(program, LoadedCode(code))
        } catch let error as RuntimeError where error.code == .name {
            throw ProgramFileError(file: name, message: error.message)
        }
    }

    /// The parameters of the program: those with weights in the file have these, others what their initialisers give
    /// for a seed. Weights of a file that was read are not copied until a run changes them, and the file stays as it
    /// is. Throws `RuntimeError` without enough memory.
    public func state(seed: UInt64 = 0) throws(RuntimeError) -> ProgramState {
        let state = ProgramState()
        if let content {
            let places = program.parameters.compactMap { parameter in
                weights[parameter.name].flatMap { content.place(of: $0) }.map { (parameter: parameter, byteOffset: $0) }
            }
            if !places.isEmpty { state.add(places, lyingIn: try content.copy()) }
        }
        try state.add(program.parameters, seed: seed)
        for (name, data) in weights where content?.place(of: data) == nil { try state.write(name, data) }
        return state
    }

    // MARK: The file

    private struct Header: Codable {
        struct Section: Codable {
            var byteOffset: Int, byteCount: Int
        }
        struct Weight: Codable {
            var name: String, content: Section
        }
        var program: Program
        var target: CodeTarget
        var code: Section, codeDigest: String, functions: [String: Int]
        var constants: Section, constantsChecksum: Checksum
        /// Bytes of all weights, and which of them a parameter has.
        var weights: Section, weightsChecksum: Checksum, parameters: [Weight]
        /// Bytes of the whole file behind the header.
        var byteCount: Int
    }

    private static let magic = Array("apus program 6\n\0".utf8)
    /// What precedes the header: the magic, its length and its digest.
    package static let prefixBytes = magic.count + 8 + 32
    /// What sections begin at multiples of, in the file.
    private static let alignment = 64

    private static func aligned(_ count: Int) -> Int { (count + alignment - 1) / alignment * alignment }

    /// The content of the file. Throws ``ProgramFileError`` for a program that needs other ranks.
    public func encoded() throws -> [UInt8] {
        if let obstacle = program.obstacleAlone { throw ProgramFileError(file: program.name, message: obstacle) }
        var bytes: [UInt8] = []
        // An array that grows while gigabytes are added to it has twice their room in the end.
        let bareBytes = code.bytes.count + program.constants.count + 2 * Self.alignment
        bytes.reserveCapacity(weights.values.reduce(bareBytes) { $0 + $1.type.byteCount + Self.alignment })
        func align() { bytes += [UInt8](repeating: 0, count: Self.aligned(bytes.count) - bytes.count) }
        func add(_ content: UnsafeRawBufferPointer) -> Header.Section {
            align()
            defer { bytes += content }
            return Header.Section(byteOffset: bytes.count, byteCount: content.count)
        }
        var bare = program
        bare.constants = []
        let kernels = code.bytes.withUnsafeBytes(add), constants = program.constants.withUnsafeBytes(add)
        align()
        let start = bytes.count
        let parameters = program.parameters.compactMap { parameter in
            self.weights[parameter.name].map { data in
                Header.Weight(name: parameter.name, content: data.withBytes { add($0) })
            }
        }
        let weights = Header.Section(byteOffset: start, byteCount: bytes.count - start)
        let header = Header(
            program: bare, target: target, code: kernels, codeDigest: Digest(code.bytes).hexadecimal,
            functions: code.functions, constants: constants,
            constantsChecksum: program.constants.withUnsafeBytes { Checksum($0) }, weights: weights,
            weightsChecksum: bytes[start...].withUnsafeBytes { Checksum($0) }, parameters: parameters,
            byteCount: bytes.count)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        return Self.sealed(Array(try encoder.encode(header)), before: bytes)
    }

    /// The bytes of a file with a header, given its length and digest, and sections: tests make headers of their own.
    package static func sealed(_ header: [UInt8], before sections: [UInt8]) -> [UInt8] {
        let length = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(aligned(prefixBytes + header.count) + sections.count)
        bytes += magic + length + Digest(header).bytes + header
        bytes += [UInt8](repeating: 0, count: aligned(bytes.count) - bytes.count)
        bytes += sections
        return bytes
    }

    /// Reads a file, whose weights are mapped into memory and not copied. Throws ``FileError`` or ``ProgramFileError``.
    public init(contentsOf path: String) throws {
        let content = try FileContent(of: path)
        try self.init(content.bytes, of: content, name: path)
        self.content = content
    }

    /// Writes the file, whole or not at all.
    public func write(to path: String) throws {
        let bytes = try encoded()
        try AtomicFile.write(to: path) { (output) throws(FileError) in
            try output.write(bytes)
        }
    }

    /// Reads what `encoded` has made; `name` is for messages. Throws ``ProgramFileError`` for anything else.
    public init(decoding bytes: [UInt8], name: String) throws {
        let memory = try Memory(byteCount: bytes.count)
        memory.pointer.copyMemory(from: bytes, byteCount: bytes.count)
        try self.init(
            UnsafeRawBufferPointer(start: memory.pointer, count: memory.byteCount), of: memory, name: name)
    }

    private init(_ file: UnsafeRawBufferPointer, of owner: any AnyObject & Sendable, name: String)
        throws(ProgramFileError)
    {
        func failure(_ message: String) -> ProgramFileError { ProgramFileError(file: name, message: message) }
        guard file.starts(with: Self.magic) else { throw failure("not a program of Apus, or one of another version") }
        guard file.count >= Self.prefixBytes else { throw failure("the file ends before its header") }
        let length = file.loadUnaligned(fromByteOffset: Self.magic.count, as: UInt64.self).littleEndian
        guard length <= UInt64(file.count - Self.prefixBytes) else {
            throw failure(
                "a header of \(length) bytes is announced, and the file has \(file.count - Self.prefixBytes) more")
        }
        let end = Self.prefixBytes + Int(length), json = Array(file[Self.prefixBytes..<end])
        guard Digest(json).bytes.elementsEqual(file[(Self.magic.count + 8)..<Self.prefixBytes]) else {
            throw failure("the header is damaged: it does not have the SHA-256 that stands before it")
        }
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        let header: Header
        do {
            header = try decoder.decode(Header.self, from: Data(json))
        } catch {
            throw failure("the header cannot be read: \(error)")
        }
        let start = Self.aligned(end)
        guard header.byteCount >= 0, header.byteCount == file.count - start, file[end..<start].allSatisfy({ $0 == 0 })
        else {
            throw failure(
                "\(header.byteCount) bytes are announced behind the header, and there are \(file.count - start)")
        }
        /// Where the next section may begin: each begins behind the last one, and nothing but zeros lies between.
        var free = 0
        func content(_ section: Header.Section, _ what: String) throws(ProgramFileError) -> UnsafeRawBufferPointer {
            guard section.byteOffset == Self.aligned(free), section.byteCount >= 0,
                section.byteOffset <= header.byteCount, section.byteCount <= header.byteCount - section.byteOffset
            else { throw failure("the \(what) lie outside of the file") }
            guard file[(start + free)..<(start + section.byteOffset)].allSatisfy({ $0 == 0 }) else {
                throw failure("something lies before the \(what)")
            }
            free = section.byteOffset + section.byteCount
            return UnsafeRawBufferPointer(rebasing: file[(start + section.byteOffset)..<(start + free)])
        }
        let code = Array(try content(header.code, "kernels"))
        guard Digest(code).hexadecimal == header.codeDigest else {
            throw failure("the code is damaged: it does not have the SHA-256 that the header gives")
        }
        let constants = try content(header.constants, "constants")
        guard Checksum(constants) == header.constantsChecksum else { throw failure("the constants are damaged") }
        let weightsStart = header.weights.byteOffset, weights = try content(header.weights, "weights")
        guard Checksum(weights) == header.weightsChecksum else { throw failure("the weights are damaged") }
        guard free == header.byteCount else { throw failure("\(header.byteCount - free) bytes follow the weights") }

        program = header.program
        program.constants = Array(constants)
        if let problem = program.problem { throw failure(problem) }
        target = header.target
        self.code = CodeImage(bytes: code, functions: header.functions)
        let types = Dictionary(uniqueKeysWithValues: program.parameters.map { ($0.name, $0.type) })
        self.weights = [:]
        for weight in header.parameters {
            guard let type = types[weight.name], weight.content.byteCount == type.byteCount,
                weight.content.byteOffset >= weightsStart, weight.content.byteOffset % Self.alignment == 0,
                weight.content.byteOffset <= header.byteCount - type.byteCount
            else {
                throw failure("the content of '\(weight.name)' lies outside of the file, or belongs to no parameter")
            }
            let elements = UnsafeRawBufferPointer(rebasing: file[(start + weight.content.byteOffset)...])
            guard let first = elements.baseAddress else { continue }
            self.weights[weight.name] = TensorData(type: type, lyingAt: first, of: owner)
        }
    }
}

extension FileContent {
    /// How many bytes from its beginning a tensor lies that is part of it; nil for others.
    fileprivate func place(of data: TensorData) -> Int? {
        guard let start = bytes.baseAddress, data.pointer >= start, data.pointer < start + bytes.count else {
            return nil
        }
        return data.pointer - start
    }
}

/// A file that holds no program that could be run here.
public struct ProgramFileError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The path, or what else the file is called.
    public var file: String
    /// What is wrong with it.
    public var message: String

    /// An error in a file with its message.
    public init(file: String, message: String) { (self.file, self.message) = (file, message) }

    public var description: String { "\(file): \(message)" }
}
