import ApusIR
import Testing

/// A tensor in f32 unless said otherwise.
func tensor(_ shape: [Int], _ values: [Double], _ element: ElementType = .f32) -> HostTensor {
    HostTensor(TensorType(element, shape), values)
}

/// Checks what an operation computes: inferred type, and values bit by bit unless a tolerance is given.
func expect(
    _ operation: some Operation, _ operands: HostTensor..., gives expected: HostTensor, within tolerance: Double = 0,
    sourceLocation: Testing.SourceLocation = #_sourceLocation
) throws {
    let type = try operation.inferType(operands.map(\.type))
    #expect(type == expected.type, sourceLocation: sourceLocation)
    let found = operation.evaluate(operands, type: type)
    #expect(found.values.count == expected.values.count, sourceLocation: sourceLocation)
    for (index, (x, y)) in zip(found.values, expected.values).enumerated() {
        let isSame = x == y || (x.isNaN && y.isNaN) || Swift.abs(x - y) <= tolerance
        #expect(isSame, "element \(index) is \(x), not \(y)", sourceLocation: sourceLocation)
    }
}

/// Checks the message of one error.
func expectError(
    _ code: GraphError.Code, _ message: String, sourceLocation: Testing.SourceLocation = #_sourceLocation,
    _ body: () throws -> some Any
) {
    do {
        _ = try body()
        Issue.record("nothing was thrown", sourceLocation: sourceLocation)
    } catch let error as GraphError {
        #expect(error.code == code, sourceLocation: sourceLocation)
        #expect(error.description == message, sourceLocation: sourceLocation)
    } catch {
        Issue.record("another error: \(error)", sourceLocation: sourceLocation)
    }
}
