import ApusSystem
import Foundation
import Testing

/// A folder with files as Linux has them; it goes with the last reference to it.
private final class Machine {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("apus-\(UUID().uuidString)").path

    init(_ files: [String: String]) throws {
        for (name, text) in files {
            let file = URL(fileURLWithPath: path + name)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    static func processors(_ files: [String: String]) throws -> Processors {
        try withExtendedLifetime(Machine(files)) { Processors(root: $0.path) }
    }

    static func quota(_ files: [String: String]) throws -> Double? { try processors(files).quota }

    /// A machine of cores with two processors each, `distance` apart.
    static func siblings(_ count: Int, distance: Int, allowed: String, isVirtual: Bool = false) -> [String: String] {
        var files = [
            "/sys/devices/system/cpu/online": "0-\(count - 1)\n",
            "/proc/self/status": "Name:\tapus\nCpus_allowed:\tff\nCpus_allowed_list:\t\(allowed)\nMems_allowed:\t1\n",
            "/proc/cpuinfo":
                "processor\t: 0\nflags\t\t: fpu sse\(isVirtual ? " hypervisor" : "") avx\n\nprocessor\t: 1\n",
        ]
        for number in 0..<count {
            let first = number / (2 * distance) * 2 * distance + number % distance
            files["/sys/devices/system/cpu/cpu\(number)/topology/thread_siblings_list"] =
                distance == 1 ? "\(first)-\(first + 1)\n" : "\(first),\(first + distance)\n"
        }
        return files
    }
}

/// What a process is allowed, by files as Linux has them.
struct ProcessorsTests {
    @Test func thisMachine() {
        let here = Processors.current
        #expect(1...ProcessInfo.processInfo.processorCount ~= Processors.available)
        #expect(here.cores <= here.allowed && here.allowed <= here.online && here.numbers.count == here.allowed)
    }

    /// Without files, as on other systems, there are the processors that the system counts.
    @Test func nothingToRead() throws {
        let count = sysconf(Int32(_SC_NPROCESSORS_ONLN)), found = try Machine.processors([:])
        #expect(found.online == count && found.allowed == count && found.cores == count && found.atOnce == count)
        #expect(found.quota == nil && found.numbers == (0..<Int32(count)).map(\.self))
    }

    @Test func affinity() throws {
        func allowed(_ list: String) throws -> Int {
            let status = "Name:\tapus\nCpus_allowed_list:\t\(list)\nMems_allowed_list:\t0\n"
            return try Machine.processors(
                ["/sys/devices/system/cpu/online": "0-7\n", "/proc/self/status": status]
            ).allowed
        }
        #expect(try allowed("0-1") == 2)
        #expect(try allowed("3") == 1)
        #expect(try allowed("0,2-3,7") == 4)
        // More than are running: places for processors that are not there.
        #expect(try allowed("0-127") == 8)
        // What makes no sense limits nothing.
        for list in ["", "abc", "0-", "1,x", "64-70", "-3"] { #expect(try allowed(list) == 8, "\(list)") }
    }

    /// The mask of the thread at hand counts, not that of the process.
    @Test func affinityOfTheThread() throws {
        let found = try Machine.processors([
            "/sys/devices/system/cpu/online": "0-7\n", "/proc/self/status": "\nCpus_allowed_list:\t0-7\n",
            "/proc/thread-self/status": "Name:\tapus\nCpus_allowed_list:\t4-5\n",
        ])
        #expect(found.allowed == 2 && found.numbers == [4, 5])
    }

    @Test func siblingsCountOnce() throws {
        let far = try Machine.processors(Machine.siblings(8, distance: 4, allowed: "0-7"))
        #expect(far.allowed == 8 && far.cores == 4 && far.atOnce == 8)
        #expect(far.numbers == [0, 1, 2, 3, 4, 5, 6, 7])
        let near = try Machine.processors(Machine.siblings(8, distance: 1, allowed: "0-7"))
        #expect(near.cores == 4 && near.numbers == [0, 2, 4, 6, 1, 3, 5, 7])
        // Of a core that is allowed in part, the part is the core.
        let part = try Machine.processors(Machine.siblings(8, distance: 1, allowed: "1-3,7"))
        #expect(part.cores == 3 && part.numbers == [1, 2, 7, 3])
    }

    /// What a virtual machine says of siblings is not believed: two "threads of a core" may be two cores.
    @Test func siblingsOfVirtualMachines() throws {
        let found = try Machine.processors(Machine.siblings(2, distance: 1, allowed: "0-1", isVirtual: true))
        #expect(found.cores == 2 && found.allowed == 2)
    }
}

/// The quotas of control groups, of version 1, 2 and both.
struct QuotaTests {
    @Test func version2() throws {
        func quota(_ files: [String: String]) throws -> Double? {
            try Machine.quota(["/proc/self/cgroup": "0::/job/step\n"].merging(files) { $1 })
        }
        #expect(try quota([:]) == nil)
        #expect(try quota(["/sys/fs/cgroup/job/step/cpu.max": "50000 100000\n"]) == 0.5)
        #expect(try quota(["/sys/fs/cgroup/job/step/cpu.max": "max 100000\n"]) == nil)
        // A group has what the groups around it have, at most.
        #expect(
            try quota([
                "/sys/fs/cgroup/job/step/cpu.max": "400000 100000\n", "/sys/fs/cgroup/job/cpu.max": "150000 100000\n",
            ]) == 1.5)
        #expect(
            try quota([
                "/sys/fs/cgroup/job/step/cpu.max": "max 100000\n", "/sys/fs/cgroup/job/cpu.max": "300000 100000\n",
            ]) == 3)
        // In a container the group's own folder may be the root.
        #expect(try quota(["/sys/fs/cgroup/cpu.max": "200000 100000\n"]) == 2)
        for text in ["", "max", "a b", "0 100000", "1 0", "-1 100000", "1 2 3", "nan 1", "0x10 1", "1"] {
            #expect(try quota(["/sys/fs/cgroup/job/step/cpu.max": text]) == nil, "\(text)")
        }
    }

    @Test func version1() throws {
        func quota(_ folder: String, _ quota: String, _ period: String = "100000\n") throws -> Double? {
            try Machine.quota([
                "/proc/self/cgroup": "3:cpuset:/\n1:cpu,cpuacct:/job\n",
                folder + "/cpu.cfs_quota_us": quota, folder + "/cpu.cfs_period_us": period,
            ])
        }
        #expect(try quota("/sys/fs/cgroup/cpu/job", "50000\n") == 0.5)
        #expect(try quota("/sys/fs/cgroup/cpu,cpuacct/job", "300000\n") == 3)
        #expect(try quota("/sys/fs/cgroup/cpuacct,cpu/job", "300000\n") == 3)
        #expect(try quota("/sys/fs/cgroup/cpu", "100000\n") == 1)
        for text in ["-1\n", "", "x", "0"] { #expect(try quota("/sys/fs/cgroup/cpu/job", text) == nil, "\(text)") }
        #expect(try quota("/sys/fs/cgroup/cpu/job", "50000\n", "0") == nil)
        #expect(try quota("/sys/fs/cgroup/cpuset/job", "50000\n") == nil)
    }

    /// Controllers in version 1, the rest in version 2, as systemd mounts them; the tighter limit counts.
    @Test func hybrid() throws {
        var files = [
            "/proc/self/cgroup": "2:memory:/job\n1:cpuacct,cpu:/job/step\n0::/job/step\n",
            "/sys/fs/cgroup/cpu/job/step/cpu.cfs_quota_us": "-1\n",
            "/sys/fs/cgroup/cpu/job/step/cpu.cfs_period_us": "100000\n",
            "/sys/fs/cgroup/cpu/job/cpu.cfs_quota_us": "250000\n",
            "/sys/fs/cgroup/cpu/job/cpu.cfs_period_us": "100000\n",
        ]
        #expect(try Machine.quota(files) == 2.5)
        files["/sys/fs/cgroup/unified/job/cpu.max"] = "100000 100000\n"
        #expect(try Machine.quota(files) == 1)
    }

    @Test(arguments: [
        "", "garbage", "1:cpu", "::::", "0::", "0::/\n0::/", "1:cpu:relative",
        "0::/" + String(repeating: "a/", count: 6000),
    ])
    func oddGroups(text: String) throws {
        #expect(try Machine.quota(["/proc/self/cgroup": text, "/sys/fs/cgroup/other/cpu.max": "1 1"]) == nil)
    }
}

/// How many threads there are, and what is said of that.
struct ThreadChoiceTests {
    private func text(
        _ machine: [String: String], _ asked: Int? = nil, own: String? = nil, general: String? = nil
    ) throws -> String {
        try ThreadChoice(asked, Machine.processors(machine), own: own, general: general).description
    }

    /// Eight processors, as many cores, and perhaps a quota.
    private func eight(_ quota: String = "max", allowed: String = "0-7") -> [String: String] {
        [
            "/sys/devices/system/cpu/online": "0-7\n", "/proc/self/status": "\nCpus_allowed_list:\t\(allowed)\n",
            "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": "\(quota) 100000\n",
        ]
    }

    @Test func machines() throws {
        #expect(try text(eight()) == "8 threads (one for each of 8 processors)")
        #expect(try text(eight("200000")) == "2 threads (quota of 2 of 8 processors)")
        #expect(try text(eight("250000")) == "3 threads (quota of 2.5 of 8 processors)")
        #expect(try text(eight("50000")) == "1 thread (quota of 0.5 of 8 processors)")
        #expect(try text(eight("1600000")) == "8 threads (one for each of 8 processors)")
        let masked = "2 threads (one for each of 2 processors; the affinity mask allows 2 of 8 processors)"
        #expect(try text(eight(allowed: "2-3")) == masked)
        #expect(
            try text(eight(allowed: "5")) == "1 thread (for one processor; the affinity mask allows 1 of 8 processors)")
        let siblings = Machine.siblings(8, distance: 4, allowed: "0-7")
        #expect(try text(siblings) == "4 threads (one for each of 4 cores of 8 processors)")
    }

    @Test func numbersThatAreGiven() throws {
        #expect(try text(eight(), 3) == "3 threads (as asked for)")
        #expect(try text(eight(), 3, own: "5", general: "6") == "3 threads (as asked for)")
        #expect(try text(eight(), own: "5", general: "6") == "5 threads (by APUS_NUM_THREADS)")
        #expect(try text(eight(), own: "", general: "6") == "6 threads (by OMP_NUM_THREADS)")
        #expect(try text(eight(), general: "4,2") == "4 threads (by OMP_NUM_THREADS)")
        #expect(try text(eight(), general: " 4 , 2") == "4 threads (by OMP_NUM_THREADS)")
        #expect(try text(eight("200000"), 4) == "4 threads (as asked for; 2 can work at the same time)")
        let siblings = Machine.siblings(8, distance: 4, allowed: "0-7")
        #expect(try text(siblings, 8) == "8 threads (as asked for)")
    }

    @Test func numbersThatCannotBe() throws {
        for asked in [0, -1, 1025, .max, .min] {
            #expect(throws: ThreadCountError.self) { try text(eight(), asked) }
        }
        let asked = #expect(throws: ThreadCountError.self) { try text(eight(), 0) }
        #expect(asked?.description == "0 threads are asked for; there can be 1 to 1024")
        for value in ["abc", "0", "-2", "1025", "99999999999999999999", "4x", "4.5", "0x4", "1e2"] {
            #expect(throws: ThreadCountError.self, "\(value)") { try text(eight(), own: value) }
            // Other programs go by this one.
            let remark = "OMP_NUM_THREADS is '\(value)', which is no number of threads"
            #expect(try text(eight(), general: value) == "8 threads (one for each of 8 processors; \(remark))")
        }
        let own = #expect(throws: ThreadCountError.self) { try text(eight(), own: "many") }
        #expect(own?.description == "APUS_NUM_THREADS is 'many'; it must be a number of threads, from 1 to 1024")
        // However long, and whatever letters.
        let long = String(repeating: "ü", count: 10_000)
        #expect(try text(eight(), general: long).utf8.count < 512)
    }
}
