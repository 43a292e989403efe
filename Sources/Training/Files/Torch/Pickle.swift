/// What a pickle holds, as nodes that name each other by number: shared and cyclic values need no care, and nothing is
/// nested in memory.
///
/// Nothing that a pickle names is looked up, imported or called. Calls and instances are nodes that say what would have
/// been called.
struct Pickle {
    typealias ID = Int32

    enum Node {
        case none
        case flag(Bool)
        case integer(Int)
        case number(Double)
        /// A text or bytes, by place in the pickle.
        case text(at: UInt32, count: UInt32)
        /// A list, tuple or set.
        case sequence([ID])
        /// Keys and values in turn.
        case dictionary([ID])
        /// A name of Python's: places and lengths of the module's name and of the name in it.
        case global(module: UInt32, moduleCount: UInt16, name: UInt32, nameCount: UInt16)
        /// The result of a call that did not take place, or an instance that was not made.
        case object(callable: ID, arguments: ID, state: ID?)
        /// Something that lies beside the pickle, such as a tensor's storage.
        case persistent(ID)
        /// An integer of more than 64 bits, or a name too long to be one.
        case unreadable
    }

    let root: ID
    /// Names that the pickle calls and that are not those of containers, in order, each once; at most
    /// ``PickleReader/maximumNames``.
    let calledNames: [String]

    private let nodes: [Node]
    private let bytes: UnsafeRawBufferPointer

    init(root: ID, nodes: [Node], calledNames: [String], bytes: UnsafeRawBufferPointer) {
        (self.root, self.nodes, self.calledNames, self.bytes) = (root, nodes, calledNames, bytes)
    }

    subscript(id: ID) -> Node { nodes[Int(id)] }

    /// A text of up to 4 KiB, or another limit; longer ones are neither names nor settings.
    func text(_ id: ID, atMost limit: Int = 1 << 12) -> String? {
        guard case .text(let start, let count) = self[id], count <= limit else { return nil }
        return String(decoding: bytes[Int(start)..<Int(start + count)], as: UTF8.self)
    }

    func integer(_ id: ID) -> Int? {
        if case .integer(let value) = self[id] { value } else { nil }
    }

    /// An integer or a number as a number.
    func number(_ id: ID) -> Double? {
        switch self[id] {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }

    func sequence(_ id: ID) -> [ID]? {
        if case .sequence(let items) = self[id] { items } else { nil }
    }

    /// The integers of a list of them, if it is not longer than any shape.
    func integers(_ id: ID) -> [Int]? {
        guard let items = sequence(id), items.count <= SafetensorsHeader.maximumRank else { return nil }
        let integers = items.compactMap(integer)
        return integers.count == items.count ? integers : nil
    }

    func isDictionary(_ id: ID) -> Bool {
        if case .dictionary = self[id] { true } else { false }
    }

    /// What stands for each of the values that lie beside the pickle.
    var persistentIDs: [ID] { nodes.compactMap { if case .persistent(let id) = $0 { id } else { nil } } }

    func isObject(_ id: ID) -> Bool {
        if case .object = self[id] { true } else { false }
    }

    /// The members of a dictionary; of two with one key, the second counts, as in Python.
    func members(_ id: ID) -> [(key: ID, value: ID)]? {
        guard case .dictionary(let items) = self[id] else { return nil }
        return stride(from: 0, to: items.count, by: 2).map { (items[$0], items[$0 + 1]) }
    }

    /// The value of a dictionary for a text as key.
    func member(_ id: ID, _ key: String) -> ID? {
        guard case .dictionary(let items) = self[id] else { return nil }
        let place = stride(from: items.count - 2, through: 0, by: -2).first { isText(items[$0], key) }
        return place.map { items[$0 + 1] }
    }

    private func isText(_ id: ID, _ text: String) -> Bool {
        guard case .text(let start, let count) = self[id], count == text.utf8.count else { return false }
        return bytes[Int(start)..<Int(start + count)].elementsEqual(text.utf8)
    }

    /// How many items or members a value has.
    func count(_ id: ID) -> Int {
        switch self[id] {
        case .sequence(let items): items.count
        case .dictionary(let items): items.count / 2
        default: 0
        }
    }

    /// Module and name, such as `collections.OrderedDict`.
    func name(_ id: ID) -> String? {
        if case .global(let module, let moduleCount, let name, let nameCount) = self[id] {
            return Self.name(bytes, Int(module), Int(moduleCount), Int(name), Int(nameCount))
        }
        return nil
    }

    static func name(_ bytes: UnsafeRawBufferPointer, _ module: Int, _ moduleCount: Int, _ name: Int, _ nameCount: Int)
        -> String
    {
        String(decoding: bytes[module..<module + moduleCount], as: UTF8.self) + "."
            + String(decoding: bytes[name..<name + nameCount], as: UTF8.self)
    }

    /// The class that a persistent value is, beside which old files keep its source text.
    private func className(_ id: ID) -> String? {
        guard case .persistent(let reference) = self[id], let parts = sequence(reference), parts.count > 1 else {
            return nil
        }
        return name(parts[1])
    }

    /// What a value is, for messages.
    func kind(_ id: ID) -> String {
        switch self[id] {
        case .none: "None"
        case .flag: "a flag"
        case .integer, .number: "a number"
        case .text: "a text"
        case .sequence: "a list"
        case .dictionary: "a dictionary"
        case .global: TorchCheckpointError.shown(name(id) ?? "")
        case .object(let callable, _, _):
            TorchCheckpointError.shown(name(callable) ?? className(callable) ?? "an object")
        case .persistent: "a storage"
        case .unreadable: "a number or name that is too long"
        }
    }
}
