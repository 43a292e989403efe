import ApusIR

/// Something that a step computes for its caller; the parts of a step's closure.
public struct StepResult {
    enum Kind { case loss, metric, output }
    let kind: Kind
    let name: String
    let tensor: Tensor
    let file: String, line: Int
}

/// A part of a step's closure: ``Loss``, ``Metric`` or ``Output``.
public protocol StepPart {
    /// What the step computes for its caller.
    var result: StepResult { get }
}

/// The scalar that training makes smaller. A training step has exactly one.
public struct Loss: StepPart {
    /// The loss as a result of the step.
    public let result: StepResult
    /// Makes a scalar the loss.
    public init(_ tensor: Tensor, file: String = #fileID, line: Int = #line) {
        result = StepResult(kind: .loss, name: "loss", tensor: tensor, file: file, line: line)
    }
}

/// A scalar to report, such as an accuracy.
public struct Metric: StepPart {
    /// The metric as a result of the step.
    public let result: StepResult
    /// Reports a scalar under a name.
    public init(_ name: String, _ tensor: Tensor, file: String = #fileID, line: Int = #line) {
        result = StepResult(kind: .metric, name: name, tensor: tensor, file: file, line: line)
    }
}

/// A tensor of any shape to hand out.
public struct Output: StepPart {
    /// The output as a result of the step.
    public let result: StepResult
    /// Hands a tensor out under a name.
    public init(_ name: String, _ tensor: Tensor, file: String = #fileID, line: Int = #line) {
        result = StepResult(kind: .output, name: name, tensor: tensor, file: file, line: line)
    }
}

/// Collects the results that a step's closure lists; declarations may stand between them.
@resultBuilder
public enum StepBuilder {
    /// One loss, metric or output.
    public static func buildExpression(_ part: some StepPart) -> [StepResult] { [part.result] }
    /// Plain statements, such as an assignment in a loop, list nothing.
    public static func buildExpression(_ statement: Void) -> [StepResult] { [] }
    /// What is listed one after the other.
    public static func buildBlock(_ parts: [StepResult]...) -> [StepResult] { parts.flatMap { $0 } }
    /// What an `if` without `else` lists.
    public static func buildOptional(_ part: [StepResult]?) -> [StepResult] { part ?? [] }
    /// What the first branch of `if` and `else`, or of a `switch`, lists.
    public static func buildEither(first part: [StepResult]) -> [StepResult] { part }
    /// What the other branch lists.
    public static func buildEither(second part: [StepResult]) -> [StepResult] { part }
    /// What all passes through a `for` list.
    public static func buildArray(_ parts: [[StepResult]]) -> [StepResult] { parts.flatMap { $0 } }
    /// What an `if #available` lists.
    public static func buildLimitedAvailability(_ part: [StepResult]) -> [StepResult] { part }
}

extension Trace {
    /// Runs the closure of a step in this trace and makes what it lists results of the graph.
    func record(_ contents: () -> [StepResult]) -> [StepResult] {
        let results = Trace.$current.withValue(self, operation: contents)
        for result in results {
            at(result.file, result.line) {
                if result.kind != .output, result.tensor.isValid, result.tensor.rank != 0 {
                    builder.report(
                        GraphError(
                            .shape, "'\(result.name)' is \(result.tensor.type), not a scalar",
                            location: builder.location))
                }
                builder.output(result.name, result.tensor)
            }
        }
        return results
    }
}
