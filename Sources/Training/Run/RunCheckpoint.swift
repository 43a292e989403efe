import ApusCodegen
import Foundation

/// What a checkpoint says beside the weights; all of it lies in the metadata of the safetensors file.
package struct RunCheckpoint<Settings: RunSettings>: Sendable {
    package var settings: Settings
    /// What the run is bound to.
    package var data: DataIdentity
    package var position: TrainingPosition
    /// What wrote it; nil in checkpoints of versions that did not say so.
    package var build: BuildDescription?

    static var version: String { "1" }

    var metadata: [String: String] {
        var metadata = [
            "format": Settings.workflow.format, "version": Self.version, "settings": settings.json,
            "seed": String(settings.seed),
            "classes": Self.json(data.classes), "images": data.images, "epoch": String(position.epoch),
            "step_in_epoch": String(position.stepInEpoch),
            "step": String(position.step), "epoch_sums": Self.json(position.totals.sums),
            "epoch_count": String(position.totals.count),
            "last_means": Self.json(position.lastMeans),
        ]
        metadata["build"] = build.map(Self.json)
        return metadata
    }

    /// Reads the metadata of a file; throws ``RunError/foreignCheckpoint(path:reason:)``.
    package init(_ file: SafetensorsFile) throws(RunError) {
        let metadata = file.metadata
        func foreign(_ reason: String) -> RunError { .foreignCheckpoint(path: file.path, reason: reason) }
        func text(_ key: String) throws(RunError) -> String {
            guard let text = metadata[key] else { throw foreign("its metadata has no '\(key)'") }
            return text
        }
        func integer(_ key: String) throws(RunError) -> Int {
            guard let integer = Int(try text(key)), integer >= 0 else {
                throw foreign("'\(key)' in its metadata is no number from 0 on")
            }
            return integer
        }
        func decoded<Value: Decodable>(_ key: String) throws(RunError) -> Value {
            guard let value = try? JSONDecoder().decode(Value.self, from: Data(try text(key).utf8)) else {
                throw foreign("'\(key)' in its metadata cannot be read")
            }
            return value
        }
        guard metadata["format"] == Settings.workflow.format else {
            if let found = metadata["format"].flatMap(Settings.workflow(ofFormat:)) {
                throw .otherWorkflow(path: file.path, found: found, wanted: Settings.workflow)
            }
            throw foreign("it was not written by this program's \(Settings.workflow.activity)")
        }
        let version = try text("version")
        guard version == Self.version else {
            throw foreign("it has version \(version) of the format, and this program reads \(Self.version)")
        }
        do {
            settings = try Settings(json: try text("settings"))
        } catch let error as SettingError {
            throw foreign("its settings: \(error)")
        } catch {
            throw foreign("its settings cannot be read")
        }
        data = DataIdentity(classes: try decoded("classes"), images: try text("images"))
        position = TrainingPosition(
            epoch: try integer("epoch"), stepInEpoch: try integer("step_in_epoch"), step: try integer("step"),
            totals: MetricTotals(sums: try decoded("epoch_sums"), count: try integer("epoch_count")),
            lastMeans: metadata["last_means"] == nil ? [] : try decoded("last_means"))
        build = metadata["build"] == nil ? nil : try decoded("build")
    }

    init(settings: Settings, data: DataIdentity, position: TrainingPosition, build: BuildDescription) {
        (self.settings, self.data, self.position, self.build) = (settings, data, position, build)
    }

    private static func json(_ value: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        guard let data = try? encoder.encode(value) else {
            preconditionFailure("texts and finite numbers can be encoded")
        }
        return String(decoding: data, as: UTF8.self)
    }
}

/// Which data a run is bound to: it cannot go on with other data.
public struct DataIdentity: Hashable, Sendable {
    /// Names of the classes, in the order of the labels.
    public var classes: [String]
    /// The number of images and a hash of their names below the folder, in order.
    public var images: String

    /// Data of given classes and images.
    public init(classes: [String], images: String) { (self.classes, self.images) = (classes, images) }

    /// Identifies files below a folder by their names.
    public init(classes: [String], paths: [String], root: String) {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325  // FNV-1a
        for path in paths {
            for byte in path.dropFirst(root.utf8.count).utf8 + [0] { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        }
        self.init(classes: classes, images: "\(paths.count) images (\(String(hash, radix: 16)))")
    }
}
