import ApusTestSupport
import ApusTraining
import Foundation
import Testing

@Suite struct TorchCheckpointTests {
    private let folder = TemporaryFolder()

    private func open(_ zip: ZipBytes) throws(TorchCheckpointError) -> TorchCheckpoint {
        // A name of its own: a file that is mapped must not be written again.
        try TorchCheckpoint(contentsOf: folder.write(zip.bytes, to: "\(UUID().uuidString).pth"))
    }

    private static let numbers: [Float] = [0, 1, -2, 3.5, .infinity, -0.0]

    // MARK: What PyTorch has written

    @Test func readsARecordedCheckpoint() throws {
        let checkpoint = try TorchCheckpoint(contentsOf: fixture("checkpoint.pth"))
        let recorded = try SafetensorsFile(contentsOf: fixture("checkpoint.tensors.safetensors"))
        #expect(checkpoint.names.sorted() == recorded.names)
        #expect(checkpoint.names.prefix(3) == ["cls_token", "pos_embed", "mask_token"])
        for name in recorded.names {
            #expect(try checkpoint.shape(name) == recorded.shape(name))
            #expect(try checkpoint.bytes(name) == recorded.bytes(name))
            #expect(try checkpoint.floats(name) == recorded.floats(name))
        }
        #expect(
            checkpoint.values == [
                "epoch": "7", "scaler.scale": "65536.0", "scaler._growth_tracker": "3", "args.lr": "0.001",
                "args.model": "msmae_vit_tiny",
                "args.data_path": "somewhere", "args.mask_ratio": "0.45",
            ])
        #expect(checkpoint.skipped.isEmpty)
    }

    @Test func readsEachElementTypeInBothByteOrders() throws {
        let types: [(String, SafetensorsElementType, [UInt8])] = [
            ("FloatStorage", .f32, littleEndian([1.5, -2])),
            ("DoubleStorage", .f64, [1.5, -2].flatMap { Pickled.little($0.bitPattern) }),
            ("HalfStorage", .f16, [0x00, 0x3E, 0x00, 0xC0]), ("BFloat16Storage", .bf16, [0xC0, 0x3F, 0x00, 0xC0]),
            ("LongStorage", .i64, Pickled.little(Int64(7)) + Pickled.little(Int64(-1))),
            ("IntStorage", .i32, Pickled.little(Int32(7)) + Pickled.little(Int32(-1))),
            ("ShortStorage", .i16, [7, 0, 255, 255]), ("CharStorage", .i8, [7, 255]), ("ByteStorage", .u8, [7, 255]),
            ("BoolStorage", .bool, [1, 0]),
        ]
        for (name, type, bytes) in types {
            let value = Pickled.dictionary([("x", Pickled.tensor(type: name, count: 2, shape: [2], strides: [1]))])
            let width = type.byteCount
            let swapped = Array(bytes[..<width].reversed() + bytes[width...].reversed())
            for checkpoint in [
                try open(ZipBytes(checkpoint: value, storages: [("0", bytes)])),
                try open(ZipBytes(checkpoint: value, storages: [("0", bytes)], byteOrder: nil)),
                try open(ZipBytes(checkpoint: value, storages: [("0", swapped)], byteOrder: "big")),
            ] {
                #expect(try checkpoint.elementType("x") == type)
                #expect(try checkpoint.bytes("x") == bytes, "\(name)")
                if [.f32, .f64, .f16, .bf16].contains(type) {
                    #expect(try checkpoint.floats("x") == [1.5, -2])
                } else {
                    #expect(throws: TorchCheckpointError.self) { try checkpoint.floats("x") }
                }
            }
        }
    }

    @Test func readsViewsOfOneStorage() throws {
        let views: [(String, offset: Int, shape: [Int], strides: [Int], [Float])] = [
            ("whole", 0, [2, 3], [3, 1], [0, 1, 2, 3, 4, 5]), ("transposed", 0, [3, 2], [1, 3], [0, 3, 1, 4, 2, 5]),
            ("column", 1, [2], [3], [1, 4]), ("corner", 4, [1, 2], [3, 1], [4, 5]), ("number", 5, [], [], [5]),
            ("repeated", 2, [2, 2], [0, 0], [2, 2, 2, 2]), ("empty", 0, [0, 3], [3, 1], []),
            ("one", 5, [1, 1], [.max, .max], [5]),
        ]
        let value = Pickled.dictionary(
            views.map { ($0.0, Pickled.tensor(count: 6, offset: $0.offset, shape: $0.shape, strides: $0.strides)) })
        let checkpoint = try open(ZipBytes(checkpoint: value, storages: [("0", littleEndian([0, 1, 2, 3, 4, 5]))]))
        #expect(checkpoint.names == views.map(\.0))
        for view in views {
            #expect(try checkpoint.shape(view.0) == view.shape)
            #expect(try checkpoint.floats(view.0) == view.4, "\(view.0)")
        }
    }

    @Test func readsParametersSubclassesAndUntypedStorages() throws {
        let tensor = Pickled.tensor(count: 2, shape: [2], strides: [1])
        let arguments = [
            Pickled.storage("UntypedStorage", "0", count: 8, module: "torch.storage"), Pickled.integer(0),
            Pickled.tuple([Pickled.integer(2)]), Pickled.tuple([Pickled.integer(1)]), [0x89], Pickled.none,
        ]
        let value = Pickled.dictionary([
            (
                "parameter",
                Pickled.call(Pickled.global("torch._utils", "_rebuild_parameter"), [tensor, [0x88], Pickled.none])
            ),
            (
                "subclass",
                Pickled.call(
                    Pickled.global("torch._tensor", "_rebuild_from_type_v2"),
                    [
                        Pickled.global("torch._utils", "_rebuild_tensor_v2"), Pickled.global("torch", "Tensor"),
                        Pickled.tuple([Pickled.storage("FloatStorage", "0", count: 2)] + arguments[1...]), Pickled.none,
                    ])
            ),
            (
                "untyped",
                Pickled.call(
                    Pickled.global("torch._utils", "_rebuild_tensor_v3"),
                    arguments + [Pickled.global("torch", "uint32"), Pickled.none])
            ),
        ])
        let checkpoint = try open(ZipBytes(checkpoint: value, storages: [("0", littleEndian([1, 2]))]))
        #expect(checkpoint.skipped.isEmpty)
        for name in ["parameter", "subclass", "untyped"] {
            #expect(try checkpoint.bytes(name) == littleEndian([1, 2]), "\(name)")
        }
        #expect(try checkpoint.elementType("untyped") == .u32)
    }

    @Test func readsWideArchives() throws {
        let value = Pickled.dictionary([("x", Pickled.tensor(count: 6, shape: [6], strides: [1]))])
        let zip = ZipBytes(checkpoint: value, storages: [("0", littleEndian(Self.numbers))])
        #expect(try open(zip.widened).floats("x") == Self.numbers)
    }

    @Test func findsTheStateDict() throws {
        let tensor = Pickled.tensor(count: 1, shape: [1], strides: [1])
        let stateDict = Pickled.dictionary([("w", tensor)])
        for value in [stateDict]
            + ["model", "state_dict", "model_state_dict"].map({
                Pickled.dictionary([($0, stateDict), ("epoch", Pickled.integer(3))])
            })
        {
            #expect(try open(ZipBytes(checkpoint: value, storages: [("0", littleEndian([4]))])).floats("w") == [4])
        }
        let ordered =
            Pickled.call(Pickled.global("collections", "OrderedDict"), []) + Pickled.mark + Pickled.text("w") + tensor
            + Array("u".utf8)
        // As `state_dict()` gives it: with an attribute `_metadata`, which says nothing about weights.
        let withMetadata =
            ordered + Pickled.dictionary([("_metadata", Pickled.dictionary([(String, Pickled.Bytes)]()))])
            + Array("b".utf8)
        #expect(try open(ZipBytes(checkpoint: withMetadata, storages: [("0", littleEndian([4]))])).names == ["w"])
    }

    // MARK: The optimizer's state

    /// Weights of two shapes with the state that an optimizer of these groups has kept about them.
    private func checkpoint(_ groups: [[Int]]) -> ZipBytes {
        let tensors = [[2], [3]].map { Pickled.tensor(count: 6, shape: $0, strides: [1]) }
        let state = tensors.enumerated().map { number, tensor in
            (Pickled.integer(number), Pickled.dictionary([("momentum_buffer", tensor)]))
        }
        let lists = groups.map { Pickled.dictionary([("params", Pickled.list($0.map(Pickled.integer)))]) }
        let optimizer = Pickled.dictionary([
            ("state", Pickled.dictionary(state)), ("param_groups", Pickled.list(lists)),
        ])
        return ZipBytes(
            checkpoint: Pickled.dictionary([
                ("model", Pickled.dictionary([("a", tensors[0]), ("b", tensors[1])])), ("optimizer", optimizer),
            ]), storages: [("0", littleEndian([1, 2, 3, 4, 5, 6]))])
    }

    /// Without a word on how the weights were grouped, they are in one group; other ways are the reader's to know.
    @Test func numbersOfTheOptimizerBecomeNames() throws {
        let names = ["optimizer.momentum.a", "optimizer.momentum.b"]
        let plain = try open(checkpoint([[0, 1]]))
        #expect(try plain.optimizer()?.names == names && plain.shape("optimizer.momentum.b") == [3])
        let grouped = checkpoint([[1], [0]])
        let error = #expect(throws: TorchCheckpointError.self) { try open(grouped).optimizer() }
        #expect(
            error?.message
                == "the optimizer's state cannot be used: no known way to group the weights gives groups of 1, 1 with these shapes"
        )
        let reversed = WeightGroupings { weights in [weights.reversed().map { [$0.name] }] }
        let path = folder.write(grouped.bytes, to: "grouped.pth")
        #expect(try TorchCheckpoint(contentsOf: path, groupings: reversed).optimizer()?.names == names)
        #expect(try WeightsFile(contentsOf: path, groupings: reversed).optimizer()?.names == names)
    }

    // MARK: Weights of any file

    @Test func weightsFilesOfBothKindsGiveTheSame() throws {
        let torch = try WeightsFile(contentsOf: fixture("checkpoint.pth")),
            plain = try WeightsFile(contentsOf: fixture("checkpoint.tensors.safetensors"))
        #expect(torch.names.sorted() == plain.names)
        for name in plain.names {
            #expect(try torch.shape(name) == plain.shape(name) && torch.elementType(name) == plain.elementType(name))
            #expect(try torch.floats(name) == plain.floats(name) && torch.bytes(name) == plain.bytes(name))
        }
        #expect(
            torch.torchCheckpoint != nil && torch.safetensorsFile == nil && plain.torchCheckpoint == nil
                && plain.safetensorsFile != nil)
    }

    @Test func stateOfARunIsNoWeight() throws {
        let path = folder.file("run.safetensors")
        try SafetensorsWriter.write(
            to: path, tensors: ["w", "optimizer.exp_avg.w", "ema.w"].map { .init($0, floats: [1]) })
        let file = try WeightsFile(contentsOf: path)
        #expect(file.names == ["w"])
        #expect(file.contains("ema.w"))
    }
}
