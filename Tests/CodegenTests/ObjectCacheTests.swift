import ApusCodegen
import ApusDigest
import ApusIR
import ApusLLVM
import ApusRuntime
import Foundation
import Synchronization
import Testing

/// Code that is kept on disk: it gives what compiling gives, and whatever happens to its files, nothing else.
struct ObjectCacheTests {
    // MARK: Hits

    @Test func aHitComputesWhatAMissComputes() throws {
        try withFolder { (folder: String) throws in
            let graph = try softmaxGraph()
            let fresh = try outcome(of: graph, nil)
            let first = try outcome(of: graph, ObjectCache(folder: folder))
            let second = try outcome(of: graph, ObjectCache(folder: folder))
            #expect([fresh.isCached, first.isCached, second.isCached] == [false, false, true])
            #expect(first.result == fresh.result)
            #expect(second.result == fresh.result)
            #expect(second.stages == ["optimize", "schedule", "cache", "generate", "link"])
        }
    }

    @Test func anotherGraphTakesTheKernelsThatItShares() throws {
        try withFolder { (folder: String) throws in
            let cache = ObjectCache(folder: folder)
            _ = try outcome(of: softmaxGraph(), cache)
            let known = try entries(in: folder)
            // The number of rows is not part of the code.
            #expect(try outcome(of: softmaxGraph(rows: 7), cache).isCached)
            #expect(try !outcome(of: softmaxGraph(withSum: true), cache).isCached)
            #expect(try entries(in: folder).subtracting(known).count == 1)
        }
    }

    @Test func theKeyTellsApartWhateverDecidesTheCode() throws {
        let host = try TargetDescription.host()
        var keys = try ["a", "b"].map { try #require(ObjectCache.key(kernel: "kernel", target: host, passes: $0)) }
        keys.append(try #require(ObjectCache.key(kernel: "Kernel", target: host, passes: "a")))
        let changes: [(inout TargetDescription) -> Void] = [
            { $0.triple += "x" }, { $0.cpu += "x" }, { $0.features += ",+x" }, { $0.vectorBytes *= 2 },
            { $0.hasFusedMultiplyAdd.toggle() }, { $0.hasBFloat16DotProduct.toggle() },
            { $0.hasTileRegisters.toggle() }, { $0.caches.lineBytes *= 2 }, { $0.caches.secondLevelBytes *= 2 },
        ]
        for change in changes {
            var target = host
            change(&target)
            keys.append(try #require(ObjectCache.key(kernel: "kernel", target: target, passes: "a")))
        }
        #expect(Set(keys).count == keys.count)
        #expect(ObjectCache.key(kernel: "kernel", target: host, passes: "a") == keys[0])
    }

    @Test func everyTargetHasCodeOfItsOwn() throws {
        try withFolder { (folder: String) throws in
            for level in try TargetDescription.host().availableLevels {
                let target = try TargetDescription.host().restricted(to: level)
                #expect(try !outcome(of: softmaxGraph(), ObjectCache(folder: folder), target).isCached, "\(level)")
                #expect(try outcome(of: softmaxGraph(), ObjectCache(folder: folder), target).isCached, "\(level)")
            }
        }
    }

    @Test func kernelsWithEqualTextsAreEqual() throws {
        let graphs = try [(3, 4), (3, 5)].map { rows, width in
            try functionGraph([f32(rows, width), i32(rows)]) { [scatterAdd($0[0], at: $0[1], rows: width)] }
        }
        let texts = try graphs.map { try GraphCompiler(cache: nil).kernels($0) }
        #expect(texts[0] != texts[1])
        #expect(texts[0].contains("zeroes 16 elements"))
    }

    // MARK: Damage

    /// Every region of an entry: magic, key, length, checksum, code.
    @Test(arguments: [0, 5, 12, 20, 44, 45, 52, 53, 54, 60, 85, 86, 200, -1])
    func aFlippedBitIsAMiss(at position: Int) throws {
        try expectRecovery { bytes in bytes[position < 0 ? bytes.count + position : position] ^= 0x10 }
    }

    @Test(arguments: [0, 1, 12, 44, 52, 84, 85, 86, -1])
    func aShortenedEntryIsAMiss(to length: Int) throws {
        try expectRecovery { bytes in bytes = Array(length < 0 ? bytes.dropLast(-length) : bytes.prefix(length)) }
    }

    @Test func aLengthenedEntryIsAMiss() throws { try expectRecovery { $0.append(0) } }
    @Test func garbageIsAMiss() throws {
        try expectRecovery { $0 = (0..<5000).map { UInt8(truncatingIfNeeded: $0 * 7919 >> 3) } }
    }

    @Test func theEntryOfAnotherKeyIsAMiss() throws {
        try withFolder { (folder: String) throws in
            let cache = ObjectCache(folder: folder), keys = ["a", "b"].map(key)
            cache.store([1, 2, 3], as: keys[0])
            let file = { (key: Digest) in "\(folder)/\(key.hexadecimal).object" }
            try FileManager.default.copyItem(atPath: file(keys[0]), toPath: file(keys[1]))
            #expect(cache.object(keys[1]) == nil)
            #expect(!FileManager.default.fileExists(atPath: file(keys[1])))
            #expect(cache.object(keys[0]) == [1, 2, 3])
        }
    }

    @Test func whatIsNoFileIsAMiss() throws {
        try withFolder { (folder: String) throws in
            let cache = ObjectCache(folder: folder), files = FileManager.default
            func replaced(_ text: String, _ replace: (String) throws -> Void) throws -> [UInt8]? {
                let key = key(text), path = "\(folder)/\(key.hexadecimal).object"
                cache.store([1], as: key)
                try files.removeItem(atPath: path)
                try replace(path)
                #expect(cache.object(key) == nil)
                cache.store([2], as: key)
                return cache.object(key)
            }
            #expect(
                try replaced("folder") { try files.createDirectory(atPath: $0, withIntermediateDirectories: false) }
                    == [2])
            #expect(
                try replaced("link") { try files.createSymbolicLink(atPath: $0, withDestinationPath: "/etc/passwd") }
                    == [2])
            #expect(try replaced("pipe") { _ = mkfifo($0, 0o600) } == [2])
            #expect(try replaced("unreadable") { try create($0, permissions: 0) } == [2])
            #expect(
                try replaced("full folder") {
                    try files.createDirectory(atPath: $0 + "/x", withIntermediateDirectories: true)
                } == nil)
        }
    }

    // MARK: Folders

    @Test func foldersAndEntriesAreForTheirOwnerAlone() throws {
        try withFolder { (parent: String) throws in
            let folder = parent + "/not/there"
            ObjectCache(folder: folder).remember("name", "text")
            func permissions(_ path: String) throws -> Int? {
                try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            }
            #expect(try permissions(folder) == 0o700)
            #expect(try entries(in: folder).map { try permissions("\(folder)/\($0)") } == [0o600])
        }
    }

    @Test(arguments: [0o777, 0o770, 0o702])
    func aFolderThatOthersMayWriteToIsRefused(_ permissions: Int) throws {
        try withFolder { (folder: String) throws in
            let cache = ObjectCache(folder: folder)
            cache.remember("name", "text")
            try FileManager.default.setAttributes([.posixPermissions: permissions], ofItemAtPath: folder)
            #expect(cache.recall("name") == nil)
            cache.remember("other", "text")
            #expect(try entries(in: folder).count == 1)
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder)
            #expect(cache.recall("name") == "text")
        }
    }

    @Test func aFolderOfAnotherUserIsRefused() throws {
        try withFolder { (folder: String) throws in
            let cache = ObjectCache(folder: folder)
            cache.remember("name", "text")
            // Only the system's administrator can give a folder away; for others, one that was never theirs must do.
            if chown(folder, 12345, 12345) == 0 {
                #expect(cache.recall("name") == nil)
                cache.remember("other", "text")
                #expect(try entries(in: folder).count == 1)
            }
        }
        if geteuid() != 0 { #expect(try !outcome(of: softmaxGraph(), ObjectCache(folder: "/usr")).isCached) }
    }

    @Test(arguments: ["/proc/apus", "/dev/null/apus", "", "/dev/null"])
    func aFolderThatCannotBeMadeIsNoCache(_ folder: String) throws {
        let cache = ObjectCache(folder: folder)
        cache.remember("name", "text")
        #expect(cache.recall("name") == nil)
        #expect(try !outcome(of: softmaxGraph(), cache).isCached)
    }

    @Test func whatCannotBeWrittenIsReadAllTheSame() throws {
        try withFolder { (folder: String) throws in
            let cache = ObjectCache(folder: folder)
            cache.remember("name", "text")
            try FileManager.default.setAttributes([.posixPermissions: 0o500], ofItemAtPath: folder)
            defer { try? FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: folder) }
            cache.remember("other", "text")
            #expect(cache.recall("name") == "text")
            // Permissions do not hold an administrator back.
            if geteuid() != 0 { #expect(cache.recall("other") == nil) }
        }
    }

    @Test func theStandardFolder() {
        #expect(ObjectCache.standardFolder(["XDG_CACHE_HOME": "/x", "HOME": "/h"]) == "/x/apus")
        #expect(ObjectCache.standardFolder(["XDG_CACHE_HOME": "x", "HOME": "/h"]) == "/h/.cache/apus")
        #expect(ObjectCache.standardFolder(["HOME": "/h"]) == "/h/.cache/apus")
        #expect(ObjectCache.standardFolder(["HOME": ""]) == nil)
        #expect(ObjectCache.standardFolder([:]) == nil)
        #expect(ObjectCache.standardFolder(["HOME": "/h", "APUS_CACHE": "off"]) == nil)
    }

    // MARK: Size

    @Test func whatWasNotUsedForLongestGoesFirst() throws {
        try withFolder { (folder: String) throws in
            let cache = ObjectCache(folder: folder, limitBytes: 10 * 8192)
            for number in 0..<10 {
                cache.store([UInt8](repeating: UInt8(number), count: 8000), as: key("\(number)"))
                // Times on disk need not be finer than the clock's tick.
                usleep(20_000)
            }
            #expect(cache.object(key("0"))?.first == 0)
            usleep(20_000)
            cache.store([UInt8](repeating: 10, count: 8000), as: key("10"))
            #expect(cache.object(key("0"))?.first == 0)
            #expect(cache.object(key("1")) == nil)
            #expect(cache.object(key("10"))?.first == 10)
            #expect(try entries(in: folder).count * 8192 <= cache.limitBytes)
            cache.store([UInt8](repeating: 0, count: 100_000), as: key("too large"))
            #expect(cache.object(key("too large")) == nil)
        }
    }

    /// Processes that each write little, half of the bytes after which one looks, keep to the limit together: that none
    /// of 40 in a row looks happens once in 10¹².
    @Test func manyWritersOfLittleKeepToTheLimit() throws {
        try withFolder { (folder: String) throws in
            let limit = 1 << 20, entry = limit / 128
            for number in 0..<400 {
                let cache = ObjectCache(folder: folder, limitBytes: limit)
                cache.store([UInt8](repeating: 1, count: entry - 200), as: key("\(number)"))
                #expect(try entries(in: folder).count * entry <= limit + 40 * entry)
            }
        }
    }

    @Test func whatADeadWriterLeftIsRemoved() throws {
        try withFolder { (folder: String) throws in
            for (name, age) in [("old", 7200.0), ("new", 10)] {
                try create("\(folder)/.\(name).partial")
                try FileManager.default.setAttributes(
                    [.modificationDate: Date(timeIntervalSinceNow: -age)], ofItemAtPath: "\(folder)/.\(name).partial")
            }
            try create("\(folder)/stranger", byteCount: 100_000)
            ObjectCache(folder: folder, limitBytes: 5000).remember("name", "text")
            let names = try entries(in: folder)
            #expect(names.isSuperset(of: [".new.partial", "stranger"]) && names.count == 3)
        }
    }

    // MARK: Measurements

    @Test func whatIsRememberedIsRecalled() throws {
        try withFolder { (folder: String) throws in
            let cache = ObjectCache(folder: folder)
            #expect(cache.recall("matmul 16x16x16") == nil)
            cache.remember("matmul 16x16x16", "generated")
            cache.remember("matmul 16x16x32", "openblas ±\n")
            cache.remember("", "")
            #expect(ObjectCache(folder: folder).recall("matmul 16x16x16") == "generated")
            #expect(cache.recall("matmul 16x16x32") == "openblas ±\n")
            #expect(cache.recall("") == "")
            // The first to remember decides, unless what it has kept means nothing to others.
            #expect(cache.remember("matmul 16x16x16", "openblas") == "generated")
            #expect(cache.recall("matmul 16x16x16") == "generated")
            #expect(cache.remember("matmul 16x16x16", "openblas") { $0 != "generated" } == "openblas")
            #expect(cache.recall("matmul 16x16x16") == "openblas")
        }
    }

    // MARK: Many at once

    @Test func manyWritersAndReaders() throws {
        try withFolder { (folder: String) throws in
            let texts = (0..<6).map { String(repeating: "\($0)", count: 3000 + $0) }
            DispatchQueue.concurrentPerform(iterations: 400) { turn in
                // A cache each, and a small limit, as processes of their own would have; now and then one damages a
                // file.
                let cache = ObjectCache(folder: folder, limitBytes: turn % 3 == 0 ? 24 << 10 : 1 << 20),
                    number = turn % texts.count
                cache.remember("\(number)", texts[number])
                let recalled = cache.recall("\(number)")
                #expect(recalled == nil || recalled == texts[number])
                if turn % 50 == 7, let name = try? entries(in: folder).first,
                    let file = FileHandle(forWritingAtPath: "\(folder)/\(name)")
                {
                    file.write(Data([0]))
                }
            }
            #expect(try entries(in: folder).allSatisfy { !$0.hasSuffix(".partial") })
        }
    }

    /// Of all that remember a name at the same moment, one decides, and the others hear of it.
    @Test func whoeverRemembersFirstDecides() throws {
        try withFolder { (folder: String) throws in
            for round in 0..<50 {
                let kept = Mutex(Set<String>())
                DispatchQueue.concurrentPerform(iterations: 8) { turn in
                    let text = ObjectCache(folder: folder).remember("\(round)", "\(turn)")
                    kept.withLock { _ = $0.insert(text) }
                }
                let texts = kept.withLock { $0 }
                #expect(texts.count == 1 && texts.first == ObjectCache(folder: folder).recall("\(round)"), "\(texts)")
            }
            #expect(try entries(in: folder).count == 50)
        }
    }

    /// That too many files are open says nothing about an entry: it stays.
    @Test func anEntryThatCannotBeOpenedNowStays() async throws {
        let folder = NSTemporaryDirectory() + "/apus-cache-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        await #expect(processExitsWith: .success) { [folder = folder as String] in
            let cache = ObjectCache(folder: folder)
            cache.remember("name", "text")
            var limit = rlimit(rlim_cur: 200, rlim_max: 200)
            #if canImport(Darwin)
                #expect(setrlimit(RLIMIT_NOFILE, &limit) == 0)
            #else
                #expect(setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
            #endif
            var descriptors: [Int32] = []
            while case let descriptor = open("/dev/null", O_RDONLY), descriptor >= 0 { descriptors.append(descriptor) }
            // One for the folder, and none for the file in it.
            close(descriptors.removeLast())
            #expect(cache.recall("name") == nil)
            for descriptor in descriptors { close(descriptor) }
            #expect(cache.recall("name") == "text")
        }
    }

    @Test func compilersSideBySide() throws {
        try withFolder { (folder: String) throws in
            let expected = try outcome(of: softmaxGraph(), nil).result
            DispatchQueue.concurrentPerform(iterations: 16) { _ in
                let found = Result { try outcome(of: softmaxGraph(), ObjectCache(folder: folder)).result }
                #expect((try? found.get()) == expected)
            }
        }
    }
}

// MARK: Support

/// Runs a body with a new folder, which is removed afterwards.
private func withFolder(_ body: (String) throws -> Void) throws {
    let folder = NSTemporaryDirectory() + "/apus-cache-\(UUID().uuidString)"
    try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try body(folder)
}

private func entries(in folder: String) throws -> Set<String> {
    Set(try FileManager.default.contentsOfDirectory(atPath: folder))
}

private func create(_ path: String, byteCount: Int = 1, permissions: Int = 0o600) throws {
    try Data(count: byteCount).write(to: URL(fileURLWithPath: path))
    try FileManager.default.setAttributes([.posixPermissions: permissions], ofItemAtPath: path)
}

private func key(_ text: String) -> Digest { ObjectCache.key(kernel: text, target: try! .host(), passes: "a")! }

private func softmaxGraph(rows: Int = 5, withSum: Bool = false) throws -> Graph {
    try functionGraph([f32(rows, 33)]) { x in
        [softmax(gelu(x[0]) + 1), x[0] * 3] + (withSum ? [sum(x[0] * x[0], axes: [0])] : [])
    }
}

private func outcome(
    of graph: Graph, _ cache: ObjectCache?, _ target: TargetDescription? = nil
) throws -> (isCached: Bool, stages: [String], result: [String: TensorData]) {
    let compilation = try GraphCompiler(target: target, cache: cache).compiledAnew(graph)
    let inputs = graph.inputs.map { input in
        (
            input.operation.name,
            TensorData(HostTensor(input.operation.type, (0..<input.operation.type.count).map { sin(Double($0)) }))
        )
    }
    let runner = try ProgramRunner(compilation.loaded, pool: WorkerPool(threads: 1))
    let result = try runner.run(ProgramState(), Dictionary(uniqueKeysWithValues: inputs))
    return (compilation.isCached, compilation.timings.map(\.stage), result)
}

/// Damages all entries of a compilation; the next one must miss them and write them anew.
private func expectRecovery(
    sourceLocation: Testing.SourceLocation = #_sourceLocation, _ damage: (inout [UInt8]) -> Void
) throws {
    try withFolder { (folder: String) throws in
        let graph = try softmaxGraph(), expected = try outcome(of: graph, ObjectCache(folder: folder)).result
        for name in try entries(in: folder) {
            let path = "\(folder)/\(name)"
            var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
            damage(&bytes)
            try Data(bytes).write(to: URL(fileURLWithPath: path))
        }
        let second = try outcome(of: graph, ObjectCache(folder: folder)),
            third = try outcome(of: graph, ObjectCache(folder: folder))
        #expect(!second.isCached && third.isCached, sourceLocation: sourceLocation)
        #expect(second.result == expected && third.result == expected, sourceLocation: sourceLocation)
    }
}
