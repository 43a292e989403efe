import Apus

extension Program {
    /// The tensors of a file of weights that parameters are named after, as those are typed. Throws if the file cannot
    /// be read, or if one has another shape.
    public func weights(in path: String, _ selection: WeightsSelection) throws -> [String: TensorData] {
        var selection = selection
        selection.landmarks = parameters.map(\.name).filter { !$0.hasPrefix("optimizer.") }
        let file = try WeightsFile(contentsOf: path, selection: selection)
        var found: [String: TensorData] = [:]
        for parameter in parameters where file.contains(parameter.name) {
            let name = parameter.name
            found[name] = try TensorData(
                file.elementType(name), file.shape(name), file.bytes(name), as: parameter.type,
                what: "\(path): the parameter '\(name)'")
        }
        return found
    }
}
