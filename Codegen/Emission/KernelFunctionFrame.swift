import ApusLLVM

/// The beginning of a kernel's native function `(arguments, begin, end, scratch)`: its parameters, and its tensors'
/// addresses.
struct KernelFunctionFrame {
    let builder: Builder
    /// The tiles to compute.
    let begin: LLVMValue, end: LLVMValue
    let arguments: [LLVMValue]
    /// Memory of the thread's own.
    let scratch: LLVMValue

    init(_ name: String, arguments count: Int, in module: Module) {
        let function = module.addFunction(
            name, parameters: [module.pointer(to: module.pointer), module.i64, module.i64, module.pointer],
            returns: module.void)
        let builder = Builder(module, function: function)
        (begin, end, scratch) = (function.parameters[1], function.parameters[2], function.parameters[3])
        arguments = (0..<count).map { number in
            builder.load(
                module.pointer, function.parameters[0], byteOffset: builder.int(number * 8, module.i64), align: 8)
        }
        self.builder = builder
    }
}
