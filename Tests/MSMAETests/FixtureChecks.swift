import Apus
import Testing

/// Tolerances for results that were recorded in f32, as relative errors of whole tensors.
enum Tolerance {
    static let forward = 1e-5
    static let gradient = 5e-5
    static let change = 3e-3
    /// Gradients below this share of the largest one are rounding noise.
    static let noise = 1e-6
}

func expectEqual(_ value: HostTensor?, _ expected: HostTensor, _ location: Testing.SourceLocation = #_sourceLocation) {
    guard let value else {
        Issue.record("there is no result", sourceLocation: location)
        return
    }
    #expect(value.shape == expected.shape, sourceLocation: location)
    #expect(relativeError(value.values, expected.values) < Tolerance.forward, sourceLocation: location)
}

/// Compares the outputs `grad.` with the recorded gradients.
func expectGradients(
    _ outputs: [String: HostTensor], of fixture: Fixture, _ location: Testing.SourceLocation = #_sourceLocation
) throws {
    let gradients = try fixture.tensors("grad.")
    #expect(
        Set(outputs.keys.filter { $0.hasPrefix("grad.") }) == Set(gradients.keys.map { "grad.\($0)" }),
        sourceLocation: location)
    let largest = gradients.values.flatMap(\.values).map(abs).max() ?? 0
    for (name, expected) in gradients {
        let gradient = try #require(outputs["grad.\(name)"])
        let isNoise = (gradient.values + expected.values).allSatisfy { abs($0) < Tolerance.noise * largest }
        #expect(
            isNoise || relativeError(gradient.values, expected.values) < Tolerance.gradient, "\(name)",
            sourceLocation: location)
    }
}

/// Compares how far weights have moved with the recorded weights `prefix`.
func expectWeights(
    _ state: [String: HostTensor], _ prefix: String, of fixture: Fixture,
    _ location: Testing.SourceLocation = #_sourceLocation
) throws {
    let before = try fixture.tensors("param."), gradients = try fixture.tensors("grad.")
    let after = try fixture.tensors(prefix)
    #expect(!gradients.isEmpty && gradients.keys.allSatisfy { after[$0] != nil }, sourceLocation: location)
    for (name, expected) in after {
        guard let gradient = gradients[name]?.values else { continue }
        let start = try #require(before[name]).values, value = try #require(state[name]).values
        let largest = gradient.map(abs).max() ?? 0
        let error = relativeError(zip(value, start).map(-), zip(expected.values, start).map(-)) {
            abs(gradient[$0]) >= Tolerance.noise * largest
        }
        #expect(error < Tolerance.change, "\(prefix)\(name)", sourceLocation: location)
    }
}
