import ApusFiles
import ApusSystem
import CRuntime
import Foundation

/// A C compiler with the archiver that belongs to it.
public struct CCompiler: Sendable {
    /// The command with the arguments that it always gets, such as `--target`.
    public let command: [String]
    /// The archiver.
    let archiver: String

    /// The compiler of a name or path; without one, that of the environment variable `CC`, else the first that is found
    /// of those that compile for an architecture. Throws ``CLibraryError`` if there is none.
    public init(named name: String? = nil, for architecture: String) throws(CLibraryError) {
        let environment = ProcessInfo.processInfo.environment
        let path = environment["PATH"] ?? "/usr/bin:/bin"
        // CC compiles for this machine.
        let usual = architecture == Self.ownArchitecture ? environment["CC"] : nil
        let wanted = name ?? usual.flatMap { $0.isEmpty ? nil : $0 }
        let candidates = wanted.map { [$0.split(separator: " ").map(String.init)] } ?? Self.candidates(architecture)
        let command = candidates.first { $0.first.map { Self.isFound($0, path) } ?? false }
        guard let command else {
            let names = candidates.map { $0.joined(separator: " ") }.joined(separator: ", ")
            throw CLibraryError(
                .compiler,
                "no C compiler for \(architecture) is found (\(names)); install one, or name it by --cc or the environment "
                    + "variable CC")
        }
        guard let archiver = ["ar", "llvm-ar", "gcc-ar"].first(where: { Self.isFound($0, path) }) else {
            throw CLibraryError(.compiler, "no archiver is found (ar, llvm-ar); install binutils")
        }
        // It is run in another folder.
        let here = FileManager.default.currentDirectoryPath, first = command[0]
        let program = first.contains("/") && !first.hasPrefix("/") ? "\(here)/\(first)" : first
        (self.command, self.archiver) = ([program] + command.dropFirst(), archiver)
    }

    private static let ownArchitecture = String(cString: apus_processor_architecture())

    private static func candidates(_ architecture: String) -> [[String]] {
        if architecture == ownArchitecture { return [["cc"], ["gcc"], ["clang"]] }
        return [["\(architecture)-linux-gnu-gcc"], ["clang", "--target=\(architecture)-linux-gnu"]]
    }

    private static func isFound(_ name: String, _ path: String) -> Bool {
        let places = name.contains("/") ? [name] : path.split(separator: ":").map { "\($0)/\(name)" }
        return places.contains { access($0.systemName, X_OK) == 0 && !Folders.isFolder($0) }
    }

    /// Makes both libraries of some files in a folder, from which `target` is named.
    func build(_ units: [String], in folder: String, name: String, to target: String) throws(CLibraryError) {
        let objects = units.map { "\($0.dropLast(2)).o" }
        let (archive, shared) = ("\(target)/lib\(name).a", "\(target)/lib\(name).so")
        let partial = [archive, shared].map { "\($0).partial" }
        defer { for file in objects + partial { unlink("\(folder)/\(file)".systemName) } }
        try run(
            command + ["-std=c11", "-O2", "-fPIC", "-fvisibility=hidden", "-ffp-contract=off", "-pthread", "-c"]
                + units,
            in: folder)
        unlink("\(folder)/\(archive).partial".systemName)
        try run([archiver, "rcs", "\(archive).partial"] + objects, in: folder)
        try run(
            command + ["-shared", "-pthread", "-Wl,-soname,lib\(name).so", "-o", "\(shared).partial"] + objects + [
                "-lm"
            ],
            in: folder)
        for file in [archive, shared] {
            guard rename("\(folder)/\(file).partial".systemName, "\(folder)/\(file)".systemName) == 0 else {
                throw CLibraryError(
                    .compiler, "\(FileError(path: "\(folder)/\(file)", action: "write"))")
            }
        }
    }

    private func run(_ arguments: [String], in folder: String) throws(CLibraryError) {
        let text = arguments.joined(separator: " ")
        switch Command.run(arguments, in: folder) {
        case .failure(let error):
            throw CLibraryError(.compiler, "'\(text)' cannot be run: \(error.reason)")
        case .success(let (status, output)):
            guard status == 0 else {
                throw CLibraryError(.compiler, "'\(text)' has failed with status \(status):\n\(output)")
            }
        }
    }
}
