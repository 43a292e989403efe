import Foundation

extension TargetDescription.Caches {
    /// As the system tells; what it does not, is taken to be as on most processors.
    static func ofThisMachine() -> Self {
        var caches = Self()
        func set(_ size: WritableKeyPath<Self, Int>, _ found: Int?) {
            if let found, found > 0 { caches[keyPath: size] = found }
        }
        #if os(Linux)
            func system(_ name: Int) -> Int { sysconf(Int32(name)) }
            set(\.lineBytes, system(_SC_LEVEL1_DCACHE_LINESIZE))
            set(\.firstLevelBytes, system(_SC_LEVEL1_DCACHE_SIZE))
            set(\.firstLevelWays, system(_SC_LEVEL1_DCACHE_ASSOC))
            set(\.secondLevelBytes, system(_SC_LEVEL2_CACHE_SIZE))
        #elseif os(macOS)
            func system(_ name: String) -> Int? {
                var value: Int64 = 0, size = MemoryLayout<Int64>.size
                return sysctlbyname(name, &value, &size, nil, 0) == 0 ? Int(value) : nil
            }
            set(\.lineBytes, system("hw.cachelinesize"))
            set(\.firstLevelBytes, system("hw.perflevel0.l1dcachesize"))
            set(\.secondLevelBytes, system("hw.perflevel0.l2cachesize"))
        #endif
        return caches
    }
}
