import CRuntime
import Foundation

/// The processors that this process may use: those of the machine, less those that it is kept from by its affinity mask
/// (`taskset`, batch systems) or by a quota of its control groups (containers).
public struct Processors: Hashable, Sendable {
    /// Those of this process. Asked once.
    public static let current = Processors(root: "")

    /// How many threads of this process can work at the same time, at least 1.
    public static var available: Int { current.atOnce }

    /// Processors of the machine that are running.
    public let online: Int
    /// Those of them that the affinity mask allows.
    public let allowed: Int
    /// Cores that the allowed ones belong to. Each processor of a virtual machine counts as one.
    public let cores: Int
    /// Processors' worth of time that the control groups give, which may be a part of one; nil without a limit.
    public let quota: Double?
    /// How many threads can work at the same time, at least 1.
    public let atOnce: Int
    /// The numbers of the allowed ones: one of each core first, then their siblings.
    package let numbers: [Int32]

    /// Reads what Linux says in files below a folder, which is empty but for tests.
    package init(root: String) {
        var found = apus_processors()
        let capacity = APUS_MOST_PROCESSORS
        numbers = [Int32](unsafeUninitializedCapacity: capacity) { numbers, count in
            apus_processors_find(root, &found, numbers.baseAddress, Int32(capacity))
            count = Int(found.allowed)
        }
        (online, allowed, cores) = (Int(found.online), Int(found.allowed), Int(found.cores))
        quota = found.quota > 0 ? found.quota : nil
        atOnce = Int(apus_processors_at_once(&found))
    }

    /// The same in C.
    fileprivate var inC: apus_processors {
        apus_processors(
            online: Int32(online), allowed: Int32(allowed), cores: Int32(cores), quota: quota ?? 0)
    }
}

/// How many threads programs run on, and why.
public struct ThreadChoice: Hashable, Sendable, CustomStringConvertible {
    /// The most threads that programs run on.
    public static let most = APUS_MOST_THREADS

    /// How many there are.
    public let count: Int
    /// The number and why, such as "2 threads (quota of 2 of 8 processors)".
    public let description: String

    /// As many as are asked for; without that as many as the variable APUS_NUM_THREADS says, else OMP_NUM_THREADS, else
    /// one for each core that the process may use.
    ///
    /// Throws if a number is asked for, or given by APUS_NUM_THREADS, that is not from 1 to ``most``. Other programs go
    /// by OMP_NUM_THREADS too: a value that is no number is told in the description, and not used.
    public init(_ asked: Int? = nil) throws(ThreadCountError) {
        try self.init(asked, .current, own: Self.value("APUS_NUM_THREADS"), general: Self.value("OMP_NUM_THREADS"))
    }

    /// The same on some processors, with the values of both variables.
    package init(_ asked: Int?, _ processors: Processors, own: String?, general: String?) throws(ThreadCountError) {
        if let asked, !(1...Self.most).contains(asked) {
            throw ThreadCountError("\(asked) threads are asked for; there can be 1 to \(Self.most)")
        }
        self.init(unchecked: asked ?? 0, processors, own, general)
        if count == 0 { throw ThreadCountError(description) }
    }

    /// As many as are asked for, but at least 1 and at most ``most``; a number of APUS_NUM_THREADS that is none is not
    /// used.
    package init(clamping asked: Int?) {
        let number = asked.map { min(max(1, $0), Self.most) } ?? 0
        let general = Self.value("OMP_NUM_THREADS")
        let choice = Self(unchecked: number, .current, Self.value("APUS_NUM_THREADS"), general)
        self = choice.count > 0 ? choice : Self(unchecked: number, .current, nil, general)
    }

    private init(unchecked asked: Int, _ processors: Processors, _ own: String?, _ general: String?) {
        var processors = processors.inC, text = [CChar](repeating: 0, count: 512)
        count = Int(apus_threads_choose(&processors, Int32(asked), own, general, &text, text.count))
        description = String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    private static func value(_ variable: String) -> String? {
        getenv(variable).map { String(cString: $0) }
    }
}

/// A number of threads that cannot be.
public struct ThreadCountError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong, where it was given, and what can be.
    public let description: String

    init(_ description: String) { self.description = description }
}
