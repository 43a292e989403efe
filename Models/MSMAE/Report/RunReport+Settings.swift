import ApusReport

extension RunReport {
    /// The settings of all runs, those that differ first.
    static func settings(_ groups: [RunGroup]) -> Page.Section {
        let names = Set(groups.flatMap(\.first.settings.keys)).sorted()
        func value(_ name: String, _ group: RunGroup) -> String {
            let values = group.records.map { $0.settings[name]?.description ?? "" }
            var different: [String] = []
            for value in values where !different.contains(value) { different.append(value) }
            return different.joined(separator: ", ")
        }
        func rows(_ names: [String]) -> [[String]] { names.map { name in [name] + groups.map { value(name, $0) } } }
        let differing = names.filter { name in Set(groups.map { value(name, $0) }).count > 1 }
        let columns = [Table.Column("setting")] + groups.map { Table.Column($0.name) }
        guard groups.count > 1 else {
            return Page.Section("Settings", [.table(Table("config.json", columns: columns, rows: rows(names)))])
        }
        let common = names.filter { !differing.contains($0) }
        let commonRows = common.map { [$0, value($0, groups[0])] }
        return Page.Section(
            "Settings",
            [
                differing.isEmpty
                    ? .note("No settings differ.")
                    : .table(Table("Settings that differ", columns: columns, rows: rows(differing))),
                .details(
                    "\(common.count) settings that are the same in all runs",
                    [
                        .table(
                            Table(
                                "Settings of all runs", columns: [.init("setting"), .init("value")], rows: commonRows))
                    ]),
            ])
    }
}
