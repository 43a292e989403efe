import ApusTestSupport
import ApusTraining
import Testing

/// Small files that would become large in memory: each is refused, or left out, before it has.
extension HostileCheckpointTests {
    /// A list of Nones under a number of the memo.
    private func list(of count: Int, memo: UInt8) -> [UInt8] {
        Array("](".utf8) + [UInt8](repeating: UInt8(ascii: "N"), count: count) + Array("eq".utf8) + [memo]
            + Array("0".utf8)
    }

    /// Makes a `torch.Size` of the list 0 and adds an item to the list: the two can no longer share their items.
    private func copies(_ times: Int) -> [UInt8] {
        Pickled.global("torch", "Size") + Array("q\u{2}0".utf8)
            + (0..<times).flatMap { _ in Array("h\u{2}h\u{0}".utf8) + [0x85] + Array("R0h\u{0}Na0".utf8) }
    }

    private func withModel(_ program: [UInt8]) -> [UInt8] {
        program + Pickled.dictionary([("model", Pickled.dictionary([("w", Self.tensor)]))])
    }

    /// 20 000 copies of 50 000 numbers would be 4 GB, from a file of 300 KB.
    @Test func aLongListBecomesNoSize() throws {
        let checkpoint = try open(value: withModel(list(of: 50_000, memo: 0) + copies(20)))
        #expect(checkpoint.skipped.map(\.description) == ["torch.Size is named and was not called"])
    }

    @Test func aShortSizeIsCountedByItsItems() throws {
        let short = withModel(list(of: 40, memo: 0) + copies(10))
        #expect(try open(value: short).skipped.isEmpty)
        // 70 000 sizes of 60 items.
        let many = withModel(
            list(of: 60, memo: 0) + Pickled.global("torch", "Size") + Array("q\u{2}0".utf8)
                + (0..<70_000).flatMap { _ in Array("h\u{2}h\u{0}".utf8) + [0x85] + Array("R0".utf8) })
        let error = #expect(throws: TorchCheckpointError.self) { try open(value: many) }
        #expect(error?.code == .tooLarge)
        #expect(error?.message == "data.pkl: it takes more than 4194304 operations")
    }

    /// One tensor of 64 axes under 80 000 names: what says where it lies would take 90 MB, twenty times the file.
    @Test func aTensorOfManyAxesIsCounted() {
        let ones = [Int](repeating: 1, count: 64)
        let shape = Pickled.tuple(ones.map { _ in Array("K\u{1}".utf8) }) + Array("q\u{3}0".utf8)
        func tensor(shape: Pickled.Bytes) -> Pickled.Bytes {
            Pickled.call(
                Pickled.global("torch._utils", "_rebuild_tensor_v2"),
                [Pickled.storage("FloatStorage", "0", count: 2), Array("K\u{0}".utf8), shape, shape])
        }
        let memoised = tensor(shape: Array("h\u{3}".utf8)) + Array("q\u{4}0".utf8)
        let members = (0..<80_000).map { number in
            (Pickled.text(String(number, radix: 36)), Array("h\u{4}".utf8))
        }
        let value = shape + memoised + Pickled.dictionary([("model", Pickled.dictionary(members))])
        let error = #expect(throws: TorchCheckpointError.self) { try open(value: value) }
        #expect(error?.code == .tooLarge)
        #expect(error?.message.hasPrefix("its tensors would take more than ") == true)
    }

    // MARK: The optimizer's state

    /// What is wrong with the state of an optimizer of one weight, `w`.
    private func problem(before: Pickled.Bytes = [], state: Pickled.Bytes, groups: Pickled.Bytes) throws -> String {
        let value =
            before
            + Pickled.dictionary([
                ("model", Pickled.dictionary([("w", Self.tensor)])),
                ("optimizer", Pickled.dictionary([("state", state), ("param_groups", groups)])),
            ])
        let checkpoint = try open(value: value)
        let error = #expect(throws: TorchCheckpointError.self) { try checkpoint.optimizer() }
        #expect(error?.code == .unusableOptimizer)
        return error?.message.replacing("the optimizer's state cannot be used: ", with: "") ?? ""
    }

    private static let oneState = Pickled.dictionary([
        (Pickled.integer(0), Pickled.dictionary([("step", Pickled.integer(1)), ("exp_avg", tensor)]))
    ])

    private func group(_ names: Pickled.Bytes) -> Pickled.Bytes {
        Pickled.list([
            Pickled.dictionary([("params", Pickled.list([Pickled.integer(0)])), ("param_names", names)])
        ])
    }

    /// A text of 4 KiB that a list names 200 000 times would be 800 MB.
    @Test func namesOfWeightsAreCountedBeforeTheyAreMade() throws {
        let text = Pickled.text(String(repeating: "k", count: 4000)) + Array("q\u{1}0".utf8)
        let names = Pickled.list([Pickled.Bytes](repeating: Array("h\u{1}".utf8), count: 200_000))
        #expect(
            try problem(before: text, state: Self.oneState, groups: group(names))
                == "a group has 1 weights and 200000 names of weights")
        #expect(
            try problem(state: Self.oneState, groups: group(Pickled.list([Pickled.text("v")])))
                == "it names \"v\", which is no weight")
    }

    @Test func namesOfWeightsAreUsed() throws {
        let optimizer = Pickled.dictionary([
            ("state", Self.oneState), ("param_groups", group(Pickled.list([Pickled.text("w")]))),
        ])
        let checkpoint = try open(
            value: Pickled.dictionary([
                ("model", Pickled.dictionary([("w", Self.tensor), ("v", Self.tensor)])), ("optimizer", optimizer),
            ]))
        #expect(try checkpoint.optimizer()?.names == ["optimizer.exp_avg.w"])
    }

    /// One weight's state of ten tensors under 200 000 numbers would be 200 MB.
    @Test func theStateOfMoreWeightsThanThereAreIsRefused() throws {
        let entry =
            Pickled.dictionary((0..<10).map { _ in ("exp_avg", Self.tensor) }) + Array("q\u{1}0".utf8)
        let state =
            Array("}(".utf8) + (0..<200_000).flatMap { _ in Array("K\u{0}h\u{1}".utf8) } + Array("u".utf8)
        let groups = Pickled.list([Pickled.dictionary([("params", Pickled.list([Pickled.integer(0)]))])])
        #expect(
            try problem(before: entry, state: state, groups: groups)
                == "it has state for more weights than the state dict has")
    }
}
