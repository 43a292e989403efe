import ApusCodegen
import ApusFiles
import Foundation

/// Who computes which matmul in a run, as it is kept in the run's folder: going on with it is like never having
/// stopped.
final class RunAnswers {
    /// What compilers ask first, and tell what they have measured.
    let given: KeptAnswers
    /// Where answers are kept; nil until the run has its folder.
    var folder: RunFolder?
    private var savedCount = 0

    init(_ answers: [String: String]) { given = KeptAnswers(answers) }

    /// The answers in the folder of a run that is gone on with; none where nothing was measured.
    ///
    /// Throws ``RunError/brokenAnswers(path:)``.
    static func read(_ folder: RunFolder) throws -> [String: String] {
        guard Folders.exists(folder.answersPath) else { return [:] }
        let text = try TextFile.read(folder.answersPath)
        guard let answers = try? JSONDecoder().decode([String: String].self, from: Data(text.utf8)) else {
            throw RunError.brokenAnswers(path: folder.answersPath)
        }
        return answers
    }

    /// Compiles, and saves the answers that this has brought.
    func saved<Result>(_ compile: () throws -> Result) throws -> Result {
        let result = try compile()
        try save()
        return result
    }

    /// Writes the answers, if there are new ones and a place for them.
    func save() throws {
        let answers = given.all
        guard let folder, answers.count > savedCount else { return }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        try AtomicFile.write(
            String(decoding: encoder.encode(answers), as: UTF8.self) + "\n", to: folder.answersPath)
        savedCount = answers.count
    }
}
