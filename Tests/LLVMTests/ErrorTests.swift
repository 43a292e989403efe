import ApusLLVM
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
            let error = #expect(throws: LLVMError.self) { _ = try LoadedObjects([bytes], name: "garbage") }
            #expect(error?.message.isEmpty == false)
        }
    }

    @Test func anUnknownSymbolIsAnError() throws {
        let compiled = try Compiled(try TargetDescription.host()) { _, _, _ in }
        let error = #expect(throws: LLVMError.self) { try compiled.object.address(of: "nothing_of_that_name") }
        #expect(error?.operation == "find nothing_of_that_name")
    }

    @Test func aCallToNowhereIsAnErrorThatNamesIt() throws {
        let error = #expect(throws: LLVMError.self) {
            _ = try Compiled(try TargetDescription.host()) { build, _, _ in
                let module = build.module
                build.call(module.addFunction("missing_from_the_process", parameters: [], returns: module.void), [])
            }
        }
        #expect(error?.message.contains("missing_from_the_process") == true)
    }

    @Test func aDamagedObjectIsAnError() throws {
        let module = Module(name: "damaged", target: try TargetDescription.host())
        Builder(module, function: module.addFunction("kernel", parameters: [], returns: module.void)).ret()
        let object = try module.object()
        #expect(throws: LLVMError.self) {
            try LoadedObjects([Array(object.prefix(object.count / 2))], name: "half").address(of: "kernel")
        }
    }
}
