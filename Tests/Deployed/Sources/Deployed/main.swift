// Runs a compiled program where there is no compiler: in the folder that the environment names as DATA lie program.apus
// and inputs.raw, the f32 numbers of its inputs one after the other; the numbers of its outputs go to outputs.raw. (The
// arguments of a Swift program come from /proc, which a bare root folder does not have.)
import ApusRuntime
import Foundation

do {
    guard let folder = ProcessInfo.processInfo.environment["DATA"] else {
        throw RuntimeError(.name, "DATA names no folder")
    }
    let start = Date(), path = folder + "/program.apus"
    let file = try ProgramFile(contentsOf: path)
    let runner = try ProgramRunner(file.loaded(name: path), pool: WorkerPool())
    let isLoaded = Date()
    let state = try file.state()
    print(
        String(
            format: "loaded in %.1f ms, its weights in %.1f", isLoaded.timeIntervalSince(start) * 1e3,
            Date().timeIntervalSince(isLoaded) * 1e3))

    var numbers = try Data(contentsOf: URL(fileURLWithPath: folder + "/inputs.raw")).withUnsafeBytes {
        Array($0.bindMemory(to: Float.self))[...]
    }
    var inputs: [String: TensorData] = [:]
    for input in file.program.inputs {
        inputs[input.name] = try TensorData(Array(numbers.prefix(input.type.count)), shape: input.type.shape)
        numbers = numbers.dropFirst(input.type.count)
    }
    let outputs = try runner.run(state, inputs)
    var written = Data()
    for output in file.program.outputs {
        guard let numbers = outputs[output.name]?.floats else { continue }
        print("\(output.name) \(output.type): \(numbers.prefix(4).map { String($0) }.joined(separator: " "))")
        numbers.withUnsafeBytes { written.append(contentsOf: $0) }
    }
    try written.write(to: URL(fileURLWithPath: folder + "/outputs.raw"))
} catch {
    FileHandle.standardError.write(Data("\(error)\n".utf8))
    exit(1)
}
