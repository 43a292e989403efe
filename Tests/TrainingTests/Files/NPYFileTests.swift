import ApusIR
import ApusRuntime
import ApusTraining
import Foundation
import Testing

/// A file of NumPy's format from a header's text and the bytes after it.
private func npy(_ header: String, data: [UInt8] = [], version: UInt8 = 1, length: Int? = nil) -> [UInt8] {
    let count = length ?? header.utf8.count
    let size: [UInt8] = (0..<(version == 1 ? 2 : 4)).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) }
    return [0x93] + Array("NUMPY".utf8) + [version, 0] + size + Array(header.utf8) + data
}

@Suite struct NPYFileTests {
    private let folder = TemporaryFolder()

    private func open(_ bytes: [UInt8]) throws -> NPYFile {
        try NPYFile(contentsOf: folder.write(bytes, to: "array.npy"))
    }

    /// What `numpy.save` of NumPy 2.4 wrote for `numpy.array([[1, -2.5], [3e-3, inf], [0, -0.0]], "f4")`.
    private static let matrix: [UInt8] =
        [0x93] + Array("NUMPY".utf8) + [1, 0, 0x76, 0]
        + Array("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }".utf8)
        + [UInt8](repeating: 0x20, count: 58) + [0x0A] + [
            0x00, 0x00, 0x80, 0x3F, 0x00, 0x00, 0x20, 0xC0, 0xA6, 0x9B, 0x44, 0x3B, 0x00, 0x00, 0x80, 0x7F, 0x00, 0x00,
            0x00, 0x00, 0x00, 0x00, 0x00, 0x80,
        ]

    private func tensor(_ file: NPYFile, as type: TensorType) throws -> TensorData {
        try TensorData(file.elementType, file.shape, file.bytes, as: type, what: "x")
    }

    @Test func readsAFileOfNumPy() throws {
        let file = try open(Self.matrix)
        #expect(file.shape == [3, 2] && file.elementType == .f32)
        let numbers = try tensor(file, as: TensorType(.f32, [3, 2])).floats
        #expect(numbers == [1, -2.5, 3e-3, .infinity, 0, 0] && numbers[5].sign == .minus)
    }

    @Test func writesWhatNumPyWrites() throws {
        let data = try TensorData([1, -2.5, 3e-3, .infinity, 0, -0.0] as [Float], shape: [3, 2])
        let path = folder.file("written.npy")
        try NPYFile.write(data, to: path)
        #expect(try contents(of: path) == Self.matrix)
    }

    @Test func readsBothByteOrdersAndVersions() throws {
        let big = try open(
            npy("{'descr': '>i4', 'fortran_order': False, 'shape': (2,), }", data: [0, 0, 1, 2, 255, 255, 255, 254]))
        #expect(try tensor(big, as: TensorType(.i32, [2])).integers == [258, -2])
        let scalar = try open(npy("{'descr': '|b1', 'fortran_order': False, 'shape': (), }", data: [1]))
        #expect(scalar.shape == [] && scalar.elementType == .bool && scalar.bytes == [1])
        let second = try open(
            npy(
                #"{"shape":(1,1),"fortran_order":False,"descr":"<f8"}"#, data: [0, 0, 0, 0, 0, 0, 0xF8, 0x3F],
                version: 2))
        #expect(try tensor(second, as: TensorType(.f32, [1, 1])).floats == [1.5])
        // Of one axis, both orders are the same.
        let vector = try open(
            npy("{'descr': '<i8', 'fortran_order': True, 'shape': (1,), }", data: [3, 0, 0, 0, 0, 0, 0, 0]))
        #expect(try tensor(vector, as: TensorType(.i32, [1])).integers == [3])
    }

    @Test(arguments: [
        TensorType(.f32, []), TensorType(.bf16, [3]), TensorType(.i32, [2, 1, 2]), TensorType(.bool, [5]),
        TensorType(.f64, [2]),
    ])
    func writtenFilesReadBack(_ type: TensorType) throws {
        let numbers = HostTensor(
            type, (0..<type.count).map { type.element == .bool ? Double($0 % 2) : Double($0) - 1.5 })
        let data = TensorData(HostTensor(type, numbers.values.map(type.element.rounded))), path = folder.file("x.npy")
        try NPYFile.write(data, to: path)
        let file = try NPYFile(contentsOf: path)
        #expect(file.shape == type.shape)
        if type.element == .f64 {
            #expect(try file.bytes == Array(contents(of: path).suffix(16)) && file.elementType == .f64)
        } else {
            #expect(try tensor(file, as: type) == data)
        }
    }

    @Test func hostileHeaders() throws {
        func code(_ bytes: [UInt8]) -> NPYError.Code? {
            do {
                _ = try open(bytes)
                return nil
            } catch { return (error as? NPYError)?.code }
        }
        func header(_ descr: String, _ order: String, _ shape: String) -> String {
            "{'descr': \(descr), 'fortran_order': \(order), 'shape': \(shape), }"
        }
        func header(_ shape: String) -> String { header("'<f4'", "False", shape) }
        let four: [UInt8] = [0, 0, 0, 0]
        #expect(code(npy(header("(1,)"), data: four)) == nil)
        // The magic text, the version and the length.
        #expect(code([]) == .malformedHeader)
        #expect(code(Array("PK\u{3}\u{4} a zip of arrays".utf8)) == .malformedHeader)
        #expect(code(npy(header("(1,)"), data: four, version: 3)) == .unsupported)
        #expect(code(npy(header("(1,)"), length: 60000)) == .malformedHeader)
        #expect(code(npy(header("(1,)"), version: 2, length: 1 << 31)) == .malformedHeader)
        // The dictionary.
        for text in [
            "", "{", "}", "{}", "[]", "{'descr'}", "{'descr': '<f4'", "{'descr': '<f4', 'shape': (1,)}",
            header("(1,)") + "x", header("(1,"), header("(1 1)"), header("(-1,)"), header("(1.5,)"), header("1"),
            header("(99999999999999999999,)"), header("'<f4", "False", "(1,)"), header("<f4", "False", "(1,)"),
            header("'<f4'", "Maybe", "(1,)"), header("[('a', '<f4')]", "False", "(1,)"),
            "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'more': 1}",
            header("(" + String(repeating: "1,", count: 65) + ")"),
            header("'" + String(repeating: "a", count: 100) + "'", "False", "(1,)"),
        ] {
            #expect(code(npy(text, data: four)) == .malformedHeader, "\(text)")
        }
        // Elements and their order.
        for type in ["<f2", "<c8", "|O", "|S4", "=f4", "f4", "<b1", ""] {
            #expect(code(npy(header("'\(type)'", "False", "(1,)"), data: four)) == .unsupported, "\(type)")
        }
        #expect(code(npy(header("'<f4'", "True", "(1, 1)"), data: four)) == .unsupported)
        // What is there must be what the shape says.
        for shape in ["(2,)", "()", "(0,)", "(9223372036854775807, 9223372036854775807)", "(4611686018427387904,)"] {
            #expect(code(npy(header(shape), data: shape == "()" ? [] : four)) == .wrongSize, "\(shape)")
        }
        #expect(code(npy(header("(0, 9223372036854775807)"))) == nil)
    }

    /// No beginning of a file, and none with another byte in it, is a crash.
    @Test func damagedFilesAreErrorsOrOtherArrays() throws {
        for count in 0..<Self.matrix.count {
            #expect(throws: NPYError.self) { try open(Array(Self.matrix.prefix(count))) }
        }
        for place in 0..<128 {
            for byte in [UInt8(0), 0x29, 0x30, 0x39, 0xFF] {
                var bytes = Self.matrix
                bytes[place] = byte
                do { _ = try open(bytes).bytes } catch is NPYError {}
            }
        }
    }

    @Test func errorsSayWhatToDo() throws {
        let path = folder.write(npy("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }"), to: "f.npy")
        let order = #expect(throws: NPYError.self) { try NPYFile(contentsOf: path) }
        #expect(
            order?.description
                == "\(path): the elements lie in Fortran's order; write the file with numpy.ascontiguousarray(array)")
        let absent = #expect(throws: NPYError.self) { try NPYFile(contentsOf: folder.file("absent")) }
        #expect(absent?.code == .unreadable && absent?.cause?.action == "open")
        let unwritable = #expect(throws: NPYError.self) {
            try NPYFile.write(TensorData(1), to: folder.file("missing/x.npy"))
        }
        #expect(unwritable?.code == .unwritable)
    }

    @Test func numbersOfAnotherKindAreRefused() throws {
        func message(_ elements: SafetensorsElementType, _ shape: [Int], _ bytes: [UInt8], _ type: TensorType) -> String
        {
            do {
                _ = try TensorData(elements, shape, bytes, as: type, what: "x")
                return "no error"
            } catch { return "\(error)" }
        }
        let eight = [UInt8](repeating: 0xFF, count: 8), large: [UInt8] = [0, 0, 0, 0x80, 0, 0, 0, 0]
        #expect(message(.i64, [1], eight, TensorType(.i32, [1])) == "no error")
        #expect(message(.i64, [1], large, TensorType(.i32, [1])) == "x holds 2147483648, which i32 does not")
        #expect(message(.i64, [1], eight, TensorType(.f32, [1])) == "x is I64[1], wanted f32[1]")
        #expect(message(.f32, [2], eight, TensorType(.i32, [2])) == "x is F32[2], wanted i32[2]")
        #expect(message(.f32, [2], eight, TensorType(.f32, [2, 1])) == "x is F32[2], wanted f32[2,1]")
        #expect(message(.f32, [1], eight, TensorType(.f32, [1])) == "x has 8 bytes, which are not F32[1]")
    }
}
