import ApusCodegen
import ApusIR
import ApusTestSupport
import Foundation
import Testing

@Test func bisect() throws {
    guard let seed = ProcessInfo.processInfo.environment["APUS_BISECT"].flatMap(UInt64.init) else { return }
    let random = RandomGraph(seed: seed)
    let graph = try GraphCompiler.optimize(random.graph)
    let inputs = randomInputs(for: random.graph, seed: seed), parameters = randomParameters(for: random.graph, seed: seed)
    let a = try Interpreter().run(random.graph, inputs: inputs, parameters: parameters).outputs
    let b = try Interpreter().run(graph, inputs: inputs, parameters: parameters).outputs
    for (name, value) in a { print("passes", name, relativeError(b[name]!, value)) }
    print(try GraphCompiler().kernels(random.graph))
    print(graph)
    let direct = try runCompiled(random.graph, inputs: inputs, parameters: parameters)
    for (name, value) in a { print("direct", name, relativeError(direct[name]!.hostTensor, value), direct[name]!.hostTensor.values.prefix(12), value.values.prefix(12)) }
    var all = graph
    for value in graph.values where !(graph[value].operation is Input) { all.results.append(GraphResult(.output(name: "\(value)"), value)) }
    let expected = try Interpreter().run(all, inputs: inputs, parameters: parameters).outputs
    for value in graph.values where !(graph[value].operation is Input) && !(graph[value].operation is Constant) {
        var one = graph
        one.results.append(GraphResult(.output(name: "\(value)"), value))
        let result = try runCompiled(one, inputs: inputs, parameters: parameters)["\(value)"]!
        let e = relativeError(result.hostTensor, expected["\(value)"]!)
        if e > 1e-5 { print(graph.text(of: value), e, result.hostTensor.values.prefix(8), expected["\(value)"]!.values.prefix(8)) }
    }
}
