import ApusIR

extension Pass {
    /// Gathers and slices of rows move up through the work that is done row by row, so that rows which nobody reads are
    /// not computed.
    ///
    /// A value is computed for some rows only if all that read it, directly or through views, read just these rows, and
    /// if that is at least a tenth fewer. In particular:
    /// - op(x, y)[rows] = op(x[rows], y[rows]) for element-wise operations, for reductions and normalisations along
    ///   other axes, and for attention's queries; of a broadcast only the rows that it has are picked, and a table for
    ///   all of a batch is looked up
    /// - dot(x, w)[rows] = dot(x[rows], w)
    /// - x[rows][rows'] = x[rows[rows']]
    /// - a slice of a concatenation that lies in one part is a slice of the part
    /// - where a part of a concatenation repeats one row, and the whole is gathered from, one such row is enough
    /// - a value of which several ranges of columns are read, one of them in some rows only, is computed in parts
    ///
    /// Equal expressions become one on the way: equal rows are those that equal indices pick.
    public static let moveGathersUp = Pass(
        "move-gathers-up",
        recording: { graph, rewrites in
            var graph = graph
            // Each sweep moves something up past one node at least, so that there are fewer sweeps than nodes.
            for _ in 0...graph.nodes.count {
                let mover = RowMover(graph)
                mover.run()
                graph = try mover.editor.finish()
                if mover.rewrites.isEmpty { break }
                rewrites += mover.rewrites
            }
            return graph
        })
}

/// One sweep from the end of a graph to its beginning: when a value is visited, all that read it have been.
private final class RowMover {
    let editor: GraphEditor
    private(set) var rewrites: [Rewrite] = []
    private let count: Int

    init(_ graph: Graph) {
        editor = GraphEditor(graph)
        count = graph.nodes.count
    }

    func run() {
        for index in (0..<count).reversed() { visit(Value(index)) }
    }

    private func visit(_ value: Value) {
        guard editor.isNeeded(value) else { return }
        let node = editor.node(value)
        if editor.isView(value) || node.operands.isEmpty { return }
        if node.operation is Broadcast { return pickBeforeRepeating(value) }
        if let concatenate = node.operation as? Concatenate { readParts(value, concatenate) }
        guard editor.isNeeded(value), !editor.isResult(value) else { return }
        attempt {
            for throughSlices in [true, false] {
                guard let demands = demands(of: value, throughSlices: throughSlices), let selection = common(demands),
                    selection.isWorthwhile(for: node.type.shape), compute(value, for: demands)
                else { continue }
                return note(
                    "\(node.operation.name) works on \(selection.count) of \(selection.rowCount(node.type.shape)) rows",
                    node)
            }
            separate(value)
        }
    }

    /// Does what can turn out to be impossible half-way; what it has added in vain goes.
    private func attempt(_ body: () -> Void) {
        let count = editor.builder.graph.nodes.count
        body()
        editor.removeUnread(from: count)
    }

    private func note(_ text: String, _ node: Node) {
        rewrites.append(Rewrite(pass: "move-gathers-up", note: text, location: node.location))
    }

    // MARK: What is read

    /// One way from a value to a node that picks rows of it.
    private struct Demand {
        /// The views on the way.
        var views: [Value] = []
        /// The gather or slice at the end.
        var end: Value
        /// What is picked of the value, of the first view, and so on.
        var selections: [RowSelection]
    }

    /// All ways on which a value is read, if all of them end in nodes that pick rows.
    ///
    /// - Parameter throughSlices: Whether a slice is a view on the way, if all that read it read the same rows, or an
    ///   end.
    private func demands(of value: Value, throughSlices: Bool = true) -> [Demand]? {
        guard !editor.isResult(value) else { return nil }
        var demands: [Demand] = []
        for reader in editor.readers(of: value) {
            let node = editor.node(reader)
            guard node.operands.first == value else { return nil }
            let own = editor.selection(of: reader)
            if editor.isView(reader), throughSlices || own == nil,
                let further = self.demands(of: reader, throughSlices: throughSlices)
            {
                let whole = further.compactMap { demand -> Demand? in
                    guard let beneath = editor.selection(demand.selections[0], beneath: reader) else { return nil }
                    return Demand(
                        views: [reader] + demand.views, end: demand.end, selections: [beneath] + demand.selections)
                }
                if whole.count == further.count, common(whole) != nil {
                    demands += whole
                    continue
                }
            }
            guard let selection = own, !node.operands.dropFirst().contains(value) else { return nil }
            demands.append(Demand(end: reader, selections: [selection]))
        }
        return demands
    }

    /// The rows that all demands read; nil if they differ.
    private func common(_ demands: [Demand]) -> RowSelection? {
        guard let first = demands.first?.selections[0], demands.allSatisfy({ $0.selections[0] == first }) else {
            return nil
        }
        return first
    }

    // MARK: Rewrites

    /// Computes a value for the rows that all demands read, and gives them that.
    private func compute(_ value: Value, for demands: [Demand]) -> Bool {
        guard let rows = editor.compute(value, only: demands[0].selections[0]) else { return false }
        for demand in demands {
            var part = rows
            for (position, view) in demand.views.enumerated() {
                part = editor.view(view, of: part, demand.selections[position], demand.selections[position + 1])
            }
            editor.replace(demand.end, with: part)
        }
        return true
    }

    /// slice(broadcast(x)) = broadcast(slice(x)), the same for gather.
    private func pickBeforeRepeating(_ value: Value) {
        let node = editor.node(value)
        for reader in editor.readers(of: value) {
            guard let selection = editor.selection(of: reader), editor.node(reader).operands[0] == value else {
                continue
            }
            let count = editor.builder.graph.nodes.count
            editor.builder.location = node.location
            let rows = editor.select(editor.tensor(value), selection)
            if editor.node(editor.numberNewNodes(rows)).operands.first == value {
                editor.removeUnread(from: count)
            } else {
                editor.replace(reader, with: rows)
                note("rows are picked before they are repeated", node)
            }
        }
    }

    /// A slice of a concatenation reads its part; one row that is repeated is gathered from once.
    private func readParts(_ value: Value, _ concatenate: Concatenate) {
        let node = editor.node(value), axis = concatenate.axis
        var start = 0
        let parts = node.operands.map { part in
            defer { start += editor.type(part).shape[axis] }
            return (value: part, range: start..<start + editor.type(part).shape[axis])
        }
        var selections: [(reader: Value, indices: Value)] = []
        for reader in editor.readers(of: value) {
            guard let selection = editor.selection(of: reader), editor.node(reader).operands[0] == value,
                selection.axes == [axis]
            else { continue }
            switch selection.rows {
            case .chosen(let indices): selections.append((reader, indices))
            case .range(let range):
                guard let part = parts.first(where: { $0.range.clamped(to: range) == range }) else { continue }
                editor.builder.location = editor.node(reader).location
                let own = range.lowerBound - part.range.lowerBound..<range.upperBound - part.range.lowerBound
                editor.replace(reader, with: editor.tensor(part.value).slice(own, axis: axis))
                note("a slice of a concatenation reads its part", node)
            }
        }
        guard editor.isNeeded(value), !editor.isResult(value), selections.count == editor.readers(of: value).count
        else { return }
        for position in Set([parts.count - 1, 0]) where parts[position].range.count > 1 {
            guard let broadcast = editor.node(parts[position].value).operation as? Broadcast else { continue }
            let source = editor.type(editor.node(parts[position].value).operands[0]).shape
            if let own = broadcast.axes.firstIndex(of: axis), source[own] > 1 { continue }
            editor.builder.location = node.location
            var operands = parts.map { editor.tensor($0.value) }
            operands[position] = editor.select(
                operands[position], RowSelection(rows: .range(0..<1), count: 1, axes: [axis]))
            let table = ApusIR.concatenate(operands, axis: axis), dropped = Double(parts[position].range.count - 1)
            for (reader, indices) in selections {
                // Indices are clamped to the table, so that all places of repeated rows lead to the one row.
                // Those that may be negative are clamped before they get smaller, so that they do not wrap round.
                let isNegative = editor.range(of: indices).map { $0.lowerBound < 0 } ?? true
                let index = editor.tensor(indices), low = isNegative ? maximum(index, 0) : index
                let places = position == 0 ? low - dropped : index
                editor.replace(reader, with: gather(table, places, batch: axis))
            }
            note("\(parts[position].range.count) equal rows became one", node)
            return
        }
    }

    /// Computes columns apart that are read in some rows only, if nothing is computed twice then.
    private func separate(_ value: Value) {
        var parts: [(reader: Value, range: Range<Int>, demands: [Demand]?)] = []
        var axis: Int?
        let node = editor.node(value)
        for reader in editor.readers(of: value) {
            guard !editor.isResult(reader), editor.node(reader).operation is Slice,
                let selection = editor.selection(of: reader),
                case .range(let range) = selection.rows, axis == nil || axis == selection.axes[0]
            else { return }
            axis = selection.axes[0]
            var demands = demands(of: reader)
            if let found = demands {
                let rows = common(found)
                if !(rows.map { !$0.touches(selection.axes[0]) && $0.isWorthwhile(for: editor.type(reader).shape) }
                    ?? false)
                {
                    demands = nil
                }
            }
            parts.append((reader, range, demands))
        }
        parts.sort { $0.range.lowerBound < $1.range.lowerBound }
        guard let axis, parts.contains(where: { $0.demands != nil }),
            zip(parts, parts.dropFirst()).allSatisfy({ $0.range.upperBound <= $1.range.lowerBound })
        else { return }
        func columns(_ range: Range<Int>) -> RowSelection {
            RowSelection(rows: .range(range), count: range.count, axes: [axis])
        }

        var rest: [(range: Range<Int>, readers: [(Value, Range<Int>)])] = []
        for part in parts where part.demands == nil {
            if let last = rest.last, last.range.upperBound == part.range.lowerBound {
                rest[rest.count - 1].range = last.range.lowerBound..<part.range.upperBound
                rest[rest.count - 1].readers.append((part.reader, part.range))
            } else {
                rest.append((part.range, [(part.reader, part.range)]))
            }
        }
        var separated: [(part: Value, demands: [Demand])] = []
        for part in parts {
            guard let demands = part.demands else { continue }
            guard let columns = editor.compute(value, only: columns(part.range)) else { return }
            let own = editor.numberNewNodes(columns)
            guard editor.compute(own, only: demands[0].selections[0]) != nil else { return }
            separated.append((own, demands))
        }
        var others: [(tensor: Tensor, part: (range: Range<Int>, readers: [(Value, Range<Int>)]))] = []
        for part in rest {
            guard let tensor = editor.compute(value, only: columns(part.range)) else { return }
            others.append((tensor, part))
        }
        for (part, demands) in separated { _ = compute(part, for: demands) }
        for (tensor, part) in others {
            for (reader, range) in part.readers {
                let start = part.range.lowerBound
                editor.replace(
                    reader,
                    with: editor.tensor(editor.numberNewNodes(tensor)).slice(
                        range.lowerBound - start..<range.upperBound - start, axis: axis))
            }
        }
        note(
            "\(node.operation.name) is computed in \(separated.count + others.count) parts, as some of its columns are read in few rows",
            node)
    }
}
