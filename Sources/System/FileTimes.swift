import Foundation

extension stat {
    /// Seconds and nanoseconds of the last change of the content.
    package var lastModification: (Int, Int) {
        #if canImport(Darwin)
            (st_mtimespec.tv_sec, st_mtimespec.tv_nsec)
        #else
            (st_mtim.tv_sec, st_mtim.tv_nsec)
        #endif
    }

    /// Seconds and nanoseconds of the last change of content, owner, permissions or names, which only the system sets.
    package var lastChange: (Int, Int) {
        #if canImport(Darwin)
            (st_ctimespec.tv_sec, st_ctimespec.tv_nsec)
        #else
            (st_ctim.tv_sec, st_ctim.tv_nsec)
        #endif
    }
}
