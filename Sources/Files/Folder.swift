import Foundation

/// Makes a folder, and those above it, where they are missing; throws what the system says otherwise.
package func makeFolder(_ path: String) throws(FileError) {
    if mkdir(path, 0o777) == 0 { return }
    let number = errno
    var status = stat()
    if stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR { return }
    let parent = URL(fileURLWithPath: path).deletingLastPathComponent().path
    guard number == ENOENT, !path.isEmpty, parent != path else {
        throw FileError(path: path, action: "create", number: number)
    }
    try makeFolder(parent)
    guard mkdir(path, 0o777) == 0 || errno == EEXIST else { throw FileError(path: path, action: "create") }
}

/// The names of all files in a folder, hidden ones too, none when it is missing.
package func names(in path: String) throws(FileError) -> [String] {
    guard let folder = opendir(path) else {
        if errno == ENOENT { return [] }
        throw FileError(path: path, action: "open")
    }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
        names.append(
            withUnsafePointer(to: &entry.pointee.d_name) { name in
                String(cString: UnsafeRawPointer(name).assumingMemoryBound(to: CChar.self))
            })
    }
    return names
}
