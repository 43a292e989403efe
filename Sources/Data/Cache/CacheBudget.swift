import ApusFiles
import ApusSystem
import Foundation

/// What the entries of a cache's folder take, of all processes together, and what may be added.
///
/// The number of bytes is in a file, which is locked (`flock`) while it changes: for moments, since entries are written
/// without the lock. Room for an entry is taken before its bytes are there, and it gets its name under the lock again,
/// so that no count misses it. What a killed process has taken is found free when entries are counted: by each process
/// at its start, and before any are removed.
struct CacheBudget: Sendable {
    /// What became of a wish to add an entry.
    enum Admission {
        /// There is room, and it is taken.
        case admitted
        /// There is none, and nothing that may go.
        case full
        /// Another process has just written it.
        case unneeded
        /// Another process holds the lock for long.
        case busy
    }

    /// The name of the file.
    static let fileName = ".size"
    /// How long to wait for other processes, in milliseconds: one may have been stopped in the middle.
    private static let longestWait = 500

    private let folder: String
    /// Bytes that entries may take.
    let limit: Int
    /// Entries that were used since then stay; in the clock of the file system.
    private let start: (seconds: Int, nanoseconds: Int)

    /// Counts what is there, and removes what is beyond the limit; throws where the system refuses. Without a `limit`
    /// it is that of whoever gave one last.
    init(_ folder: String, limit: Int?) throws(FileError) {
        self.folder = folder
        guard let file = try Self.lock(folder) else {
            (start, self.limit) = ((Int(time(nil)), 0), limit ?? ImageCache.standardLimit)
            return
        }
        defer { close(file) }
        // Nobody gives an entry its name now.
        AtomicFile.removeAbandoned(in: folder)
        self.limit = limit ?? Self.number(1, in: file) ?? ImageCache.standardLimit
        if let limit { try Self.write(limit, at: 1, to: file, folder) }
        let total = try Self.trim(folder, to: self.limit, before: (Int.max, 0))
        try Self.write(total, to: file, folder)
        var status = stat()
        guard fstat(file, &status) == 0 else { throw FileError(path: folder, action: "read") }
        start = status.lastModification
    }

    /// Takes room for an entry, whose file is being written; throws where the system refuses.
    func admit(_ byteCount: Int, as path: String, _ output: borrowing AtomicFile.Output) throws(FileError) -> Admission
    {
        let bytes = Self.blocks(byteCount)
        guard bytes <= limit else { return .full }
        guard let file = try Self.lock(folder) else { return .busy }
        defer { close(file) }
        guard !Folders.exists(path) else { return .unneeded }
        var total = Self.number(0, in: file) ?? .max
        if total > limit - bytes {
            total = try Self.trim(folder, to: limit - bytes, before: start)
            try Self.write(total, to: file, folder)
            guard total <= limit - bytes else { return .full }
        }
        try output.reserve(byteCount)
        try Self.write(total + bytes, to: file, folder)
        return .admitted
    }

    /// Waits until an entry whose bytes are written may get its name: nobody counts then, who could miss a file that
    /// changes its name. Whoever gets the lock releases it (``release(_:)``) when the file has its name or is gone.
    /// Throws where the system refuses.
    func finish(_ byteCount: Int, as path: String) throws(FileError) -> (admission: Admission, lock: Int32?) {
        guard let file = try Self.lock(folder) else { return (.busy, nil) }
        guard Folders.exists(path) else { return (.admitted, file) }
        // Another process was faster, and has taken the same room.
        if let total = Self.number(0, in: file) {
            try? Self.write(max(0, total - Self.blocks(byteCount)), to: file, folder)
        }
        return (.unneeded, file)
    }

    /// Releases a lock.
    func release(_ lock: Int32) { close(lock) }

    /// Opens the file, and locks it until it is closed; nil if another process holds it for long.
    private static func lock(_ folder: String) throws(FileError) -> Int32? {
        let path = "\(folder)/\(fileName)"
        let file = open(path.systemName, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o666)
        guard file >= 0 else { throw FileError(path: folder, action: "write") }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(file)
            throw FileError(path: folder, action: "lock", number: EINVAL)
        }
        for _ in 0..<longestWait {
            if flock(file, LOCK_EX | LOCK_NB) == 0 { return file }
            guard errno == EWOULDBLOCK || errno == EINTR else {
                let number = errno
                close(file)
                throw FileError(path: folder, action: "lock", number: number)
            }
            usleep(1000)
        }
        close(file)
        return nil
    }

    /// A number in the file: the bytes of all entries, and the limit that was given last; nil if it is not whole.
    private static func number(_ place: Int, in file: Int32) -> Int? {
        var number: Int64 = 0
        let size = MemoryLayout.size(ofValue: number), count = pread(file, &number, size, off_t(place * size))
        number = Int64(littleEndian: number)
        return count == size && number >= 0 ? Int(number) : nil
    }

    private static func write(_ number: Int, at place: Int = 0, to file: Int32, _ folder: String) throws(FileError) {
        var number = Int64(number).littleEndian
        let size = MemoryLayout.size(ofValue: number)
        guard pwrite(file, &number, size, off_t(place * size)) == size else {
            throw FileError(path: folder, action: "write")
        }
    }

    /// Removes the entries that were not used for longest, of those not used since `start`, until an eighth of the
    /// limit is free beside what has to be; returns what the others take, those under way too.
    private static func trim(_ folder: String, to limit: Int, before start: (Int, Int)) throws(FileError) -> Int {
        var entries: [(path: String, bytes: Int, used: (Int, Int))] = [], total = 0
        for name in try Folders.names(in: folder) {
            let path = "\(folder)/\(name)", isEntry = CacheEntry.isName(name)
            guard isEntry || name.hasSuffix(AtomicFile.temporarySuffix) else { continue }
            var status = stat()
            guard lstat(path.systemName, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { continue }
            let bytes = blocks(Int(status.st_size))
            total = min(total + bytes, mostBytes)
            if isEntry, status.lastModification < start { entries.append((path, bytes, status.lastModification)) }
        }
        guard total > limit else { return total }
        for entry in entries.sorted(by: { $0.used < $1.used }) where total > limit - limit / 8 {
            if unlink(entry.path.systemName) == 0 { total = max(0, total - entry.bytes) }
        }
        return total
    }

    /// More than any disk has: of sparse files, which may say any size, sums stay numbers.
    private static let mostBytes = 1 << 60

    /// Bytes that a file takes on common file systems.
    private static func blocks(_ byteCount: Int) -> Int { (min(byteCount, mostBytes) + 4095) / 4096 * 4096 }
}
