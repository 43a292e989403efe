import ApusTestSupport
import ApusTraining
import Foundation
import Testing

/// Files from strangers: nothing in them is executed, and each ends in an error or in skips with names.
@Suite struct HostileCheckpointTests {
    private let folder = TemporaryFolder()

    static let tensor = Pickled.tensor(count: 2, shape: [2], strides: [1])
    private static let storages = [("0", littleEndian([1, 2]))]

    private func open(_ zip: ZipBytes) throws(TorchCheckpointError) -> TorchCheckpoint { try open(zip.bytes) }

    private func open(_ bytes: [UInt8]) throws(TorchCheckpointError) -> TorchCheckpoint {
        try TorchCheckpoint(contentsOf: folder.write(bytes, to: "file.pth"))
    }

    func open(value: Pickled.Bytes) throws(TorchCheckpointError) -> TorchCheckpoint {
        try open(ZipBytes(checkpoint: value, storages: Self.storages))
    }

    func code(_ body: () throws(TorchCheckpointError) -> TorchCheckpoint) -> TorchCheckpointError.Code? {
        do {
            _ = try body()
            return nil
        } catch {
            return error.code
        }
    }

    // MARK: Calls

    @Test func callsAreNamedAndNotMade() throws {
        let trace = folder.file("executed")
        let command = [Pickled.text("touch \(trace)")]
        let system = Pickled.call(Pickled.global("os", "system"), command)
        // As instance, with a state, inside of a call that is understood, dropped from the stack, and hung into a list.
        let instance =
            Pickled.global("posix", "system") + Pickled.tuple(command) + [0x81] + Pickled.dictionary([("x", system)])
            + Array("b".utf8)
        let evaluated = Pickled.call(Pickled.global("builtins", "eval"), [Pickled.text("open('\(trace)', 'w')")])
        let parameter = Pickled.call(
            Pickled.global("torch._utils", "_rebuild_parameter"), [system, [0x88], Pickled.none])
        let model = Pickled.dictionary([("w", Self.tensor), ("a", system), ("b", instance), ("c", parameter)])
        let checkpoint = try open(
            value: evaluated + Array("0".utf8)
                + Pickled.dictionary([
                    ("model", model), ("args", Pickled.namespace([("hook", system)])),
                    ("list", Pickled.list([Pickled.call(Pickled.global("subprocess", "Popen"), command)])),
                ]))
        #expect(try checkpoint.floats("w") == [1, 2])
        #expect(
            checkpoint.skipped.map(\.description) == [
                "a: os.system is not read", "b: posix.system is not read",
                "c: torch._utils._rebuild_parameter is not read", "args.hook: os.system is not read",
                "builtins.eval is named and was not called", "subprocess.Popen is named and was not called",
            ])
        let error = #expect(throws: TorchCheckpointError.self) { try open(value: system) }
        #expect(
            error?.message == """
                no state dict in the file: it holds os.system; save the state dict instead: torch.save(model.state_dict(), FILE); named and not called: os.system
                """)
        // The opcodes of older protocols, which name and call in other ways.
        for opcodes in [
            "cos\nsystem\n(S'touch \(trace)'\ntR.", "(S'touch \(trace)'\nios\nsystem\n.", "(cos\nsystem\nU\u{2}lso.",
            "\u{82}\u{1}.",
        ] {
            let zip = ZipBytes([("c/data.pkl", [0x80, 2] + opcodes.unicodeScalars.map { UInt8($0.value) })])
            #expect(code { () throws(TorchCheckpointError) in try open(zip) } == .malformedPickle)
        }
        #expect(!FileManager.default.fileExists(atPath: trace))
    }

    @Test func unknownObjectsAndTypesAreSkipped() throws {
        let checkpoint = try open(
            value: Pickled.dictionary([
                ("w", Self.tensor),
                ("complex", Pickled.tensor(type: "ComplexFloatStorage", count: 1, shape: [1], strides: [1])),
                ("sparse", Pickled.call(Pickled.global("torch._utils", "_rebuild_sparse_tensor"), [])),
                (
                    "mine",
                    Pickled.call(
                        Pickled.global(String(repeating: "m", count: 90), String(repeating: "\u{1B}", count: 90)), [])
                ),
                ("long", Pickled.call(Pickled.global(String(repeating: "m", count: 300), "x"), [])),
            ]))
        #expect(checkpoint.names == ["w"])
        #expect(
            checkpoint.skipped.map(\.what) == [
                "a tensor of torch.ComplexFloatStorage", "torch._utils._rebuild_sparse_tensor",
                String(repeating: "m", count: 90) + "." + String(repeating: "?", count: 9) + "…", "an object",
            ])
    }

    // MARK: Objects that are cyclic, deep or huge

    @Test func cyclesAndDepthDoNoHarm() throws {
        // A dictionary that holds itself, as the root, as the arguments and beside the model.
        let cyclic =
            Array("}q\u{1}(".utf8) + Pickled.text("model") + Pickled.dictionary([("w", Self.tensor)])
            + Pickled.text("me") + Array("h\u{1}".utf8)
            + Pickled.text("you") + Array("h\u{1}u".utf8)
        #expect(try open(value: cyclic).names == ["w"])
        // A parameter that is made of itself.
        let wrapped =
            Pickled.global("torch._utils", "_rebuild_parameter") + Array("]q\u{2}Rq\u{3}0h\u{2}h\u{3}a0h\u{3}".utf8)
        #expect(
            try open(value: Pickled.dictionary([("w", Self.tensor), ("x", wrapped)])).skipped.map(\.place) == ["x"])
        // A hundred thousand lists, each in the next.
        let depth = 100_000
        let nested =
            [UInt8](repeating: UInt8(ascii: "]"), count: depth)
            + [UInt8](repeating: UInt8(ascii: "a"), count: depth - 1)
        #expect(try open(value: Pickled.dictionary([("deep", nested), ("w", Self.tensor)])).names == ["w"])
        // Dictionaries of which each holds the one before ten times: 10²⁰ paths.
        var bomb = Array("}q\u{0}0".utf8)
        for level in 0..<20 {
            let members = (0..<10).flatMap { Pickled.text("\($0)") + [UInt8(ascii: "h"), UInt8(level)] }
            bomb +=
                Array("}(".utf8) + members + [
                    UInt8(ascii: "u"), UInt8(ascii: "q"), UInt8(level + 1), UInt8(ascii: "0"),
                ]
        }
        #expect(
            try open(
                value: bomb
                    + Pickled.dictionary([
                        ("model", Pickled.dictionary([("w", Self.tensor)])), ("bomb", Array("h\u{14}".utf8)),
                    ])
            ).names == ["w"])
    }

    @Test func moreThanACheckpointCanHoldIsRefused() {
        let endless = [UInt8](repeating: UInt8(ascii: "}"), count: 4_200_000)
        #expect(code { () throws(TorchCheckpointError) in try open(value: endless) } == .tooLarge)
        let memo =
            Array("}".utf8) + (0..<1_000_000).flatMap { [UInt8(ascii: "r")] + Pickled.little(UInt32($0)) }
            + [UInt8](repeating: 0x94, count: 3_300_000)
        #expect(code { () throws(TorchCheckpointError) in try open(value: memo) } == .tooLarge)
        // One number seen as 10¹⁵, and one storage seen by many.
        let repeated = Pickled.dictionary([
            ("w", Pickled.tensor(count: 2, shape: [1000, 1_000_000_000_000], strides: [0, 0]))
        ])
        #expect(code { () throws(TorchCheckpointError) in try open(value: repeated) } == .tooLarge)
        let many = Pickled.dictionary(
            (0..<100).map { ("w\($0)", Pickled.tensor(count: 2, shape: [1 << 18], strides: [0])) })
        #expect(code { () throws(TorchCheckpointError) in try open(value: many) } == .tooLarge)
    }

    /// One large value in many places takes the time of one.
    @Test func sharedValuesAreNotReadAgainAndAgain() throws {
        let long = Pickled.text(String(repeating: "k", count: 60_000)) + Array("q\u{1}0".utf8)
        let members = Array("}q\u{2}(".utf8) + (0..<300_000).flatMap { _ in Array("h\u{1}N".utf8) } + Array("u0".utf8)
        let groups = Array("](".utf8) + (0..<300_000).flatMap { _ in Array("h\u{2}".utf8) } + Array("e".utf8)
        let state = Array("}(".utf8) + (0..<300_000).flatMap { _ in Array("Nh\u{2}".utf8) } + Array("u".utf8)
        let root = Pickled.dictionary([
            ("model", Pickled.dictionary([("w", Self.tensor)])),
            ("optimizer", Pickled.dictionary([("state", state), ("param_groups", groups)])),
            ("x", Array("h\u{2}".utf8)),
        ])
        let checkpoint = try open(value: long + members + root)
        #expect(try checkpoint.floats("w") == [1, 2])
        #expect(throws: TorchCheckpointError.self) { try checkpoint.optimizer() }
    }

    @Test func lengthsThatLieAreErrors() {
        for operation: [UInt8] in [
            [UInt8(ascii: "X"), 255, 255, 255, 255], [UInt8(ascii: "T"), 255, 255, 255, 127],
            [0x8D] + Pickled.little(UInt64.max),
            [0x8D] + Pickled.little(UInt64.max >> 1), [0x96] + Pickled.little(UInt64(1) << 40),
            [0x8B, 255, 255, 255, 127], [0x8A, 200], [0x95, 1],
            [UInt8(ascii: "G")], Array("cos".utf8), [0x80, 1], [0x80, 6], Array("0".utf8), Array("(R".utf8),
            Array("t".utf8), Array("a".utf8),
            Array("h\u{7}".utf8), Array("(Nd".utf8), [0x93], [0x86], Array("}(Nu".utf8), [0x97], [],
        ] {
            let zip = ZipBytes([("c/data.pkl", [0x80, 2] + operation)])
            #expect(code { () throws(TorchCheckpointError) in try open(zip) } == .malformedPickle, "\(operation)")
        }
    }

    // MARK: Tensors

    @Test func tensorsThatDoNotLieInTheirStorageAreErrors() {
        func code(_ tensor: Pickled.Bytes) -> TorchCheckpointError.Code? {
            self.code { () throws(TorchCheckpointError) in try open(value: Pickled.dictionary([("w", tensor)])) }
        }
        let maximum = Int.max
        for (count, offset, shape, strides) in [
            (3, 0, [3], [1]), (2, 0, [3], [1]), (2, 1, [2], [1]), (2, 2, [], []), (2, -1, [1], [1]), (2, 0, [-1], [1]),
            (2, 0, [2], [2]), (2, 1, [2], [-1]),
            (2, 0, [1], []), (-1, 0, [1], [1]), (maximum, 0, [2], [1]), (2, maximum, [2], [maximum]),
            (2, 0, [maximum, maximum], [0, 0]), (2, 0, [3], [maximum]),
            (2, 0, [UInt32.max, UInt32.max].map(Int.init), [0, 0]),
        ] {
            #expect(
                code(Pickled.tensor(count: count, offset: offset, shape: shape, strides: strides)) == .invalidTensor,
                "\(count) \(offset) \(shape) \(strides)")
        }
        for key in ["1", "", "../0", "../../etc/passwd", "/etc/passwd"] {
            #expect(code(Pickled.tensor(key, count: 2, shape: [2], strides: [1])) == .invalidTensor)
        }
        let rank = 65
        #expect(
            code(
                Pickled.tensor(
                    count: 2, shape: [Int](repeating: 1, count: rank), strides: [Int](repeating: 1, count: rank)))
                == .invalidTensor)
        let call = Pickled.global("torch._utils", "_rebuild_tensor_v2")
        let nothing = Pickled.none + Array("Q".utf8)
        for arguments in [
            [], [Pickled.none, Pickled.none, Pickled.none, Pickled.none],
            [nothing, Pickled.integer(0), Pickled.tuple([]), Pickled.tuple([])],
        ] {
            #expect(code(Pickled.call(call, arguments)) == .invalidTensor)
        }
    }

    // MARK: Archives

    /// Archives with one thing wrong, and the error that each has to give.
    private static let archives: [(String, TorchCheckpointError.Code, @Sendable (inout ZipBytes) -> Void)] = [
        (
            "a size beyond the file", .malformedArchive,
            {
                $0["c/data/0"].central.size = 4000; $0["c/data/0"].central.stored = 4000
            }
        ),
        ("two sizes", .malformedArchive, { $0["c/data/0"].central.size = 7 }),
        ("another size in the local header", .malformedArchive, { $0["c/data/0"].local.size = 4 }),
        ("a wide size without its field", .malformedArchive, { $0["c/data/0"].central.size = .max }),
        ("another name in the local header", .malformedArchive, { $0["c/data/0"].local.name = Array("c/data/1".utf8) }),
        ("a name that is no text", .malformedArchive, { $0["c/data/0"].central.name = [0xFF, 0xFE] }),
        ("an empty name", .malformedArchive, { $0["c/data/0"].central.name = [] }),
        (
            "a compressed entry", .unsupportedArchive,
            {
                $0["c/data/0"].central.method = 8; $0["c/data/0"].local.method = 8
            }
        ),
        ("compressed in the local header alone", .malformedArchive, { $0["c/data/0"].local.method = 8 }),
        ("an encrypted entry", .unsupportedArchive, { $0["c/data/0"].central.flags = 1 }),
        (
            "two entries in one place", .malformedArchive,
            {
                $0.entries.append(.init("c/data/0", littleEndian([1, 2]))); $0.falsePlaces["c/data/0"] = 0
            }
        ),
        ("a name twice", .malformedArchive, { $0.entries.append(.init("c/version", [])) }),
        (
            "an entry inside of another", .malformedArchive,
            { zip in
                // The content of one entry is a whole other entry, which the directory names as well.
                let inner = ZipBytes([("c/inner", [1, 2, 3])]).bytes
                zip.entries.insert(.init("c/outer", inner), at: 0)
                zip.entries.append(.init("c/inner", [1, 2, 3]))
                zip.falsePlaces["c/inner"] = 30 + "c/outer".count
            }
        ),
        ("a place beyond the file", .malformedArchive, { $0.falsePlaces["c/data/0"] = 1 << 30 }),
        ("a path upwards", .unsupportedArchive, { $0.entries.append(.init("c/../../x", [])) }),
        ("an absolute path", .unsupportedArchive, { $0.entries.append(.init("/etc/x", [])) }),
        ("a path of Windows", .unsupportedArchive, { $0.entries.append(.init("c\\..\\x", [])) }),
        ("a wrong checksum of the pickle", .damaged, { $0["c/data.pkl"].central.checksum ^= 1 }),
        (
            "an unknown byte order", .malformedArchive,
            { zip in
                zip.entries.removeAll { $0.name == "c/byteorder" }
                zip.entries.append(.init("c/byteorder", Array("middle".utf8)))
            }
        ),
        ("no pickle", .notACheckpoint, { zip in zip.entries.removeAll { $0.name == "c/data.pkl" } }),
        ("two pickles", .notACheckpoint, { $0.entries.append(.init("d/data.pkl", [])) }),
        ("a program", .notACheckpoint, { $0.entries.append(.init("c/constants.pkl", [])) }),
        ("an extra field that is cut off", .malformedArchive, { $0["c/data/0"].central.extra = [1, 0, 9, 0] }),
    ]

    @Test(arguments: archives.indices) func archivesThatContradictThemselvesAreErrors(index: Int) {
        let (what, expected, alter) = Self.archives[index]
        var zip = ZipBytes(checkpoint: Pickled.dictionary([("w", Self.tensor)]), storages: Self.storages)
        alter(&zip)
        #expect(code { () throws(TorchCheckpointError) in try open(zip) } == expected, "\(what)")
    }

    @Test func countsAndPlacesOfTheDirectoryAreChecked() {
        let zip = ZipBytes(checkpoint: Pickled.dictionary([("w", Self.tensor)]), storages: Self.storages)
        let wide = zip.widened.bytes, plain = zip.bytes
        // Counts, sizes and places, and the places and signatures that lead to them; not the numbers of disks and
        // versions.
        let end = plain.count - 22, wideEnd = wide.count - 22, record = wideEnd - 20 - 56
        for (bytes, places) in [
            (plain, Array(end..<end + 6) + Array(end + 8..<end + 22)),
            (
                wide,
                Array(record..<record + 4) + Array(record + 24..<record + 56) + Array(record + 56..<record + 60)
                    + Array(record + 64..<record + 72)
            ),
        ] {
            for place in places {
                var altered = bytes
                altered[place] ^= 0x40
                #expect(code { () throws(TorchCheckpointError) in try open(altered) } != nil, "\(place - bytes.count)")
            }
        }
    }

    @Test func damagedElementsAreFoundWhenTheyAreRead() throws {
        var zip = ZipBytes(checkpoint: Pickled.dictionary([("w", Self.tensor)]), storages: Self.storages)
        zip["c/data/0"].content[5] ^= 1
        let checkpoint = try open(zip)
        for _ in 0..<2 {
            let error = #expect(throws: TorchCheckpointError.self) { try checkpoint.floats("w") }
            #expect(
                error?.description
                    == "\(folder.file("file.pth")): the elements of \"w\" do not have the checksum that the file gives for them"
            )
        }
        // PyTorch can be told to leave the checksums out.
        zip["c/data/0"].central.checksum = 0
        #expect(try open(zip).floats("w") != [1, 2])
    }

    @Test func otherFilesAreNamed() {
        func message(_ bytes: [UInt8]) -> String {
            #expect(throws: TorchCheckpointError.self) { try open(bytes) }?.message ?? ""
        }
        #expect(message([]).hasPrefix("not a checkpoint of PyTorch: this is an empty file"))
        #expect(message(Array("hello".utf8)).hasSuffix("this is a text that begins with \"hello\""))
        #expect(
            message(ZipBytes([("a.txt", [1])]).bytes) == "a zip archive without data.pkl, not a checkpoint of PyTorch")
        let epoch = ZipBytes(checkpoint: Pickled.dictionary([("epoch", Pickled.integer(1))]))
        #expect(message(epoch.bytes) == "no state dict in the file: it holds a dictionary without tensors")
        #expect(code { () throws(TorchCheckpointError) in try TorchCheckpoint(contentsOf: folder.path) } == .unreadable)
    }

    // MARK: Random damage

    /// A small checkpoint with all that a real one has.
    private static let sound = ZipBytes(
        checkpoint: Pickled.dictionary([
            (
                "model",
                Pickled.dictionary([
                    ("a", tensor), ("b", Pickled.tensor("1", count: 6, offset: 1, shape: [2, 2], strides: [1, 2])),
                ])
            ),
            (
                "optimizer",
                Pickled.dictionary([
                    (
                        "state",
                        Pickled.dictionary([
                            (
                                Pickled.integer(0),
                                Pickled.dictionary([("step", Pickled.integer(1)), ("exp_avg", tensor)])
                            )
                        ])
                    ),
                    (
                        "param_groups",
                        Pickled.list([
                            Pickled.dictionary([("params", Pickled.list([Pickled.integer(0), Pickled.integer(1)]))])
                        ])
                    ),
                ])
            ),
            ("epoch", Pickled.integer(3)),
            (
                "args",
                Pickled.namespace([
                    ("lr", Pickled.number(0.1)), ("device", Pickled.call(Pickled.global("torch", "device"), [])),
                ])
            ),
        ]), storages: storages + [("1", littleEndian([1, 2, 3, 4, 5, 6]))])

    /// All tensors of a file, or nil for an error.
    private func contents(_ bytes: [UInt8]) -> [String: [UInt8]]? {
        do {
            let checkpoint = try open(bytes)
            let names = checkpoint.names + (try checkpoint.optimizer()?.names ?? [])
            return try Dictionary(uniqueKeysWithValues: names.map { ($0, try checkpoint.bytes($0)) })
        } catch {
            return nil
        }
    }

    @Test func shortenedFilesAreErrors() {
        let bytes = Self.sound.bytes
        #expect(contents(bytes)?.keys.sorted() == ["a", "b", "optimizer.exp_avg.a"])
        for count in bytes.indices { #expect(contents(Array(bytes[..<count])) == nil, "\(count) bytes") }
    }

    /// Checksums and double records tell: one wrong bit is an error, or makes no difference.
    @Test func aFlippedBitGivesAnErrorOrTheSameTensors() {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededGenerator(seed: seed)
        for bytes in [Self.sound.bytes, Self.sound.widened.bytes] {
            let whole = contents(bytes)
            for _ in 0..<400 {
                var altered = bytes
                let bit = Int.random(in: 0..<8 * bytes.count, using: &random)
                altered[bit / 8] ^= 1 << UInt8(bit % 8)
                let found = contents(altered)
                #expect(found == nil || found == whole, "bit \(bit), seed \(seed)")
            }
        }
    }

    /// Damage that no checksum gives away: the machine for pickles alone has to hold.
    @Test func damagedPicklesGiveErrorsOrSkips() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededGenerator(seed: seed)
        let pickle = Self.sound["c/data.pkl"].content
        for _ in 0..<1000 {
            var altered = pickle
            for _ in 0...Int.random(in: 0..<4, using: &random) {
                let place = Int.random(in: 0..<altered.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: altered[place] = UInt8.random(in: 0 ... .max, using: &random)
                case 1: altered.insert(pickle.randomElement(using: &random) ?? 0, at: place)
                case 2: altered.remove(at: place)
                default:
                    // A part of the program, done again.
                    let end = min(pickle.count, place + Int.random(in: 1..<30, using: &random))
                    altered.insert(
                        contentsOf: pickle[min(place, end - 1)..<end],
                        at: Int.random(in: 0..<altered.count, using: &random))
                }
            }
            var zip = Self.sound
            zip.entries[0] = .init("c/data.pkl", altered)
            do {
                let checkpoint = try open(zip)
                for name in checkpoint.names { #expect(try checkpoint.bytes(name).count <= 1 << 26, "seed \(seed)") }
                _ = try? checkpoint.optimizer()
            } catch {
                #expect(!error.description.isEmpty, "seed \(seed)")
            }
        }
    }
}
