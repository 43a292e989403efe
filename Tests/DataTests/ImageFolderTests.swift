import ApusData
import Testing

@Suite struct ImageFolderTests {
    @Test func classesAndFilesAreSortedAndOthersPassedOver() throws {
        let folder = try TemporaryFolder()
        for name in [
            "b/2.PNG", "b/10.png", "a/x.Jpeg", "a/y.jpg", "a/notes.txt", "a/.hidden.png", ".git/z.png", "readme.png",
            "Z/q.png", "a/folder.png/deep.png",
        ] { try folder.write(name, [0]) }
        let images = try ImageFolder(root: folder.path)
        #expect(images.classes == ["Z", "a", "b"])
        #expect(
            images.items.map { $0.path.dropFirst(folder.path.count + 1) } == [
                "Z/q.png", "a/x.Jpeg", "a/y.jpg", "a/folder.png/deep.png", "b/10.png", "b/2.PNG",
            ])
        #expect(images.items.map(\.label) == [0, 1, 1, 1, 2, 2])
    }

    @Test func otherExtensionsCanBeAsked() throws {
        let folder = try TemporaryFolder()
        try folder.write("a/x.scan", [0])
        try folder.write("a/y.png", [0])
        #expect(try ImageFolder(root: folder.path, extensions: ["SCAN"]).items.count == 1)
    }

    @Test func missingAndEmptyFoldersAreNamed() throws {
        let folder = try TemporaryFolder()
        let missing = expectError(.folderMissing) { _ = try ImageFolder(root: "\(folder.path)/none") }
        #expect(missing?.path == "\(folder.path)/none")
        expectError(.noClasses) { _ = try ImageFolder(root: folder.path) }
        try folder.write("full/x.png", [0])
        try folder.write("void/readme.txt", [0])
        let empty = expectError(.emptyClass) { _ = try ImageFolder(root: folder.path) }
        #expect(empty?.message == "the class 'void' has no readable image, only readme.txt")
        let file = try folder.write("file", [0])
        expectError(.folderMissing) { _ = try ImageFolder(root: file) }
    }
}
