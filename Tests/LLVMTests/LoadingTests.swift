import ApusLLVM
import Foundation
import Testing

/// Where code lies when it is loaded.
@Suite struct LoadingTests {
    /// Code reaches its constants by 32 bits, so that they have to lie near it, however the process's memory is cut up:
    /// here one page is free above 4 GiB that are taken, in which a page of code fits and not its constants.
    @Test func constantsLieNearTheirCode() throws {
        let page = sysconf(Int32(_SC_PAGESIZE)), taken = 4 << 30
        func reserve(_ bytes: Int) throws -> UnsafeMutableRawPointer {
            let memory = mmap(nil, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
            return try #require(memory == MAP_FAILED ? nil : memory)
        }
        let block = try reserve(taken)
        var holes: [UnsafeMutableRawPointer] = []
        defer {
            munmap(block, taken)
            for hole in holes { munmap(hole, page) }
        }
        // What is mapped lies above what is mapped later, except in holes.
        while holes.last.map({ $0 > block }) ?? true, holes.count < 100_000 { holes.append(try reserve(page)) }
        guard holes.count > 1 else { return }
        munmap(holes.removeFirst(), page)

        let compiled = try Compiled(try TargetDescription.host()) { build, pointers, count in
            let type = build.module.vector(build.module.f32, build.module.target.lanes())
            let x = build.load(type, pointers[0])
            build.store(build.erf(x), pointers[2])
        }
        let lanes = try TargetDescription.host().lanes()
        let x = (0..<lanes).map { Float($0) / 4 - 1 }
        for (value, x) in zip(compiled(x, [Float](), into: [Float](repeating: 0, count: lanes), count: lanes), x) {
            #expect(abs(value - erf(x)) < 1e-6)
        }
    }

    #if os(Linux)
        /// A process has some 65,000 pieces of memory, so that none may stay behind.
        @Test func whatIsLoadedIsGivenBack() throws {
            func pieces() throws -> Int {
                try String(contentsOfFile: "/proc/self/maps", encoding: .utf8).split(separator: "\n").count
            }
            let module = Module(name: "loaded", target: try TargetDescription.host())
            let function = module.addFunction("loaded", parameters: [module.pointer], returns: module.void)
            let build = Builder(module, function: function)
            build.store(build.erf(build.load(module.f32, function.parameters[0])), function.parameters[0])
            build.ret()
            let object = try module.object(), before = try pieces()
            for _ in 0..<2000 {
                _ = try LoadedObjects([object], name: "loaded").address(of: "loaded")
            }
            // Other tests load and unload at the same time.
            #expect(try pieces() < before + 1000)
        }
    #endif
}
