import Foundation

/// The logarithm of the sum of exponentials that softmax divides by in `Attention`, for each query.
///
/// Operands are those of the attention, whose dropout changes nothing about it; the result is [..., n], in f32 even if
/// they are bf16. Gradients have probabilities by it without another look at all scores of a query: exp(score −
/// log-sum) (Dao et al. 2022). It is 0 for a query that masks or order leave nothing to attend to.
public struct AttentionLogSum: AttentionOperation {
    public static let name = "attention_log_sum"
    public static let kind = OperationKind.attention
    package static let matrixCount = 3
    /// How much each query attends to each key.
    public var scores: AttentionScores

    /// The log-sums of attention by given scores.
    public init(_ scores: AttentionScores) { self.scores = scores }

    public var attributes: Attributes { scores.attributes }
    public init(attributes: Attributes, type: TensorType) throws(GraphError) {
        scores = try AttentionScores(attributes)
    }

    public func inferType(_ operands: [TensorType]) throws(GraphError) -> TensorType {
        do { return Self.type(of: try Attention(scores).inferType(operands)) } catch {
            throw self.error(error.code, error.message)
        }
    }

    /// The type for attention that has such a result.
    package static func type(of result: TensorType) -> TensorType {
        TensorType(result.element == .bf16 ? .f32 : result.element, Array(result.shape.dropLast()))
    }

    public func evaluate(_ operands: [HostTensor], type: TensorType) -> HostTensor {
        let mask = scores.extras(operands, after: 3).mask, isSafe = scores.isSafe(mask: mask != nil)
        return HostTensor(
            type,
            Softmax.rows(scores.masked(operands[0], operands[1], mask)).map { row in
                let largest = row.max() ?? 0
                if isSafe, largest == -.infinity { return 0 }
                return largest + Foundation.log(row.map { Foundation.exp($0 - largest) }.reduce(0, +))
            })
    }

    public func decompose(_ operands: [Tensor]) -> Tensor {
        let mask = scores.extras(operands, after: 3).mask, isSafe = scores.isSafe(mask: mask != nil)
        let scores = scores.masked(operands[0], operands[1], mask)
        let masked = scores.element == .bf16 ? scores.cast(.f32) : scores
        var largest = maximum(masked, axes: [-1], keepAxes: true)
        let isEmpty = equal(largest, largest.constant(-.infinity)), zero = largest.constant(0)
        if isSafe { largest = select(isEmpty, zero, largest) }
        let logSum = log(sum(exp(masked - largest), axes: [-1], keepAxes: true)) + largest
        return (isSafe ? select(isEmpty, zero, logSum) : logSum).squeezed(-1)
    }
}
