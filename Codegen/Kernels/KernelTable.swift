import ApusLLVM

/// The distinct kernels of a schedule; steps that do the same share one.
struct KernelTable {
    private(set) var kernels: [GeneratedKernel] = []
    /// How each of them is divided.
    private(set) var plans: [KernelPlan] = []
    /// Kernel of each step that is one.
    private(set) var numbers: [Int?] = []

    init(_ schedule: Schedule, _ target: TargetDescription, _ tuning: Tuning) {
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
                plans.append(KernelPlan(call.kernel, target, tuning))
            }
            numbers.append(number)
        }
    }

    static func symbol(_ number: Int) -> String { "kernel_\(number)" }

    /// The kernels under the names that they have in listings.
    var named: [(symbol: String, kernel: GeneratedKernel, plan: KernelPlan)] {
        kernels.indices.map { (Self.symbol($0), kernels[$0], plans[$0]) }
    }
}
