import Foundation

/// The processors that this process may use.
public enum Processors {
    /// How many threads can work at the same time: the processors of the machine, less those that the process is kept
    /// from by its affinity mask (`taskset`, batch systems) or by a quota of its control groups (containers). At
    /// least 1. Asked once for the process.
    public static let available = count(allowed: allowed(file), quota: quota(file))

    private static func file(_ path: String) -> String? { try? String(contentsOfFile: path, encoding: .utf8) }

    /// Threads for so many processors, if that is known, and a quota of them, which may be a part of one.
    package static func count(allowed: Int?, quota: Double?) -> Int {
        let processors = allowed ?? ProcessInfo.processInfo.activeProcessorCount
        return max(1, Int(min(Double(processors), quota?.rounded(.up) ?? .infinity)))
    }

    /// Processors that Linux lets this process run on: the bits of its mask, in groups of hexadecimal digits.
    package static func allowed(_ file: (_ path: String) -> String?) -> Int? {
        let name = "Cpus_allowed:"
        guard let line = file("/proc/self/status")?.split(separator: "\n").first(where: { $0.hasPrefix(name) })
        else { return nil }
        let bits = line.dropFirst(name.count).reduce(0) { $0 + ($1.hexDigitValue?.nonzeroBitCount ?? 0) }
        return bits > 0 ? bits : nil
    }

    /// Processors' worth of time that the control groups of a process give it, by the files of Linux (version 1 and 2);
    /// nil without a limit. The tightest group of those that it is in counts.
    ///
    /// Reference: Linux, Documentation/admin-guide/cgroup-v2.rst (cpu.max), scheduler/sched-bwc.rst.
    package static func quota(_ file: (_ path: String) -> String?) -> Double? {
        var quotas: [Double] = []
        for line in (file("/proc/self/cgroup") ?? "").split(separator: "\n") {
            // hierarchy:controllers:path
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { continue }
            let controllers = parts[1].split(separator: ",")
            guard controllers.isEmpty || controllers.contains("cpu") else { continue }
            // In a container the path may be the host's, whose part above the container is not to be seen there.
            var names = parts[2].split(separator: "/")[...]
            while true {
                let path = names.map { "/" + $0 }.joined()
                if let quota = controllers.isEmpty ? quota2(path, file) : quota1(path, file) { quotas.append(quota) }
                guard names.popLast() != nil else { break }
            }
        }
        return quotas.min()
    }

    /// Version 2: "50000 100000" is half a processor, "max 100000" no limit.
    private static func quota2(_ group: String, _ file: (String) -> String?) -> Double? {
        guard let numbers = file("/sys/fs/cgroup\(group)/cpu.max")?.split(whereSeparator: \.isWhitespace) else {
            return nil
        }
        return numbers.count == 2 ? ratio(numbers[0], numbers[1]) : nil
    }

    /// Version 1: a quota of -1 is no limit.
    private static func quota1(_ group: String, _ file: (String) -> String?) -> Double? {
        for mount in ["/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct"] {
            guard let quota = file("\(mount)\(group)/cpu.cfs_quota_us"),
                let period = file("\(mount)\(group)/cpu.cfs_period_us")
            else { continue }
            return ratio(quota, period)
        }
        return nil
    }

    private static func ratio(_ quota: some StringProtocol, _ period: some StringProtocol) -> Double? {
        func number(_ text: some StringProtocol) -> Double? {
            Double(text.trimmingCharacters(in: .whitespacesAndNewlines))
        }
        guard let quota = number(quota), let period = number(period), quota > 0, period > 0 else { return nil }
        return quota / period
    }
}
