import ApusLLVM
import Testing

@Suite struct TargetTests {
    @Test func theHostDescribesItself() throws {
        let host = try TargetDescription.host()
        #expect(!host.triple.isEmpty && !host.cpu.isEmpty)
        #expect(host.lanes() * 4 == host.vectorBytes)
        #expect(host.lanes(bytesPerElement: 2) * 2 == host.vectorBytes)
        #expect(host.availableLevels.first == host.level)
    }

    @Test func levelsLowerTheMachineAndNeverRaiseIt() throws {
        let host = try TargetDescription.host()
        for level in TargetDescription.Level.allCases {
            let restricted = host.restricted(to: level)
            #expect(restricted.vectorBytes <= host.vectorBytes)
            #expect(restricted.level == (host.availableLevels.contains(level) ? level : host.level))
            let lowest = restricted.availableLevels.last!
            #expect(restricted.restricted(to: lowest).restricted(to: level).level == lowest)
        }
    }

    @Test func assemblyUsesTheWidestVectors() throws {
        for target in try availableLevels().map(target) where target.vectorBytes > 4 {
            let module = Module(name: "wide", target: target)
            let kernel = module.addFunction("wide", parameters: [module.pointer], returns: module.void)
            let build = Builder(module, function: kernel)
            let vector = build.load(module.vector(module.f32, target.lanes()), kernel.parameters[0])
            build.store(build.fma(vector, vector, vector), kernel.parameters[0])
            build.ret()
            let assembly = try module.assembly()
            switch target.level {
            case .amx, .avx512: #expect(assembly.contains("zmm"))
            case .avx2: #expect(assembly.contains("ymm") && !assembly.contains("zmm"))
            case .sse2: #expect(assembly.contains("xmm") && !assembly.contains("ymm"))
            case .neon: #expect(assembly.contains(".4s"))
            case .scalar: break
            }
            #expect(module.text.contains("define void @wide"))
            #expect(module.text.contains("llvm.fma") == target.hasFusedMultiplyAdd)
        }
    }

    /// Code generators are used again, by modules for the same machine.
    @Test func anObjectDoesNotDependOnThoseBefore() throws {
        let target = try TargetDescription.host()
        func object(of body: (Builder, Value) -> Value) throws -> [UInt8] {
            let module = Module(name: "again", target: target)
            let kernel = module.addFunction("kernel", parameters: [module.pointer], returns: module.void)
            let build = Builder(module, function: kernel)
            build.store(
                body(build, build.load(module.vector(module.f32, target.lanes()), kernel.parameters[0])),
                kernel.parameters[0])
            build.ret()
            try module.optimize(passes: "default<O1>")
            return try module.object()
        }
        let first = try object { $0.erf($1) }
        let other = try object { $0.pow($1, $1) }
        #expect(other != first)
        #expect(try object { $0.erf($1) } == first)
    }
}
