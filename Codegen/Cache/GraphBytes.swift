import ApusIR

extension ByteWriter {
    /// A graph, the same for equal graphs whose layers have the same names, and others for any others: what compiled
    /// programs go by. Where operations were declared does not count.
    ///
    /// As the text form, it has the attributes of all operations, from which these can be made again.
    func write(_ graph: Graph) {
        write(graph.name)
        write(graph.nodes.count)
        for node in graph.nodes {
            write(node.operation.name)
            write(node.location?.path ?? "")
            write(node.type)
            write(node.operands.map(\.index))
            let attributes = node.operation.attributes
            write(attributes.count)
            for attribute in attributes {
                write(attribute.name)
                write(attribute.value)
            }
        }
        write(graph.results.count)
        for result in graph.results {
            switch result.kind {
            case .output(let name):
                write("output")
                write(name)
            case .update(let parameter):
                write("update")
                write(parameter.index)
            }
            write(result.value.index)
        }
    }

    private func write(_ type: TensorType) {
        write(type.element.rawValue)
        write(type.shape)
    }

    private func write(_ numbers: [Int]) {
        write(numbers.count)
        for number in numbers { write(number) }
    }

    /// The kind comes first: lists of different kinds may have the same bytes.
    private func write(_ attribute: Attribute) {
        switch attribute {
        case .integer(let value):
            write(0)
            write(value)
        case .integers(let values):
            write(1)
            write(values)
        case .number(let value):
            write(2)
            write(value)
        case .numbers(let values):
            write(3)
            write(values.count)
            for value in values { write(value) }
        case .text(let value):
            write(4)
            write(value)
        case .flag(let value):
            write(5)
            write(value ? 1 : 0)
        }
    }
}
