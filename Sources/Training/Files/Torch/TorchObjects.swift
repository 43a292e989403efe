/// What the objects of a pickle mean, by the names that PyTorch gives them.
struct TorchObjects {
    let pickle: Pickle
    /// Where the elements of a storage lie, by its key.
    let storage: (_ key: String) -> FileSection?
    let path: String
    /// All bytes of the file.
    let file: UnsafeRawBufferPointer
    let isBigEndian: Bool
    /// What the tensors that are read may take.
    let budget: TorchTensorBudget

    enum Meaning {
        case tensor(TorchTensor)
        /// A tensor, or something else, that is not read, and what it is.
        case unsupported(String)
    }

    /// Functions that are understood, beside containers; calls to others are reported.
    static let understood: Set = [
        "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor_v3",
        "torch._utils._rebuild_parameter",
        "torch._utils._rebuild_parameter_with_state", "torch._tensor._rebuild_from_type_v2", "argparse.Namespace",
        "collections.OrderedDict",
    ]

    /// What a value of a state dict is. Throws `.invalidTensor` for a tensor that does not lie in its storage.
    func meaning(_ id: Pickle.ID, place: String) throws(TorchCheckpointError) -> Meaning {
        guard case .object(var callable, var arguments, _) = pickle[id] else { return .unsupported(pickle.kind(id)) }
        // Parameters and subclasses wrap the tensor; a hostile file could wrap a value in itself.
        for _ in 0..<4 {
            guard let name = pickle.name(callable), Self.understood.contains(name),
                let items = pickle.sequence(arguments)
            else { break }
            switch name {
            case "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state":
                guard let data = items.first, case .object(let inner, let innerArguments, _) = pickle[data] else {
                    return .unsupported(pickle.kind(id))
                }
                (callable, arguments) = (inner, innerArguments)
            case "torch._tensor._rebuild_from_type_v2":
                guard items.count >= 3 else { return .unsupported(pickle.kind(id)) }
                (callable, arguments) = (items[0], items[2])
            case "torch._utils._rebuild_tensor_v3":
                guard items.count >= 7 else { return .unsupported(pickle.kind(id)) }
                return try tensor(items, elementType: items[6], place: place)
            case "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2":
                return try tensor(items, elementType: nil, place: place)
            default: return .unsupported(pickle.kind(id))
            }
        }
        return .unsupported(pickle.kind(id))
    }

    /// A tensor of (storage, offset, shape, strides, …).
    private func tensor(_ items: [Pickle.ID], elementType: Pickle.ID?, place: String) throws(TorchCheckpointError)
        -> Meaning
    {
        func invalid(_ message: String) -> TorchCheckpointError {
            TorchCheckpointError(
                .invalidTensor, path: path, "the tensor \"\(TorchCheckpointError.shown(place))\" \(message)")
        }
        guard items.count >= 4, case .persistent(let reference) = pickle[items[0]],
            let storage = pickle.sequence(reference), storage.count >= 5,
            pickle.text(storage[0]) == "storage", let storageType = pickle.name(storage[1]),
            let key = pickle.text(storage[2]),
            let claimed = pickle.integer(storage[4]), let offset = pickle.integer(items[1]),
            let view = view(storage),
            let shape = pickle.integers(items[2]),
            let strides = pickle.integers(items[3])
        else { throw invalid("is not described as PyTorch does it") }

        let typeName = elementType.map { pickle.name($0) ?? "" } ?? storageType
        guard typeName.hasPrefix("torch."), let type = SafetensorsElementType(torch: typeName.dropFirst("torch.".count))
        else {
            return .unsupported("a tensor of \(TorchCheckpointError.shown(typeName))")
        }
        guard let entry = self.storage(key) else {
            throw invalid(
                "has its elements in the storage \(TorchCheckpointError.shown(key)), which the file does not have")
        }
        let unit = storageType.hasSuffix(".UntypedStorage") ? 1 : type.byteCount
        guard claimed >= 0, claimed <= entry.range.count / unit else {
            throw invalid(
                "claims a storage of \(claimed) elements, and the storage \(TorchCheckpointError.shown(key)) has \(entry.range.count) bytes"
            )
        }
        guard shape.count == strides.count, offset >= 0, type.byteCount(of: shape) != nil,
            strides.allSatisfy({ $0 >= 0 })
        else {
            throw invalid("has the impossible shape \(shape) with strides \(strides) from \(offset)")
        }
        guard view.offset <= claimed, view.count ?? 0 <= claimed - view.offset else {
            throw invalid("has its elements in a part of the storage that reaches beyond it")
        }
        let capacity = (view.count ?? claimed - view.offset) * unit / type.byteCount
        guard shape.contains(0) || lastElement(offset, shape, strides).map({ $0 < capacity }) == true else {
            throw invalid(
                "reaches beyond its storage: shape \(shape), strides \(strides), offset \(offset), and \(capacity) elements"
            )
        }
        let tensor = TorchTensor(
            elementType: type, shape: shape, strides: strides, offset: view.offset * unit / type.byteCount + offset,
            storage: entry.range, checksum: entry.checksum)
        guard budget.allows(tensor) else {
            throw TorchCheckpointError(
                .tooLarge, path: path,
                "its tensors would take more than \(budget.limit) bytes, and the file has \(file.count)")
        }
        return .tensor(tensor)
    }

    /// The part of a storage that old files can name in its place; nil if it is not described as PyTorch does it.
    private func view(_ storage: [Pickle.ID]) -> (offset: Int, count: Int?)? {
        guard storage.count > 5 else { return (0, nil) }
        if case .none = pickle[storage[5]] { return (0, nil) }
        guard let parts = pickle.sequence(storage[5]), parts.count == 3, let offset = pickle.integer(parts[1]),
            let count = pickle.integer(parts[2]), offset >= 0, count >= 0
        else { return nil }
        return (offset, count)
    }

    /// The size in bytes of an element of a storage class such as `torch.FloatStorage`, also of one that is not read;
    /// nil for an unknown class.
    static func elementWidth(ofStorage type: String) -> Int? {
        guard type.hasPrefix("torch.") else { return nil }
        switch type.split(separator: ".").last {
        case "UntypedStorage", "QInt8Storage", "QUInt8Storage": return 1
        case "QInt32Storage": return 4
        case "ComplexFloatStorage": return 8
        case "ComplexDoubleStorage": return 16
        case let name: return SafetensorsElementType(torch: name ?? "")?.byteCount
        }
    }

    /// The largest number of an element in its storage; nil if it is larger than any memory.
    private func lastElement(_ offset: Int, _ shape: [Int], _ strides: [Int]) -> Int? {
        var last = offset
        for (extent, stride) in zip(shape, strides) {
            let (way, overflow) = (extent - 1).multipliedReportingOverflow(by: stride)
            let (next, overflow2) = last.addingReportingOverflow(way)
            guard !overflow, !overflow2 else { return nil }
            last = next
        }
        return last
    }

    /// Whether a value is a tensor, by what made it.
    func isTensor(_ id: Pickle.ID) -> Bool {
        guard case .object(let callable, _, _) = pickle[id], let name = pickle.name(callable) else { return false }
        return name.hasPrefix("torch.") && Self.understood.contains(name)
    }

    /// What a value is, for messages.
    func kind(_ id: Pickle.ID) -> String { isTensor(id) ? "a tensor" : pickle.kind(id) }

    // MARK: Plain values

    /// The numbers of a floating-point tensor that are needed before anyone asks for them.
    func numbers(of tensor: TorchTensor) -> [Float] {
        tensor.elements(in: file, isBigEndian: isBigEndian).withUnsafeBytes { tensor.elementType.floats($0) }
    }

    /// The attributes of an `argparse.Namespace`, or the members of a dictionary.
    func attributes(_ id: Pickle.ID) -> [(key: Pickle.ID, value: Pickle.ID)]? {
        if case .object(let callable, _, let state?) = pickle[id], pickle.name(callable) == "argparse.Namespace" {
            return pickle.members(state)
        }
        return pickle.members(id)
    }

    func hasAttributes(_ id: Pickle.ID) -> Bool {
        if case .object(let callable, _, _?) = pickle[id] { return pickle.name(callable) == "argparse.Namespace" }
        return pickle.isDictionary(id)
    }

    /// A number, flag or text as text; nil for everything else.
    func scalar(_ id: Pickle.ID) -> String? {
        switch pickle[id] {
        case .none: "None"
        case .flag(let flag): flag ? "True" : "False"
        case .integer(let integer): String(integer)
        case .number(let number): String(number)
        case .text: pickle.text(id)
        default: nil
        }
    }
}

/// Counts what the tensors of a file take: their elements, and what is kept to find them.
///
/// Views can name the same elements again and again, as shared weights do, and one tensor can stand for many weights:
/// what all of them take has to stay plausible for the size of the file.
final class TorchTensorBudget {
    let limit: Int
    private var left: Int

    init(fileSize: Int) {
        limit = 4 * fileSize + (64 << 20)
        left = limit
    }

    func allows(_ tensor: TorchTensor) -> Bool {
        let description = MemoryLayout<TorchTensor>.stride + 2 * MemoryLayout<Int>.stride * tensor.shape.count
        guard tensor.byteCount <= left - description else { return false }
        left -= description + tensor.byteCount
        return true
    }
}
