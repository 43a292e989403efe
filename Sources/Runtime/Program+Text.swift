import ApusIR

extension Location: CustomStringConvertible {
    public var description: String {
        switch region {
        case .arena: "arena+\(byteOffset)"
        case .input(let number): byteOffset == 0 ? "input \(number)" : "input \(number)+\(byteOffset)"
        case .parameter(let number): byteOffset == 0 ? "parameter \(number)" : "parameter \(number)+\(byteOffset)"
        case .constants: "constants+\(byteOffset)"
        }
    }
}

/// A program as people read it; ``Codable`` is the form to read back.
extension Program: CustomStringConvertible {
    public var description: String {
        var lines = [
            "program \(name): arena \(arenaBytes), scratch \(scratchBytes), constants \(constants.count) bytes"
        ]
        for (number, parameter) in parameters.enumerated() {
            let change = updates.contains(number) ? ", changed" : ""
            lines.append(
                "parameter \(number) '\(parameter.name)' \(parameter.type) by \(parameter.initializer.text)\(change)")
        }
        for input in inputs {
            let limit = input.below.map { ", below \($0)" + (input.except.map { " or \($0)" } ?? "") } ?? ""
            lines.append("input '\(input.name)' \(input.type) at \(input.location)\(limit)")
        }
        for (number, step) in steps.enumerated() { lines.append("\(number): \(step.name) = \(step.work)") }
        for output in outputs { lines.append("output '\(output.name)' \(output.type) at \(output.location)") }
        return lines.joined(separator: "\n") + "\n"
    }
}

extension Step.Work: CustomStringConvertible {
    public var description: String {
        switch self {
        case .kernel(let symbol, let arguments, let count, let grain):
            "\(symbol)(\(arguments.map(\.description).joined(separator: ", "))) over \(count) tiles by \(grain)"
        case .matmul(let matmul):
            "library \(matmul.m)x\(matmul.n)x\(matmul.k) of \(matmul.batch): "
                + "\(matmul.a.location), \(matmul.b.location) -> \(matmul.c.location)"
        case .sort(let sort): "sort \(sort.rows) rows of \(sort.width): \(sort.source) -> \(sort.result)"
        case .begin(let collective): "begin \(collective)"
        case .finish(let collective): "finish \(collective)"
        }
    }
}
