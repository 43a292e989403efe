import ApusDigest
import ApusFiles
import Dispatch
import Foundation
import Synchronization

/// Decoded images in a folder on disk, so that a file is decoded once and not in every epoch.
///
/// What loaders give is the same, bit for bit, with a cache and without: an entry holds the pixels that decoding gives
/// (or those that are seen, where nothing random is done to them), and goes by all that decides them: the files' paths,
/// sizes and times of change, the decoder's settings, and the versions of the libraries that decode. Each entry has a
/// checksum; one that is damaged is decoded anew and replaced.
///
/// Any number of processes share a folder. Together they never take more than ``limitBytes``: for a new entry, those
/// that were not used for longest go, but none that was used since this object was made. An epoch needs every image
/// once, so to replace some of its images by others would cost writes and save nothing; what does not fit is decoded
/// each time. Who gives no limit goes by that of whoever gave one last.
///
/// A cache is only a cache: where it cannot be written to, or the disk is full, that is said once and loaders go on.
public final class ImageCache: Sendable {
    /// Where the entries lie.
    public let folder: String
    /// Bytes that the entries of all processes may take.
    public var limitBytes: Int { budget?.limit ?? Self.standardLimit }

    /// How much a cache takes where nobody ever said: 20 GB.
    public static let standardLimit = 20_000_000_000

    private let warn: @Sendable (String) -> Void
    private let budget: CacheBudget?
    /// Entries of so many bytes and more are not written: all of them, where the system refuses.
    private let refusedBytes: Atomic<Int>
    /// Until when nothing is written, since another process held the lock for long; in nanoseconds of the system's
    /// clock.
    private let busyUntil = Atomic<UInt64>(0)
    private static let longestPause: UInt64 = 30_000_000_000

    /// Opens a folder, which is made if it is missing, and removes what is beyond the limit, if one is given.
    ///
    /// `warn` gets a line, from any thread, where entries cannot be written, and where there is no room for more; by
    /// default it goes to standard error.
    public init(
        folder: String, limitBytes: Int? = nil,
        warn: @escaping @Sendable (String) -> Void = ImageCache.warnOnStandardError
    ) {
        (self.folder, self.warn) = (folder, warn)
        do throws(FileError) {
            try Folders.make(folder)
            budget = try CacheBudget(folder, limit: limitBytes)
        } catch {
            budget = nil
            warn(Self.unwritable(folder, error))
        }
        refusedBytes = Atomic(budget == nil ? 0 : .max)
    }

    /// Writes a line to standard error.
    public static let warnOnStandardError: @Sendable (String) -> Void = { line in
        try? FileHandle.standardError.write(contentsOf: Data("warning: \(line)\n".utf8))
    }

    /// The value that is kept for some files, or what `make` makes, which is kept then; throws what it throws. An entry
    /// that does not fit what is asked for is damaged: it has at most `most` bytes.
    func value<Value: CachedValue>(
        _ source: CacheSource, most: Int, fits: (Value) -> Bool, _ make: () throws(DataError) -> Value
    ) throws(DataError) -> Value {
        guard let key = source.key else { return try make() }
        let path = "\(folder)/\(key.hexadecimal)\(CacheEntry.suffix)"
        switch CacheEntry.read(path, key: key, most: most) {
        case .entry(let entry):
            if let value = Value(entry), fits(value) { return value }
            unlink(path.systemName)
        case .damaged: unlink(path.systemName)
        case .missing: break
        }
        let value = try make()
        // A file that was written to meanwhile may be neither the old one nor the new.
        if source.key == key { store(value.entry, key, path) }
        return value
    }

    private func store(_ entry: CacheEntry, _ key: Digest, _ path: String) {
        guard let budget, entry.fileBytes < refusedBytes.load(ordering: .relaxed),
            Self.now >= busyUntil.load(ordering: .relaxed)
        else { return }
        var admission = CacheBudget.Admission.admitted, lock: Int32?
        defer { if let lock { budget.release(lock) } }
        do throws(FileError) {
            try AtomicFile.write(to: path, waitsForDisk: false) { (output) throws(FileError) in
                admission = try budget.admit(entry.fileBytes, as: path, output)
                if admission == .admitted {
                    try entry.write(key, to: output)
                    (admission, lock) = try budget.finish(entry.fileBytes, as: path)
                }
                // What is thrown only removes what was written.
                guard admission == .admitted else { throw FileError(path: path, action: "write", number: EDQUOT) }
            }
        } catch {
            switch admission {
            case .admitted: refuse(0, saying: Self.unwritable(folder, error))
            case .full:
                let bytes = entry.fileBytes
                refuse(
                    bytes,
                    saying:
                        "the image cache \(folder.inOneLine) is full for images of \(bytes) bytes and more, which are"
                        + " decoded each time; a larger limit holds more")
            case .busy:
                if busyUntil.exchange(Self.now + Self.longestPause, ordering: .relaxed) == 0 {
                    warn(
                        "another process holds the image cache \(folder.inOneLine) for long: nothing is added to it for"
                            + " half a minute at a time")
                }
            case .unneeded: break
            }
        }
    }

    private static var now: UInt64 { DispatchTime.now().uptimeNanoseconds }

    /// Keeps nothing more of so many bytes, and says why the first time.
    private func refuse(_ bytes: Int, saying reason: String) {
        let before = refusedBytes.min(bytes, ordering: .relaxed).oldValue
        if before == .max || bytes == 0 && before > 0 { warn(reason) }
    }

    private static func unwritable(_ folder: String, _ error: FileError) -> String {
        "the image cache \(folder.inOneLine) cannot be written to (\(error.reason)): images that it does not hold are"
            + " decoded each time"
    }
}
