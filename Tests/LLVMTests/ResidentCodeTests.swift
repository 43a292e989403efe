import ApusLLVM
import ApusSystem
import Foundation
import Testing

/// What a process keeps in memory of LLVM once it has compiled.
@Suite struct ResidentCodeTests {
    @Test(.enabled(if: FileManager.default.fileExists(atPath: "/proc/self/smaps")))
    func codeIsGivenBackAndComesAgain() throws {
        let before = try compiled(), mapped = try residentCode().mapped
        #expect(mapped > 8 << 20)
        // Other tests compile meanwhile: what they need comes back at once, a small part of the whole.
        let least = try (0..<20).map { _ in
            AddressSpace.releaseCode(ofLibraryWith: "LLVMContextCreate")
            return try residentCode().resident
        }.min()!
        #expect(least < mapped / 4)
        #expect(try compiled() == before)
        // A function that no library has is none of this process' code.
        AddressSpace.releaseCode(ofLibraryWith: "no such function")
    }

    private func compiled() throws -> [Float] {
        let add = try Compiled(target(.scalar)) { build, pointers, count in
            build.overVectors(count) { offset, mask, type in
                let a = build.maskedLoad(type, pointers[0], byteOffset: offset, mask: mask)
                let b = build.maskedLoad(type, pointers[1], byteOffset: offset, mask: mask)
                build.maskedStore(build.fadd(a, b), pointers[2], byteOffset: offset, mask: mask)
            }
        }
        return add([1, 2, 3], [10, 20, 30], into: [0, 0, 0], count: 3)
    }

    /// Bytes of LLVM's code that are mapped, and those of them in memory.
    private func residentCode() throws -> (mapped: Int, resident: Int) {
        var isCode = false, mapped = 0, resident = 0
        let bytes = try #require(try FileHandle(forReadingAtPath: "/proc/self/smaps")?.readToEnd())
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let fields = line.split(separator: " ")
            if fields.count >= 5, fields[0].contains("-") {
                isCode = fields[1] == "r-xp" && line.contains("LLVM")
            } else if isCode, fields[0] == "Size:" {
                mapped += (Int(fields[1]) ?? 0) << 10
            } else if isCode, fields[0] == "Rss:" {
                resident += (Int(fields[1]) ?? 0) << 10
            }
        }
        return (mapped, resident)
    }
}
