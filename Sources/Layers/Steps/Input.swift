import ApusIR

/// A tensor that the caller of the program provides with every run, for use in the closure of a step.
public func Input(
    _ name: String, _ shape: [Int], _ element: ElementType = .float32, file: String = #fileID, line: Int = #line
) -> Tensor {
    located(file, line) { Trace.active.builder.input(ApusIR.Input(name, TensorType(element, shape))) }
}

extension ElementType {
    /// `f32`, by its long name.
    public static let float32 = ElementType.f32
    /// `i32`, by its long name.
    public static let int32 = ElementType.i32
}
