import ApusIR
import Foundation

/// How a graph becomes an ONNX file.
public struct OnnxExportOptions: Sendable {
    /// Whether samples have a fixed number.
    public enum Batch: Sendable {
        /// It is what the graph says.
        case fixed
        /// It is open, under a name. `other` is the same model traced for another number of samples, by which is found
        /// where the number stands; both numbers should be above 1.
        case symbolic(name: String, other: Graph)
    }
    /// Whether samples have a fixed number.
    public var batch = Batch.fixed

    /// Options of which nothing is set.
    public init() {}
    /// Options with a number of samples that is fixed or open.
    public init(batch: Batch) { self.batch = batch }
}

extension Graph {
    /// The graph of an inference as ONNX, with its weights. Names of inputs, weights and outputs are kept.
    ///
    /// The graph is one as it was traced, before passes. `weights` gives the numbers of each parameter.
    ///
    /// Throws ``OnnxError`` for an operation that ONNX cannot say, by its name and line of source, and what `weights`
    /// throws.
    public func onnx(options: OnnxExportOptions = OnnxExportOptions(), weights: (Parameter) throws -> OnnxWeight) throws
        -> OnnxFile
    {
        try GraphExporter(self, options).file(weights)
    }

    /// The graph of an inference as ONNX, with weights as the interpreter has them.
    public func onnx(_ weights: [String: HostTensor] = [:], options: OnnxExportOptions = OnnxExportOptions()) throws
        -> OnnxFile
    {
        try onnx(options: options) { parameter in
            guard let tensor = weights[parameter.name] else {
                throw OnnxError(.name, "the numbers of the parameter '\(parameter.name)' are not given")
            }
            return OnnxWeight(tensor)
        }
    }
}
