import ApusSystem
import Foundation
import Testing

/// How many threads a process should have.
struct ProcessorsTests {
    @Test func quotasAndAffinity() {
        #expect(Processors.count(allowed: 8, quota: nil) == 8)
        #expect(Processors.count(allowed: 8, quota: 0.5) == 1)
        #expect(Processors.count(allowed: 8, quota: 2) == 2)
        #expect(Processors.count(allowed: 8, quota: 2.5) == 3)
        #expect(Processors.count(allowed: 2, quota: 1e300) == 2)
        #expect(Processors.count(allowed: nil, quota: nil) == ProcessInfo.processInfo.activeProcessorCount)
        #expect(1...max(1, ProcessInfo.processInfo.processorCount) ~= Processors.available)
    }

    @Test func affinity() {
        func allowed(_ status: String?) -> Int? { Processors.allowed { $0 == "/proc/self/status" ? status : nil } }
        #expect(allowed("Name:\tapus\nCpus_allowed:\t3\nCpus_allowed_list:\t0-1\n") == 2)
        #expect(allowed("Cpus_allowed:\tff,00000001,fffffff0\n") == 8 + 1 + 28)
        #expect(allowed("Cpus_allowed_list:\t0-1\n") == nil)
        #expect(allowed("Cpus_allowed:\t0\n") == nil)
        #expect(allowed(nil) == nil)
    }

    private func quota(_ files: [String: String]) -> Double? { Processors.quota { files[$0] } }

    @Test func version2() {
        let group = ["/proc/self/cgroup": "0::/job/step\n"]
        func quota(_ files: [String: String]) -> Double? { self.quota(group.merging(files) { $1 }) }
        #expect(quota([:]) == nil)
        #expect(quota(["/sys/fs/cgroup/job/step/cpu.max": "50000 100000\n"]) == 0.5)
        #expect(quota(["/sys/fs/cgroup/job/step/cpu.max": "max 100000\n"]) == nil)
        // A group has what the groups around it have, at most.
        #expect(
            quota([
                "/sys/fs/cgroup/job/step/cpu.max": "400000 100000\n", "/sys/fs/cgroup/job/cpu.max": "150000 100000\n",
            ])
                == 1.5)
        // In a container the group's own folder may be the root.
        #expect(quota(["/sys/fs/cgroup/cpu.max": "200000 100000\n"]) == 2)
        for text in ["", "max", "a b", "0 100000", "1 0", "-1 100000", "1 2 3"] {
            #expect(quota(["/sys/fs/cgroup/job/step/cpu.max": text]) == nil, "\(text)")
        }
    }

    @Test func version1() {
        let group = ["/proc/self/cgroup": "3:cpuset:/\n1:cpu,cpuacct:/job\n0::/\n"]
        func quota(_ files: [String: String]) -> Double? { self.quota(group.merging(files) { $1 }) }
        func limit(_ folder: String, _ quota: String) -> [String: String] {
            [folder + "/cpu.cfs_quota_us": quota, folder + "/cpu.cfs_period_us": "100000\n"]
        }
        #expect(quota(limit("/sys/fs/cgroup/cpu/job", "50000\n")) == 0.5)
        #expect(quota(limit("/sys/fs/cgroup/cpu,cpuacct/job", "300000\n")) == 3)
        #expect(quota(limit("/sys/fs/cgroup/cpu/job", "-1\n")) == nil)
        #expect(quota(limit("/sys/fs/cgroup/cpu", "100000\n")) == 1)
        #expect(quota(["/sys/fs/cgroup/cpu/job/cpu.cfs_quota_us": "50000"]) == nil)
    }

    @Test(arguments: ["", "garbage", "1:cpu", "::::", "0::"])
    func oddGroups(text: String) {
        #expect(quota(["/proc/self/cgroup": text]) == nil)
    }
}
