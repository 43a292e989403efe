/// The distinct kernels of a schedule; steps that do the same share one.
struct KernelTable {
    private(set) var kernels: [GeneratedKernel] = []
    /// Kernel of each step that is one.
    private(set) var numbers: [Int?] = []

    init(_ schedule: Schedule) {
        var known: [GeneratedKernel: Int] = [:]
        for step in schedule.steps {
            guard case .kernel(let call) = step.work else {
                numbers.append(nil)
                continue
            }
            let number = known[call.kernel] ?? kernels.count
            if number == kernels.count {
                known[call.kernel] = number
                kernels.append(call.kernel)
            }
            numbers.append(number)
        }
    }

    /// A line for each step of the schedule: what it does, its kernel, and the buffers that it touches.
    func steps(of schedule: Schedule) -> [String] {
        schedule.steps.enumerated().map { number, step in
            let kernel = numbers[number].map { " = \(Self.symbol($0))" } ?? ""
            return "\(number): \(step.name)\(kernel) on " + step.buffers.map { "b\($0)" }.joined(separator: ", ")
        }
    }

    /// The steps, then the kernels that they call.
    func text(of schedule: Schedule) -> String {
        let texts = kernels.enumerated().map { "\n\(Self.symbol($0)): \($1)" }
        return (steps(of: schedule) + texts).joined(separator: "\n") + "\n"
    }

    static func symbol(_ number: Int) -> String { "kernel_\(number)" }
}
