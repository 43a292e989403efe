/// What is wrong with a pickle, and where.
struct PickleError: Error {
    let isTooLarge: Bool
    let message: String
}

/// Reads pickles of protocol 2 to 5 (Python's Lib/pickletools.py describes the opcodes) without doing what they say.
///
/// A pickle is a program for a machine with a stack. This machine makes containers, texts and numbers; whatever else
/// the program would import, call or build becomes an inert ``Pickle/Node/object``. The number of operations is
/// limited, and each takes memory for a few words at most (one that can make a copy counts as many operations as it
/// copies items), so that memory is bounded whatever the program says.
struct PickleReader {
    /// A tensor of a state dict takes about 50 operations.
    static let maximumOperations = 1 << 22
    /// The longest pickle that is read.
    static let maximumCount = 1 << 28
    /// How many names that are called are remembered for the report.
    static let maximumNames = 20

    private let bytes: UnsafeRawBufferPointer
    private var position = 0
    private var nodes: [Pickle.Node] = []
    private var stack: [Pickle.ID] = []
    /// Heights of the stack where marks were set.
    private var marks: [Int] = []
    private var memo: [Int: Pickle.ID] = [:]
    private var calledNames: [String] = []
    private var operationsLeft = maximumOperations

    private init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// Reads the pickle that `bytes` begin with, which have to outlive it, and says how long it is.
    static func read(_ bytes: UnsafeRawBufferPointer) throws(PickleError) -> (pickle: Pickle, count: Int) {
        guard bytes.count <= maximumCount else {
            throw PickleError(isTooLarge: true, message: "it has \(bytes.count) bytes")
        }
        var reader = PickleReader(bytes)
        while true {
            try reader.charge(1)
            if let root = try reader.step() {
                let pickle = Pickle(root: root, nodes: reader.nodes, calledNames: reader.calledNames, bytes: bytes)
                return (pickle, reader.position)
            }
        }
    }

    /// Counts operations; throws when there are more of them than any checkpoint takes.
    private mutating func charge(_ operations: Int) throws(PickleError) {
        guard operations <= operationsLeft else {
            throw PickleError(isTooLarge: true, message: "it takes more than \(Self.maximumOperations) operations")
        }
        operationsLeft -= operations
    }

    /// Does one operation; returns the result after the last.
    private mutating func step() throws(PickleError) -> Pickle.ID? {
        let operation = UInt8(truncatingIfNeeded: try unsigned(UInt8.self))
        switch operation {
        case 0x80:  // PROTO
            let version = try unsigned(UInt8.self)
            guard (2...5).contains(version) else { throw problem("its protocol is \(version), and 2 to 5 are read") }
        case 0x95: _ = try unsigned(UInt64.self)  // FRAME
        case UInt8(ascii: "."):
            let result = try pop()
            return result
        case UInt8(ascii: "("): marks.append(stack.count)
        case UInt8(ascii: "0"): if marks.last == stack.count { marks.removeLast() } else { _ = try pop() }
        case UInt8(ascii: "1"): _ = try popToMark()
        case UInt8(ascii: "2"): stack.append(try top())

        case UInt8(ascii: "N"): push(.none)
        case 0x88: push(.flag(true))
        case 0x89: push(.flag(false))
        case UInt8(ascii: "J"):
            push(.integer(Int(Int32(bitPattern: UInt32(truncatingIfNeeded: try unsigned(UInt32.self))))))
        case UInt8(ascii: "K"): push(.integer(try unsigned(UInt8.self)))
        case UInt8(ascii: "M"): push(.integer(try unsigned(UInt16.self)))
        case 0x8A: push(try longInteger(count: try unsigned(UInt8.self)))
        case 0x8B: push(try longInteger(count: try unsigned(UInt32.self)))
        case UInt8(ascii: "G"): push(.number(Double(bitPattern: try bits64().byteSwapped)))

        case UInt8(ascii: "X"), UInt8(ascii: "B"), UInt8(ascii: "T"): try pushText(count: try unsigned(UInt32.self))
        case 0x8C, UInt8(ascii: "C"), UInt8(ascii: "U"): try pushText(count: try unsigned(UInt8.self))
        case 0x8D, 0x8E, 0x96: try pushText(count: try unsigned(UInt64.self))

        case UInt8(ascii: "]"), UInt8(ascii: ")"), 0x8F: push(.sequence([]))
        case UInt8(ascii: "l"), UInt8(ascii: "t"), 0x91: push(.sequence(try popToMark()))
        case 0x85, 0x86, 0x87: push(.sequence(try pop(count: Int(operation) - 0x84)))
        case UInt8(ascii: "a"): append([try pop()], to: try top())
        case UInt8(ascii: "e"), 0x90:
            let items = try popToMark()
            append(items, to: try top())
        case UInt8(ascii: "}"): push(.dictionary([]))
        case UInt8(ascii: "d"): push(.dictionary(try pairs(try popToMark())))
        case UInt8(ascii: "s"):
            let pair = try pop(count: 2)
            insert(pair, into: try top())
        case UInt8(ascii: "u"):
            let items = try pairs(try popToMark())
            insert(items, into: try top())

        case UInt8(ascii: "c"): push(global(try line(), try line()))
        case 0x93:
            let names = try pop(count: 2)
            guard case .text(let module, let moduleCount) = nodes[Int(names[0])],
                case .text(let name, let nameCount) = nodes[Int(names[1])]
            else {
                throw problem("a name that is no text")
            }
            push(global(Int(module)..<Int(module + moduleCount), Int(name)..<Int(name + nameCount)))
        case UInt8(ascii: "R"), 0x81:
            let call = try pop(count: 2)
            push(try result(of: call[0], call[1]))
        case 0x92:  // NEWOBJ_EX: with named arguments
            let call = try pop(count: 3)
            push(try result(of: call[0], call[1]))
        case UInt8(ascii: "b"):
            let state = try pop(), target = try top()
            if case .object(let callable, let arguments, _) = nodes[Int(target)] {
                nodes[Int(target)] = .object(callable: callable, arguments: arguments, state: state)
            }
        case UInt8(ascii: "Q"): push(.persistent(try pop()))

        case UInt8(ascii: "q"): memo[try unsigned(UInt8.self)] = try top()
        case UInt8(ascii: "r"): memo[try unsigned(UInt32.self)] = try top()
        case 0x94: memo[memo.count] = try top()
        case UInt8(ascii: "h"): try get(try unsigned(UInt8.self))
        case UInt8(ascii: "j"): try get(try unsigned(UInt32.self))
        default:
            position -= 1
            throw problem("the opcode 0x\(String(operation, radix: 16)), which files of torch.save do not have")
        }
        return nil
    }

    private func problem(_ message: String) -> PickleError {
        PickleError(isTooLarge: false, message: "byte \(position): \(message)")
    }

    // MARK: Stack

    private mutating func push(_ node: Pickle.Node) {
        stack.append(Pickle.ID(nodes.count))
        nodes.append(node)
    }

    private mutating func get(_ key: Int) throws(PickleError) {
        guard let id = memo[key] else { throw problem("the value \(key) is used before it is made") }
        stack.append(id)
    }

    private func top() throws(PickleError) -> Pickle.ID {
        guard stack.count > marks.last ?? 0, let id = stack.last else { throw problem("a value is missing") }
        return id
    }

    private mutating func pop() throws(PickleError) -> Pickle.ID {
        let id = try top()
        stack.removeLast()
        return id
    }

    private mutating func pop(count: Int) throws(PickleError) -> [Pickle.ID] {
        guard stack.count - count >= marks.last ?? 0 else { throw problem("a value is missing") }
        defer { stack.removeLast(count) }
        return Array(stack.suffix(count))
    }

    private mutating func popToMark() throws(PickleError) -> [Pickle.ID] {
        guard let mark = marks.popLast() else { throw problem("a mark is missing") }
        defer { stack.removeLast(stack.count - mark) }
        return Array(stack[mark...])
    }

    // MARK: Containers

    private func pairs(_ items: [Pickle.ID]) throws(PickleError) -> [Pickle.ID] {
        guard items.count.isMultiple(of: 2) else { throw problem("a key without a value") }
        return items
    }

    /// Adds to a list or set; what an unknown object would do with the items is not known, and they are dropped.
    private mutating func append(_ items: [Pickle.ID], to target: Pickle.ID) {
        guard case .sequence(var all) = nodes[Int(target)] else { return }
        nodes[Int(target)] = .none  // the array has one owner again, and grows in place
        all += items
        nodes[Int(target)] = .sequence(all)
    }

    /// Adds to a dictionary; what an unknown object would do with the pairs is not known, and they are dropped.
    private mutating func insert(_ pairs: [Pickle.ID], into target: Pickle.ID) {
        guard case .dictionary(var all) = nodes[Int(target)] else { return }
        nodes[Int(target)] = .none
        all += pairs
        nodes[Int(target)] = .dictionary(all)
    }

    // MARK: Names and calls

    private func global(_ module: Range<Int>, _ name: Range<Int>) -> Pickle.Node {
        guard module.count <= 200, name.count <= 200 else { return .unreadable }
        return .global(
            module: UInt32(module.lowerBound), moduleCount: UInt16(module.count), name: UInt32(name.lowerBound),
            nameCount: UInt16(name.count))
    }

    /// What a call gives: containers are made, and anything else is noted and not called.
    private mutating func result(of callable: Pickle.ID, _ arguments: Pickle.ID) throws(PickleError)
        -> Pickle.Node
    {
        guard case .global(let module, let moduleCount, let name, let nameCount) = nodes[Int(callable)] else {
            return .object(callable: callable, arguments: arguments, state: nil)
        }
        let text = Pickle.name(bytes, Int(module), Int(moduleCount), Int(name), Int(nameCount))
        if case .sequence(let items) = nodes[Int(arguments)] {
            switch text {
            case "collections.OrderedDict" where items.isEmpty: return .dictionary([])
            case "collections.defaultdict" where items.count <= 1: return .dictionary([])
            case "torch.Size" where items.count == 1:
                // The two share their items until one of them grows, which copies them. No shape is longer.
                if case .sequence(let extents) = nodes[Int(items[0])], extents.count <= SafetensorsHeader.maximumRank {
                    try charge(extents.count)
                    return .sequence(extents)
                }
            default: break
            }
        }
        if calledNames.count < Self.maximumNames, !calledNames.contains(text) { calledNames.append(text) }
        return .object(callable: callable, arguments: arguments, state: nil)
    }

    // MARK: Bytes

    private mutating func unsigned<Integer: FixedWidthInteger & UnsignedInteger>(_ type: Integer.Type)
        throws(PickleError) -> Int
    {
        guard position <= bytes.count - MemoryLayout<Integer>.size else { throw problem("it is cut off") }
        guard let value = bytes.unsigned(type, at: position) else { throw problem("a length that no memory has") }
        position += MemoryLayout<Integer>.size
        return value
    }

    private mutating func bits64() throws(PickleError) -> UInt64 {
        let range = try take(8)
        return UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: range.lowerBound, as: UInt64.self))
    }

    private mutating func take(_ count: Int) throws(PickleError) -> Range<Int> {
        guard count <= bytes.count - position else { throw problem("it is cut off") }
        defer { position += count }
        return position..<position + count
    }

    private mutating func pushText(count: Int) throws(PickleError) {
        let range = try take(count)
        push(.text(at: UInt32(range.lowerBound), count: UInt32(range.count)))
    }

    /// An integer in two's complement, the lowest byte first.
    private mutating func longInteger(count: Int) throws(PickleError) -> Pickle.Node {
        let digits = bytes[try take(count)]
        guard digits.count <= 8 else { return .unreadable }
        var value = digits.last.map { $0 & 0x80 != 0 ? -1 : 0 } ?? 0
        for digit in digits.reversed() { value = value << 8 | Int(digit) }
        return .integer(value)
    }

    /// The rest of a line; the end of the line is not part of it.
    private mutating func line() throws(PickleError) -> Range<Int> {
        let start = position
        while position < bytes.count, bytes[position] != UInt8(ascii: "\n") { position += 1 }
        guard position < bytes.count else { throw problem("it is cut off") }
        defer { position += 1 }
        return start..<position
    }
}
