import ApusCodegen
import ApusLLVM
import ApusRuntime
import Foundation
import Testing

/// The measurement of the machine, at every level of vectors that it has.
struct MachinePeakTests {
    @Test(arguments: try TargetDescription.host().availableLevels)
    func numbersMakeSense(_ level: TargetDescription.Level) throws {
        let target = try TargetDescription.host().restricted(to: level)
        let peak = try MachinePeak(target: target, pool: WorkerPool(threads: 2))
        #expect(peak.threads == 2)
        for speed in [peak.float32, peak.bfloat16, peak.bytesPerSecond] { #expect(speed.isFinite && speed > 0) }
        if !target.hasBFloat16DotProduct { #expect(peak.bfloat16 == peak.float32) }
        let fields = try #require(JSONSerialization.jsonObject(with: Data(peak.json.utf8)) as? [String: Any])
        #expect(Set(fields.keys) == ["threads", "fp32_gflops", "bf16_gflops", "copy_gb_per_s"])
    }

    /// The share follows whichever of arithmetic and memory needs more time at its peak.
    @Test func share() throws {
        let peak = try MachinePeak(target: .host(), pool: WorkerPool(threads: 1))
        let (operations, bytes) = (Int(peak.float32), Int(peak.bytesPerSecond))
        func share(_ operations: Int, _ bytes: Int) -> Double {
            peak.share(operations: operations, bytes: bytes, seconds: 2, .float32)
        }
        #expect(abs(share(operations, 0) - 0.5) < 1e-6)
        #expect(abs(share(operations, 2 * bytes) - 1) < 1e-6)
        #expect(share(0, 0) == 0)
    }
}
