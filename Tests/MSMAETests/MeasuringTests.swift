import Apus
import ApusInspection
import Foundation
import MSMAE
import Testing

/// What command lines measure: every step of a small model runs, and is explained.
struct MeasuringTests {
    private var small: Configuration {
        var configuration = Configuration()
        (configuration.image, configuration.patch, configuration.classes) = (16, 4, 3)
        (configuration.dim, configuration.depth, configuration.heads) = (16, 2, 2)
        (configuration.decoderDim, configuration.decoderDepth, configuration.decoderHeads) = (16, 1, 2)
        return configuration
    }

    @Test(arguments: NamedStep.allCases)
    func everyStepIsTimed(_ step: NamedStep) throws {
        let result = try StepBenchmark(step, preset: "small", batch: 2, steps: 3).run(small, threads: 2)
        #expect(
            result.times.count == 3 && result.floatingPointOperations > 0 && result.profile == nil
                && result.trace == nil)
        let fields = try #require(
            JSONSerialization.jsonObject(with: Data(result.json(version: "1").utf8)) as? [String: Any])
        #expect(fields["task"] as? String == step.rawValue && fields["batch"] as? Int == 2)
    }

    @Test func explanation() throws {
        let explanation = try ProgramExplanation(.finetune, of: small, batch: 2, options: CompilerOptions(), threads: 2)
        for part in [
            "finetune, 2 blocks of 16, images 16 x 16, fp32, batch 2, 2 threads (as asked for", "REWRITES\n",
            "KERNELS, in ",
            "MEMORY\n", "optimizer state", "its peak is at step", "a run takes ",
        ] {
            #expect(explanation.text.contains(part), "\(part)")
        }
        #expect(explanation.text.contains("KERNELS, in \(explanation.trace.runs.count) steps"))
    }
}
