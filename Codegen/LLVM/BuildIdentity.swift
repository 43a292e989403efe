import CLLVM
import Foundation

/// What tells the code of this process from that of any other build, for caches of what it has made.
///
/// The files with Apus and LLVM are told apart by inode, size and the times of their last change. Reading them would
/// take longer than all the rest of a cached compilation; and no two builds share all of these, since the system itself
/// sets the time of change, in nanoseconds, whenever a file is written, copied or unpacked.
package enum BuildIdentity {
    /// Nil if the system does not tell, or if one of the files has been replaced since the program began.
    package static let text: String? = {
        let identities = [files.apus, files.llvm].map { $0.flatMap(identity(ofFile:)) }
        return identities.contains(nil) ? nil : identities.compactMap(\.self).joined(separator: " ")
    }()

    /// The files that hold the code of Apus and of LLVM; nil where the system does not tell.
    package static let files: (apus: String?, llvm: String?) = {
        let apus: @convention(c) () -> Void = {}
        let llvm: @convention(c) () -> LLVMContextRef? = LLVMContextCreate
        return (
            file(at: unsafeBitCast(apus, to: UnsafeRawPointer.self)),
            file(at: unsafeBitCast(llvm, to: UnsafeRawPointer.self))
        )
    }()

    private static func identity(ofFile path: String) -> String? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        #if canImport(Darwin)
            let (modified, changed) = (status.st_mtimespec, status.st_ctimespec)
        #else
            let (modified, changed) = (status.st_mtim, status.st_ctim)
        #endif
        return
            "\(status.st_ino) \(status.st_size) \(modified.tv_sec).\(modified.tv_nsec) \(changed.tv_sec).\(changed.tv_nsec)"
    }

    /// The program or library that holds the code at an address of this process. Linux adds "(deleted)" to one that is
    /// not there any more.
    private static func file(at address: UnsafeRawPointer) -> String? {
        #if canImport(Darwin)
            var information = Dl_info()
            return dladdr(address, &information) != 0 ? String(cString: information.dli_fname) : nil
        #else
            guard let map = fopen("/proc/self/maps", "r") else { return nil }
            var buffer: UnsafeMutablePointer<CChar>?, capacity = 0
            defer {
                fclose(map)
                free(buffer)
            }
            // Lines such as "7f1c4a000000-7f1c4a200000 r-xp 00028000 fd:01 131083   /usr/lib/libexample.so".
            while getline(&buffer, &capacity, map) > 0, let buffer {
                let fields = String(cString: buffer).dropLast().split(separator: " ", maxSplits: 5)
                let bounds = fields[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
                if fields.count == 6, bounds.count == 2, bounds[0] <= UInt(bitPattern: address),
                    UInt(bitPattern: address) < bounds[1]
                {
                    return String(fields[5].drop { $0 == " " })
                }
            }
            return nil
        #endif
    }
}
