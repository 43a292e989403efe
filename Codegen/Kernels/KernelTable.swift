/// The distinct kernels of a schedule; steps that do the same share one.
struct KernelTable {
    private(set) var kernels: [GeneratedKernel] = []
    /// Kernel of each step that is one.
    private(set) var numbers: [Int?] = []
    /// Bytes by which the arguments of each step's kernel lie behind the starts of their buffers.
    private(set) var byteOffsets: [[Int]] = []

    init(_ schedule: Schedule) {
        var known: [GeneratedKernel: Int] = [:]
        for step in schedule.steps {
            guard case .kernel(let call) = step.work else {
                numbers.append(nil)
                byteOffsets.append([])
                continue
            }
            let (kernel, offsets) = call.kernel.relocated()
            let number = known[kernel] ?? kernels.count
            if number == kernels.count {
                known[kernel] = number
                kernels.append(kernel)
            }
            numbers.append(number)
            byteOffsets.append(offsets)
        }
    }

    /// A line for each step of the schedule: what it does, its kernel, and the buffers that it touches, from which byte
    /// on.
    func steps(of schedule: Schedule) -> [String] {
        schedule.steps.enumerated().map { number, step in
            let kernel = numbers[number].map { " = \(Self.symbol($0))" } ?? ""
            let arguments = step.buffers.enumerated().map { position, buffer in
                let offset = byteOffsets[number].isEmpty ? 0 : byteOffsets[number][position]
                return offset == 0 ? "b\(buffer)" : "b\(buffer)+\(offset)"
            }
            return "\(number): \(step.name)\(kernel) on " + arguments.joined(separator: ", ")
        }
    }

    /// The steps, then the kernels that they call.
    func text(of schedule: Schedule) -> String {
        let texts = kernels.enumerated().map { "\n\(Self.symbol($0)): \($1)" }
        return (steps(of: schedule) + texts).joined(separator: "\n") + "\n"
    }

    static func symbol(_ number: Int) -> String { "kernel_\(number)" }
}
