import ApusDigest
import ApusLLVM
import Foundation
import Synchronization

/// Programs and object code of kernels on disk, so that what was compiled once is only loaded the next time: a model
/// that is compiled again as a whole, one that was changed a little in most of its kernels.
///
/// An entry goes by a digest of everything that decides it: the graph or the kernel's text, the target, LLVM, and the
/// build of Apus itself. Entries are written whole or not at all and carry a checksum, so that any number of processes
/// can share a folder, and an entry that is damaged is one that is not there.
///
/// A cache is only a cache: where it cannot be read or written, compilation goes on without it and says nothing.
/// That includes a folder that another user owns or may write to, since whoever writes there decides what is executed
/// here.
public struct ObjectCache: Sendable {
    /// Where the entries lie.
    public let folder: String
    /// Bytes that entries may take; beyond that, those that were not used for longest are removed. Which process looks
    /// is left to chance, so that the folder may be larger for a while, by a few 64ths.
    public let limitBytes: Int
    private let budget: TrimBudget

    /// A cache in a folder, which is made, for this user only, when the first entry is written.
    public init(folder: String, limitBytes: Int = 512 << 20) {
        self.folder = folder
        self.limitBytes = limitBytes
        budget = TrimBudget(allowance: limitBytes / 64)
    }

    /// The user's cache: `$XDG_CACHE_HOME/apus`, else `~/.cache/apus`.
    ///
    /// Nil if neither is known as an absolute path, or if the environment says `APUS_CACHE=off`.
    public static let standard = standardFolder(ProcessInfo.processInfo.environment).map { ObjectCache(folder: $0) }

    package static func standardFolder(_ environment: [String: String]) -> String? {
        func absolute(_ variable: String) -> String? { environment[variable].flatMap { $0.hasPrefix("/") ? $0 : nil } }
        guard environment["APUS_CACHE"] != "off" else { return nil }
        guard let parent = absolute("XDG_CACHE_HOME") ?? absolute("HOME").map({ $0 + "/.cache" }) else { return nil }
        return parent + "/apus"
    }

    // MARK: Keys

    /// Raised when the meaning of entries changes; a change of the code that writes them is noticed by itself.
    private static let format = "1"

    /// The name of a kernel's code; nil where the system does not tell one build of Apus from another.
    package static func key(kernel text: String, target: TargetDescription, passes: String) -> Digest? {
        key([text, passes] + texts(target))
    }

    private static func texts(_ target: TargetDescription) -> [String] {
        [
            target.triple, target.cpu, target.features, "\(target.vectorBytes)", "\(target.hasFusedMultiplyAdd)",
            "\(target.hasBFloat16DotProduct)", "\(target.hasTileRegisters)", "\(target.caches)",
        ]
    }

    private static func key(_ texts: [String]) -> Digest? { BuildIdentity.text.map { Digest([format, $0] + texts) } }

    // MARK: Object code

    package func object(_ key: Digest) -> [UInt8]? { entry(key, .object) }

    package func store(_ object: [UInt8], as key: Digest) { write(object, key, .object, .replaced) }

    // MARK: Programs

    /// The name of a program; nil where the system does not tell one build of Apus from another.
    func key(program texts: [String], target: TargetDescription, passes: String) -> Digest? {
        Self.key(["program", passes] + Self.texts(target) + texts)
    }

    func program(_ key: Digest) -> [UInt8]? { entry(key, .program) }

    func store(program: [UInt8], as key: Digest) { write(program, key, .program, .replaced) }

    // MARK: Measurements

    /// Keeps a short text, such as which of two implementations is faster, until Apus itself changes, and returns the
    /// one that is kept now: of all processes that share the folder, the first to remember a name decides.
    ///
    /// The name says everything that the text depends on, the machine too: folders may be shared by several. An earlier
    /// text that is not `valid` is replaced.
    @discardableResult
    public func remember(_ name: String, _ text: String, valid: (String) -> Bool = { _ in true }) -> String {
        guard let key = Self.key([name]) else { return text }
        // An entry that is damaged is removed by the look at it.
        let earlier = recall(name)
        if let earlier, valid(earlier) { return earlier }
        write(Array(text.utf8), key, .text, earlier == nil ? .kept : .replaced)
        return recall(name) ?? text
    }

    /// The text that is kept under a name; nil if there is none any more.
    public func recall(_ name: String) -> String? {
        Self.key([name]).flatMap { entry($0, .text) }.map { String(decoding: $0, as: UTF8.self) }
    }

    // MARK: Entries

    private enum Kind: String, CaseIterable {
        case program, object, text

        var suffix: String { "." + rawValue }
        /// What a file of this kind begins with.
        var magic: [UInt8] { Array("apus \(rawValue)\n".utf8) }
    }

    /// What an entry begins with: kind, key, length and checksum of what follows.
    private static func header(_ payload: [UInt8], _ key: Digest, _ kind: Kind) -> [UInt8] {
        kind.magic + key.bytes + withUnsafeBytes(of: UInt64(payload.count).littleEndian) { Array($0) }
            + Digest(payload).bytes
    }

    /// The content of an entry; one that is not as it was written is removed.
    private func entry(_ key: Digest, _ kind: Kind) -> [UInt8]? {
        let name = key.hexadecimal + kind.suffix
        guard let folder = CacheFolder(folder) else { return nil }
        switch folder.read(name, limit: limitBytes) {
        case .unavailable: return nil
        case .stranger: break
        case .bytes(let bytes):
            let headerBytes = Self.header([], key, kind).count
            let payload = Array(bytes.dropFirst(headerBytes))
            if bytes.starts(with: Self.header(payload, key, kind)) { return payload }
        }
        folder.remove(name)
        return nil
    }

    private func write(_ payload: [UInt8], _ key: Digest, _ kind: Kind, _ earlier: CacheFolder.Earlier) {
        let bytes = Self.header(payload, key, kind) + payload
        guard bytes.count <= limitBytes, let folder = CacheFolder(folder, creating: true),
            folder.write(bytes, to: key.hexadecimal + kind.suffix, earlier)
        else { return }
        if budget.isSpent(by: CacheFolder.blocks(bytes.count)) {
            folder.trim(to: limitBytes, suffixes: Kind.allCases.map(\.suffix))
        }
    }
}

/// Looking through a large folder takes a while, so it is done once for so many bytes that are written, whichever
/// process writes them: each begins somewhere in the allowance, so that short ones look seldom, and all together as
/// often.
private final class TrimBudget: Sendable {
    private let allowance: Int
    private let rest: Mutex<Int>

    init(allowance: Int) {
        self.allowance = allowance
        rest = Mutex(Int.random(in: 0...max(0, allowance)))
    }

    /// Whether these bytes are more than what was left of the allowance, which then begins anew.
    func isSpent(by byteCount: Int) -> Bool {
        rest.withLock { rest in
            rest -= byteCount
            guard rest < 0 else { return false }
            rest = allowance
            return true
        }
    }
}
