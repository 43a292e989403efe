import ApusLLVM
import ApusObjects
import ApusRuntime
import Testing

@Suite struct ErrorTests {
    @Test func verifyNamesTheBrokenFunction() throws {
        let module = Module(name: "broken", target: try TargetDescription.host())
        let fine = module.addFunction("fine", parameters: [], returns: module.void)
        Builder(module, function: fine).ret()
        try module.verify()
        let broken = module.addFunction("broken", parameters: [], returns: module.i32)
        _ = Builder(module, function: broken)  // its entry block never ends
        let error = #expect(throws: LLVMError.self) { try module.verify() }
        #expect(error?.operation == "verify broken")
        #expect(error?.message.contains("terminator") == true)
    }

    @Test func anUnknownTargetIsAnError() throws {
        var target = try TargetDescription.host()
        target.triple = "abacus-unknown-none"
        let module = Module(name: "nowhere", target: target)
        let error = #expect(throws: LLVMError.self) { try module.object() }
        #expect(error?.description.contains("abacus") == true)
    }

    @Test func anUnknownOptimizationLevelIsAnError() throws {
        let module = Module(name: "levels", target: try TargetDescription.host())
        #expect(throws: LLVMError.self) { try module.optimize(passes: "default<O9>") }
    }

    @Test func garbageIsNotAnObject() {
        for bytes in [[], [1, 2, 3], [UInt8](repeating: 0x7f, count: 4096)] as [[UInt8]] {
            #expect(throws: ObjectError("not an object file in ELF of 64 bits")) { try ObjectFile(bytes) }
        }
    }

    @Test func anUnknownSymbolIsAnError() throws {
        let compiled = try Compiled(try TargetDescription.host()) { _, _, _ in }
        #expect(throws: RuntimeError(.name, "the code has no function 'nothing_of_that_name'")) {
            try compiled.code.address(of: "nothing_of_that_name")
        }
    }

    @Test func aCallToNowhereIsAnErrorThatNamesIt() throws {
        #expect(throws: ObjectError("'missing_from_the_object' is not defined")) {
            _ = try Compiled(try TargetDescription.host()) { build, _, _ in
                let module = build.module
                build.call(module.addFunction("missing_from_the_object", parameters: [], returns: module.void), [])
            }
        }
    }

    @Test func twoFunctionsOfOneName() throws {
        let module = Module(name: "twice", target: try TargetDescription.host())
        Builder(module, function: module.addFunction("kernel", parameters: [], returns: module.void)).ret()
        let object = try module.object()
        #expect(throws: ObjectError("'kernel' is defined twice")) {
            try CodeImage(linking: [ObjectFile(object), ObjectFile(object)])
        }
    }

    /// Whatever an object file says, reading it ends in an image or an error.
    @Test func damagedObjects() throws {
        let module = Module(name: "damaged", target: try TargetDescription.host())
        let function = module.addFunction("kernel", parameters: [module.pointer], returns: module.void)
        let build = Builder(module, function: function)
        build.store(build.erf(build.load(module.f32, function.parameters[0])), function.parameters[0])
        build.ret()
        let object = try module.object()
        for count in 0..<object.count {
            #expect(throws: ObjectError.self) { try CodeImage(linking: [ObjectFile(Array(object.prefix(count)))]) }
        }
        for place in object.indices {
            for bit in [0x01, 0x10, 0x80] as [UInt8] {
                var changed = object
                changed[place] ^= bit
                _ = try? CodeImage(linking: [ObjectFile(changed).part(of: "kernel")])
                _ = try? CodeImage(linking: [ObjectFile(changed)])
            }
        }
    }
}
