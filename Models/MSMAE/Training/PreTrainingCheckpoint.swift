import Apus
import Foundation

/// What a checkpoint says beside the weights; all of it lies in the metadata of the safetensors file.
struct PreTrainingCheckpoint: Sendable {
    static let format = "msmae.pretraining", version = "1"
    /// Name of the tensor that holds the attention maps, [images, grid, grid].
    static let mapsName = "attention_maps"

    var settings: PreTrainingSettings
    /// Names of the classes, in the order of the labels.
    var classes: [String]
    /// What the images are; see ``imagesIdentity(_:root:)``.
    var images: String
    var position: TrainingPosition

    /// Identifies the images of a run by their number and a hash of their names below the folder, in order.
    static func imagesIdentity(_ items: [ImageFolder.Item], root: String) -> String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325  // FNV-1a
        for item in items {
            for byte in item.path.dropFirst(root.utf8.count).utf8 + [0] { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        }
        return "\(items.count) images (\(String(hash, radix: 16)))"
    }

    var metadata: [String: String] {
        var metadata = [
            "format": Self.format, "version": Self.version, "settings": settings.json, "seed": String(settings.seed),
            "classes": Self.json(classes), "images": images, "epoch": String(position.epoch), "step_in_epoch": String(position.stepInEpoch),
            "step": String(position.step), "epoch_sums": Self.json(position.totals.sums), "epoch_count": String(position.totals.count),
        ]
        if let epoch = position.mapsEpoch { metadata["maps_epoch"] = String(epoch) }
        return metadata
    }

    /// Reads the metadata of a file; throws ``PreTrainingError/foreignCheckpoint(path:reason:)``.
    init(_ file: SafetensorsFile) throws(PreTrainingError) {
        let metadata = file.metadata
        func foreign(_ reason: String) -> PreTrainingError { .foreignCheckpoint(path: file.path, reason: reason) }
        func text(_ key: String) throws(PreTrainingError) -> String {
            guard let text = metadata[key] else { throw foreign("its metadata has no '\(key)'") }
            return text
        }
        func integer(_ key: String) throws(PreTrainingError) -> Int {
            guard let integer = Int(try text(key)), integer >= 0 else { throw foreign("'\(key)' in its metadata is no number from 0 on") }
            return integer
        }
        func decoded<Value: Decodable>(_ key: String) throws(PreTrainingError) -> Value {
            guard let value = try? JSONDecoder().decode(Value.self, from: Data(try text(key).utf8)) else {
                throw foreign("'\(key)' in its metadata cannot be read")
            }
            return value
        }
        guard metadata["format"] == Self.format else { throw foreign("it was not written by this program's pre-training") }
        let version = try text("version")
        guard version == Self.version else { throw foreign("it has version \(version) of the format, and this program reads \(Self.version)") }
        do {
            settings = try PreTrainingSettings(json: try text("settings"))
        } catch let error as SettingError {
            throw foreign("its settings: \(error)")
        } catch {
            throw foreign("its settings cannot be read")
        }
        classes = try decoded("classes")
        images = try text("images")
        position = TrainingPosition(
            epoch: try integer("epoch"), stepInEpoch: try integer("step_in_epoch"), step: try integer("step"),
            mapsEpoch: metadata["maps_epoch"].flatMap { Int($0) },
            totals: MetricTotals(sums: try decoded("epoch_sums"), count: try integer("epoch_count")))
        guard position.totals.sums.count == MetricTotals.metrics.count else { throw foreign("'epoch_sums' has another number of metrics") }
    }

    init(settings: PreTrainingSettings, classes: [String], images: String, position: TrainingPosition) {
        (self.settings, self.classes, self.images, self.position) = (settings, classes, images, position)
    }

    private static func json(_ value: some Encodable) -> String {
        guard let data = try? JSONEncoder().encode(value) else { preconditionFailure("texts and finite numbers can be encoded") }
        return String(decoding: data, as: UTF8.self)
    }
}
